//! Whole attempts: claims, which nodes are looked at, and the messages.

use k8s_openapi::api::core::v1::{PersistentVolumeClaim, PersistentVolumeClaimStatus};
use k8s_openapi::api::storage::v1::StorageClass;

use super::super::fixture::{LARGE, info, node, pod, requests, snapshot, volume, zoned};
use super::*;
use crate::objects::{Kind, Object, ObjectKey};

fn outcome(incoming: &Object, claims: &[Mounted], cluster: Vec<Object>) -> String {
    match attempt(&info(incoming), claims, &mut snapshot(cluster), |_| None) {
        Outcome::Fits(node) => node,
        Outcome::Refused(refusal) => refusal.message,
    }
}

fn plain(name: &str) -> Object {
    node(name, LARGE, "", "")
}

/// The message of a cluster of one node whose pods cannot help.
fn refused(why: &str) -> String {
    let rest = "preemption: 0/1 nodes are available: 1 Preemption is not helpful for scheduling.";
    format!("0/1 nodes are available: {why}. {rest}")
}

fn class(mode: &str, provisioner: &str) -> StorageClass {
    let text = format!("{{metadata: {{name: c}}, provisioner: {provisioner}, volumeBindingMode: {mode}}}");
    serde_yaml::from_str(&text).unwrap()
}

fn claim(phase: Option<&str>, class: StorageClass) -> Mounted {
    let claim = phase.map(|phase| PersistentVolumeClaim {
        metadata: serde_yaml::from_str("{namespace: default, name: data-web-0, uid: u}").unwrap(),
        spec: Some(serde_yaml::from_str("{storageClassName: c, accessModes: [ReadWriteOnce]}").unwrap()),
        status: Some(PersistentVolumeClaimStatus { phase: Some(phase.to_owned()), ..Default::default() }),
    });
    Mounted {
        key: ObjectKey::new(Kind::PersistentVolumeClaim, "default", "data-web-0"),
        is_ephemeral: false,
        claim,
        class: Some(class),
        volume: None,
        candidates: Vec::new(),
        selected_node: None,
    }
}

fn immediate(phase: Option<&str>) -> Mounted {
    claim(phase, class("Immediate", "p"))
}

fn delayed(phase: Option<&str>) -> Mounted {
    claim(phase, class("WaitForFirstConsumer", "p"))
}

/// A claim with its volume, of which this is the spec and the metadata.
fn bound(meta: &str, spec: &str) -> Mounted {
    let found =
        volume(&format!("{{metadata: {{name: v{meta}}}, spec: {{{spec}}}, status: {{phase: Bound}}}}"));
    Mounted { volume: Some(found), ..immediate(Some("Bound")) }
}

#[test]
fn claims_hold_a_pod_until_they_are_bound() {
    let mut leaving = bound("", "");
    let time = crate::objects::time(crate::clock::Timestamp::UNIX_EPOCH);
    leaving.claim.as_mut().unwrap().metadata.deletion_timestamp = Some(time);
    let missing = refused("persistentvolumeclaim \"data-web-0\" not found");
    let mut lost = immediate(Some("Bound"));
    lost.claim.as_mut().unwrap().spec.as_mut().unwrap().volume_name = Some("v".into());
    let ephemeral = Mounted { is_ephemeral: true, ..immediate(None) };
    let waiting =
        "waiting for ephemeral volume controller to create the persistentvolumeclaim \"data-web-0\"";
    let fits = "a".to_owned();
    let cases = [
        (vec![], fits.clone()),
        (vec![bound("", "")], fits.clone()),
        (vec![immediate(None)], missing.clone()),
        (vec![delayed(Some("Pending")), immediate(None)], missing),
        (vec![ephemeral], refused(waiting)),
        (vec![immediate(Some("Pending"))], refused("pod has unbound immediate PersistentVolumeClaims")),
        (vec![delayed(Some("Pending"))], fits.clone()),
        (vec![leaving], refused("persistentvolumeclaim \"data-web-0\" is being deleted")),
        (
            vec![immediate(Some("Lost"))],
            refused("persistentvolumeclaim \"data-web-0\" bound to non-existent persistentvolume \"\""),
        ),
        (vec![immediate(Some("Bound"))], fits),
        (vec![lost], refused("1 node(s) unavailable due to one or more pvc(s) bound to non-existent pv(s)")),
    ];
    for (claims, expected) in cases {
        assert_eq!(outcome(&pod("p", "", "", ""), &claims, vec![plain("a")]), expected, "{claims:?}");
    }
}

const ON_B: &str = "nodeAffinity: {required: {nodeSelectorTerms: [{matchExpressions: [
    {key: kubernetes.io/hostname, operator: In, values: [b]}]}]}}";

