//! Plans as tables; objects are written as short YAML, one line each.

use super::*;

fn parse<T: serde::de::DeserializeOwned>(text: &str) -> T {
    serde_yaml::from_str(text).unwrap()
}

fn claim(annotations: &str, spec: &str) -> PersistentVolumeClaim {
    parse(&format!(
        "{{metadata: {{namespace: default, name: c, uid: u, annotations: {{{annotations}}}}}, spec: {{{spec}}}}}"
    ))
}

fn volume(annotations: &str, spec: &str, phase: &str) -> PersistentVolume {
    parse(&format!(
        "{{metadata: {{name: v, annotations: {{{annotations}}}}}, spec: {{{spec}}}, status: {{phase: {phase}}}}}"
    ))
}

fn class(provisioner: &str, mode: &str) -> StorageClass {
    parse(&format!("{{metadata: {{name: k}}, provisioner: {provisioner}, volumeBindingMode: {mode}}}"))
}

/// The plan in one line: what to do, and the reason and the message if somebody is told.
fn brief(plan: ClaimPlan) -> String {
    match plan {
        ClaimPlan::Wait(report) => format!("wait {} {}", report.reason, report.message),
        ClaimPlan::Lose(report) => format!("lose {}", report.reason),
        ClaimPlan::AssignClass(name) => format!("class {name}"),
        ClaimPlan::Bind(name) => format!("bind {name}"),
        ClaimPlan::Provision => "provision".to_owned(),
        ClaimPlan::Nothing => "nothing".to_owned(),
    }
}

