//! Decisions about single pods, as tables.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{
    NodeSpec, PersistentVolumeClaimStatus, PersistentVolumeClaimVolumeSource, PodSchedulingGate, PodSpec,
    Volume,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use super::*;

fn labels(pairs: &[(&str, &str)]) -> Option<BTreeMap<String, String>> {
    Some(pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect())
}

fn node() -> Node {
    let metadata = ObjectMeta { labels: labels(&[("disk", "ssd")]), ..Default::default() };
    Node { metadata, ..Default::default() }
}

fn pod(change: impl FnOnce(&mut PodSpec)) -> Pod {
    let mut spec = PodSpec::default();
    change(&mut spec);
    Pod { spec: Some(spec), ..Default::default() }
}

fn claim(phase: Option<&str>, waits_for_consumer: bool) -> Mounted {
    let claim = phase.map(|phase| PersistentVolumeClaim {
        status: Some(PersistentVolumeClaimStatus { phase: Some(phase.to_owned()), ..Default::default() }),
        ..Default::default()
    });
    Mounted { name: "data-web-0".into(), claim, waits_for_consumer }
}

fn unschedulable(why: &str) -> Decision {
    let rest = "preemption: 0/1 nodes are available: 1 Preemption is not helpful for scheduling.";
    Decision::Unschedulable(format!("0/1 nodes are available: {why}. {rest}"))
}

#[test]
fn claims_hold_a_pod_until_they_are_bound() {
    let mut leaving = claim(Some("Bound"), false);
    leaving.claim.as_mut().unwrap().metadata.deletion_timestamp = Some(time(Timestamp::UNIX_EPOCH));
    let missing = "persistentvolumeclaim \"data-web-0\" not found";
    let cases = [
        (vec![], Decision::Bind),
        (vec![claim(Some("Bound"), false)], Decision::Bind),
        (vec![claim(Some("Bound"), true)], Decision::Bind),
        (vec![claim(None, false)], unschedulable(missing)),
        (vec![claim(Some("Pending"), true), claim(None, false)], unschedulable(missing)),
        (
            vec![claim(Some("Pending"), false)],
            unschedulable("pod has unbound immediate PersistentVolumeClaims"),
        ),
        (vec![claim(Some("Pending"), true)], Decision::SelectNode(vec!["data-web-0".into()])),
        (vec![leaving], unschedulable("persistentvolumeclaim \"data-web-0\" is being deleted")),
    ];
    for (claims, expected) in cases {
        assert_eq!(decide(&pod(|_| {}), Some(&node()), &claims), expected, "{claims:?}");
    }
}

#[test]
fn the_pod_and_the_node_must_suit_each_other() {
    let select = |value: &str| {
        let selector = labels(&[("disk", value)]);
        pod(|spec| spec.node_selector = selector)
    };
    let gate = vec![PodSchedulingGate { name: "example.com/gate".into() }];
    let cordoned = NodeSpec { unschedulable: Some(true), ..Default::default() };
    let cordoned = Node { spec: Some(cordoned), ..node() };
    let cases = [
        (select("ssd"), Some(node()), Decision::Bind),
        (select("hdd"), Some(node()), unschedulable("1 node(s) didn't match Pod's node affinity/selector")),
        (pod(|_| {}), Some(cordoned), unschedulable("1 node(s) were unschedulable")),
        (pod(|_| {}), None, Decision::Unschedulable("no nodes available to schedule pods".into())),
        (pod(|spec| spec.scheduling_gates = Some(gate)), Some(node()), Decision::Gated),
        (pod(|spec| spec.scheduling_gates = Some(vec![])), Some(node()), Decision::Bind),
        (pod(|spec| spec.scheduler_name = Some("mine".into())), Some(node()), Decision::NotOurs),
        (pod(|spec| spec.scheduler_name = Some(SCHEDULER.into())), Some(node()), Decision::Bind),
    ];
    for (pod, node, expected) in cases {
        assert_eq!(decide(&pod, node.as_ref(), &[]), expected, "{pod:?}");
    }
}

#[test]
fn a_condition_keeps_its_transition_time_while_its_status_is_the_same() {
    let at = |s| Timestamp::UNIX_EPOCH + std::time::Duration::from_secs(s);
    let mut pod = pod(|_| {});
    let first = condition(&pod, &Decision::Unschedulable("a".into()), at(1)).unwrap();
    assert_eq!((first.status.as_str(), first.reason.as_deref()), ("False", Some("Unschedulable")));
    pod.status.get_or_insert_default().conditions = Some(vec![first]);
    let second = condition(&pod, &Decision::Unschedulable("b".into()), at(2)).unwrap();
    assert_eq!((second.last_transition_time, second.message), (Some(time(at(1))), Some("b".into())));
    let third = condition(&pod, &Decision::Bind, at(3)).unwrap();
    assert_eq!((third.last_transition_time, third.status.as_str()), (Some(time(at(3))), "True"));
    assert_eq!(condition(&pod, &Decision::SelectNode(vec![]), at(3)), None);
}

#[test]
fn claims_of_ephemeral_volumes_are_named_after_the_pod() {
    let mut pod = pod(|spec| {
        let source = PersistentVolumeClaimVolumeSource { claim_name: "data-web-0".into(), read_only: None };
        let mounted =
            Volume { name: "data".into(), persistent_volume_claim: Some(source), ..Default::default() };
        let ephemeral =
            Volume { name: "tmp".into(), ephemeral: Some(Default::default()), ..Default::default() };
        let other = Volume { name: "other".into(), ..Default::default() };
        spec.volumes = Some(vec![mounted, ephemeral, other]);
    });
    pod.metadata.name = Some("web-0".into());
    assert_eq!(claim_names(&pod), ["data-web-0", "web-0-tmp"]);
}