#[test]
fn a_pod_goes_where_its_volumes_are_or_can_be() {
    let nodes = || vec![plain("a"), plain("b")];
    let place = |claims: &[Mounted]| outcome(&pod("p", "", "", ""), claims, nodes());
    assert_eq!(place(&[bound("", ON_B)]), "b");
    let static_class =
        || claim(Some("Pending"), class("WaitForFirstConsumer", "kubernetes.io/no-provisioner"));
    let rest = "preemption: 0/2 nodes are available: 2 Preemption is not helpful for scheduling.";
    let nothing = format!(
        "0/2 nodes are available: 2 node(s) didn't find available persistent volumes to bind. {rest}"
    );
    assert_eq!(place(&[static_class()]), nothing);
    let free = volume(&format!(
        "{{metadata: {{name: v}}, spec: {{storageClassName: c, accessModes: [ReadWriteOnce], {ON_B}}},
           status: {{phase: Available}}}}"
    ));
    let one = Mounted { candidates: vec![free.clone()], ..static_class() };
    assert_eq!(place(std::slice::from_ref(&one)), "b");
    assert_eq!(place(&[one.clone(), one.clone()]), nothing, "two claims need two volumes");
    let selected = Mounted { selected_node: Some("b".into()), ..delayed(Some("Pending")) };
    assert_eq!(place(&[selected]), "b", "it is being provisioned there");
    let topologies = "[{matchLabelExpressions: [{key: kubernetes.io/hostname, values: [b]}]}]";
    let mut allowed = delayed(Some("Pending"));
    allowed.class.as_mut().unwrap().allowed_topologies = Some(serde_yaml::from_str(topologies).unwrap());
    assert_eq!(place(&[allowed]), "b");
}

#[test]
fn a_volume_with_a_zone_is_used_there() {
    let zone = "topology.kubernetes.io/zone";
    let place = |meta: &str, nodes| outcome(&pod("p", "", "", ""), &[bound(meta, "")], nodes);
    let nodes = || vec![zoned("a", "z1"), zoned("b", "z2")];
    assert_eq!(place(&format!(", labels: {{{zone}: z2}}"), nodes()), "b");
    assert_eq!(place(&format!(", labels: {{{zone}: z0__z1}}"), nodes()), "a");
    let rest = "preemption: 0/2 nodes are available: 2 Preemption is not helpful for scheduling.";
    let nowhere = format!("0/2 nodes are available: 2 node(s) had no available volume zone. {rest}");
    assert_eq!(place(&format!(", labels: {{{zone}: z3}}"), nodes()), nowhere);
    assert_eq!(place(&format!(", labels: {{{zone}: z3}}"), vec![plain("a")]), "a");
}

#[test]
fn a_claim_for_one_pod_is_used_by_one() {
    let mut mounted = bound("", "");
    mounted.claim.as_mut().unwrap().spec.as_mut().unwrap().access_modes =
        Some(vec!["ReadWriteOncePod".into()]);
    let mounts = "volumes: [{name: data, persistentVolumeClaim: {claimName: data-web-0}}]";
    let cluster = |other: &str| vec![plain("a"), plain("b"), pod("x", "a", "", other)];
    let found = outcome(&pod("p", "", "", mounts), std::slice::from_ref(&mounted), cluster(mounts));
    assert!(found.starts_with(
        "0/2 nodes are available: 2 node(s) unavailable due to PersistentVolumeClaim with ReadWriteOncePod access \
         mode already in-use by another pod. preemption: 0/2 nodes are available: \
         2 No preemption victims found for incoming pod."
    ), "{found}");
    let important = pod("p", "", "", &format!("priority: 1, {mounts}"));
    let found = outcome(&important, std::slice::from_ref(&mounted), cluster(mounts));
    assert!(found.ends_with("on node a, preempting 1 victims"), "{found}");
}

#[test]
fn the_message_counts_the_reasons_of_all_nodes() {
    let anti = "affinity: {podAntiAffinity: {requiredDuringSchedulingIgnoredDuringExecution: [
        {labelSelector: {matchLabels: {app: web}}, topologyKey: kubernetes.io/hostname}]}}";
    let incoming = pod("p", "", "app: web", &format!("{anti}, {}", requests("cpu: 2")));
    let cluster = vec![
        node("a", "cpu: 1, pods: 10", "", ""),
        plain("b"),
        plain("c"),
        pod("x", "b", "app: web", ""),
        pod("y", "c", "app: web", ""),
    ];
    assert_eq!(
        outcome(&incoming, &[], cluster),
        "0/3 nodes are available: 1 Insufficient cpu, 2 node(s) didn't match pod anti-affinity rules. preemption: \
         0/3 nodes are available: 1 Preemption is not helpful for scheduling, 2 No preemption victims found for \
         incoming pod."
    );
    assert_eq!(outcome(&incoming, &[], vec![]), "no nodes available to schedule pods");
}

#[test]
fn a_pod_that_names_its_nodes_looks_at_no_others() {
    let named = |terms: &str| {
        let required =
            format!("requiredDuringSchedulingIgnoredDuringExecution: {{nodeSelectorTerms: [{terms}]}}");
        pod("p", "", "", &format!("affinity: {{nodeAffinity: {{{required}}}}}"))
    };
    let is = |name: &str| format!("{{key: metadata.name, operator: In, values: [{name}]}}");
    let term = |fields: &[String]| format!("{{matchFields: [{}]}}", fields.join(", "));
    let nodes = || vec![plain("a"), node("b", LARGE, "", "unschedulable: true")];
    assert_eq!(outcome(&named(&term(&[is("a")])), &[], nodes()), "a");
    let rest = "preemption: 0/2 nodes are available: 2 Preemption is not helpful for scheduling.";
    let others = "1 node(s) didn't satisfy plugin(s) [NodeAffinity]";
    assert_eq!(
        outcome(&named(&term(&[is("b")])), &[], nodes()),
        format!("0/2 nodes are available: {others}, 1 node(s) were unschedulable. {rest}")
    );
    assert_eq!(
        outcome(&named(&term(&[is("a"), is("b")])), &[], nodes()),
        format!("0/2 nodes are available: pod affinity terms conflict. {rest}")
    );
}