#[test]
fn a_claim_without_a_volume_is_matched_then_provisioned_then_waits() {
    let node = SelectedNode { name: "n1".into(), ..Default::default() };
    let (now, later) = (class("p", "Immediate"), class("p", "WaitForFirstConsumer"));
    let none = class("kubernetes.io/no-provisioner", "Immediate");
    let free = volume("", "capacity: {storage: 1Gi}", "Available");
    let in_class = volume("", "storageClassName: k", "Available");
    let empty = Surroundings::default();
    let with = |class| Surroundings { class: Some(class), ..empty };
    let unset =
        "wait FailedBinding no persistent volumes available for this claim and no storage class is set";
    let first = "wait WaitForFirstConsumer waiting for first consumer to be created before binding";
    let (no_class, named) = ("", "storageClassName: k");
    let cases: &[(&str, Surroundings<'_>, &str)] = &[
        (no_class, empty, unset),
        ("storageClassName: ''", Surroundings { default_class: Some("d"), ..empty }, unset),
        (no_class, Surroundings { default_class: Some("d"), ..empty }, "class d"),
        (no_class, Surroundings { default_class: Some("d"), volumes: &[&free], ..empty }, "bind v"),
        (named, empty, "wait ProvisioningFailed storageclass.storage.k8s.io \"k\" not found"),
        (
            named,
            with(&none),
            "wait ProvisioningFailed no volume plugin matched name: kubernetes.io/no-provisioner",
        ),
        (named, with(&now), "provision"),
        (named, Surroundings { volumes: &[&free], ..with(&now) }, "provision"),
        (named, Surroundings { volumes: &[&in_class], ..with(&now) }, "bind v"),
        (named, with(&later), first),
        (named, Surroundings { volumes: &[&in_class], ..with(&later) }, first),
        (
            named,
            Surroundings { unscheduled_pods: &["web-0"], ..with(&later) },
            "wait WaitForPodScheduled waiting for pod web-0 to be scheduled",
        ),
        (
            named,
            Surroundings { unscheduled_pods: &["a", "b"], ..with(&later) },
            "wait WaitForPodScheduled waiting for pods a,b to be scheduled",
        ),
        (named, Surroundings { node: Some(&node), ..with(&later) }, "provision"),
        (named, Surroundings { node: Some(&node), volumes: &[&in_class], ..with(&later) }, "bind v"),
    ];
    for (spec, around, expected) in cases {
        assert_eq!(brief(plan_claim(&claim("", spec), around)), *expected, "{spec} {around:?}");
    }
}

#[test]
fn a_claim_that_names_its_volume_gets_it_or_waits_for_it() {
    let ours = "claimRef: {namespace: default, name: c, uid: u}";
    let cases = [
        (None, "nothing"),
        (Some(""), "bind v"),
        (Some(ours), "bind v"),
        (Some("claimRef: {namespace: default, name: d, uid: x}"), "nothing"),
        (
            Some("storageClassName: fast"),
            "wait VolumeMismatch Cannot bind to requested volume \"v\": storageClassName does not match",
        ),
    ];
    for (spec, expected) in cases {
        let volume = spec.map(|spec| volume("", spec, "Available"));
        let around = Surroundings { volumes: &Vec::from_iter(&volume), ..Default::default() };
        let found = brief(plan_claim(&claim("", "volumeName: v"), &around));
        assert_eq!(found, expected, "{spec:?}");
    }
}

#[test]
fn a_bound_claim_is_lost_with_its_volume() {
    let ours = "claimRef: {namespace: default, name: c, uid: u}";
    let cases = [
        ("volumeName: v", Some(ours), "bind v"),
        ("volumeName: v", Some(""), "bind v"),
        ("volumeName: v", None, "lose ClaimLost"),
        ("", None, "lose ClaimLost"),
        ("volumeName: v", Some("claimRef: {namespace: default, name: c, uid: x}"), "lose ClaimMisbound"),
    ];
    for (claim_spec, spec, expected) in cases {
        let volume = spec.map(|spec| volume("", spec, "Bound"));
        let around = Surroundings { volumes: &Vec::from_iter(&volume), ..Default::default() };
        let bound = claim("pv.kubernetes.io/bind-completed: 'yes'", claim_spec);
        assert_eq!(brief(plan_claim(&bound, &around)), expected, "{claim_spec} {spec:?}");
    }
}

/// The plan in one word, and the reason if somebody is told.
fn brief_volume(plan: VolumePlan) -> String {
    match plan {
        VolumePlan::SetPhase(phase) => phase.to_owned(),
        VolumePlan::Fail(report) => format!("fail {}", report.reason),
        other => format!("{other:?}").to_lowercase(),
    }
}

#[test]
fn a_volume_follows_its_claim_and_is_reclaimed_after_it() {
    const MADE: &str = "pv.kubernetes.io/provisioned-by: p";
    let bound = "claimRef: {namespace: default, name: c, uid: u}";
    let policy = |policy: &str| format!("{bound}, persistentVolumeReclaimPolicy: {policy}");
    let (delete, retain, recycle) = (policy("Delete"), policy("Retain"), policy("Recycle"));
    let host = format!("{delete}, hostPath: {{path: /data}}");
    let (here, elsewhere) = (claim("", "volumeName: v"), claim("", "volumeName: w"));
    let unbound = claim("", "");
    let mut other = here.clone();
    other.metadata.uid = Some("x".into());
    let cases: &[(&str, &str, &str, Option<&PersistentVolumeClaim>, &str)] = &[
        ("", "", "Pending", None, "Available"),
        ("", "", "Available", None, "nothing"),
        ("", "claimRef: {namespace: default, name: c}", "Pending", Some(&unbound), "Available"),
        ("", bound, "Available", Some(&unbound), "nothing"),
        ("", bound, "Available", Some(&here), "Bound"),
        ("", bound, "Bound", Some(&here), "nothing"),
        ("", bound, "Bound", Some(&elsewhere), "unbind"),
        (MADE, &delete, "Available", Some(&elsewhere), "Released"),
        (MADE, &delete, "Bound", None, "Released"),
        (MADE, &delete, "Bound", Some(&other), "Released"),
        (MADE, &delete, "Released", None, "delete"),
        ("", &host, "Released", None, "delete"),
        ("", &delete, "Released", None, "fail VolumeFailedDelete"),
        ("", &delete, "Failed", None, "nothing"),
        (MADE, &retain, "Bound", None, "Released"),
        (MADE, &retain, "Released", None, "nothing"),
        ("", &recycle, "Released", None, "fail VolumeFailedRecycle"),
    ];
    for (annotations, spec, phase, claim, expected) in cases {
        let found = brief_volume(plan_volume(&volume(annotations, spec, phase), *claim));
        assert_eq!(found, *expected, "{annotations} {spec} {phase} {claim:?}");
    }
}

#[test]
fn a_claim_is_used_by_every_pod_that_has_a_place() {
    let using = "volumes: [{name: data, persistentVolumeClaim: {claimName: c}}]";
    let cases = [
        (format!("nodeName: n, {using}"), true),
        (using.to_owned(), false),
        ("nodeName: n, volumes: [{name: data, persistentVolumeClaim: {claimName: d}}]".to_owned(), false),
        ("nodeName: n".to_owned(), false),
    ];
    for (spec, expected) in cases {
        let pod: Pod = parse(&format!(
            "{{metadata: {{namespace: default, name: p}}, spec: {{containers: [], {spec}}}}}"
        ));
        assert_eq!(is_used_by(&claim("", ""), &pod), expected, "{spec}");
    }
}

#[test]
fn a_pod_that_its_node_is_done_with_uses_no_claim_although_a_finalizer_keeps_it() {
    for (grace_s, expected) in [(0, false), (30, true)] {
        let pod: Pod = parse(&format!(
            "{{metadata: {{namespace: default, name: p, deletionTimestamp: '2024-01-01T00:00:00Z', \
             deletionGracePeriodSeconds: {grace_s}, finalizers: [foregroundDeletion]}}, spec: {{containers: [], \
             nodeName: n, volumes: [{{name: data, persistentVolumeClaim: {{claimName: c}}}}]}}}}"
        ));
        assert_eq!(is_used_by(&claim("", ""), &pod), expected, "{grace_s}");
    }
}
