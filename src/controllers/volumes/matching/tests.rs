//! Volumes and claims are written as short YAML, one line each.

use super::*;

fn claim(spec: &str) -> PersistentVolumeClaim {
    let text = format!("{{metadata: {{namespace: default, name: c, uid: u}}, spec: {{{spec}}}}}");
    serde_yaml::from_str(&text).unwrap()
}

fn volume(name: &str, spec: &str) -> PersistentVolume {
    let text = format!(
        "{{metadata: {{name: {name}, labels: {{name: {name}}}}}, spec: {{{spec}}}, status: {{phase: Available}}}}"
    );
    serde_yaml::from_str(&text).unwrap()
}

const RWO_1GI: &str = "accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}";

#[track_caller]
fn check(claim_spec: &str, volumes: &[(&str, &str)], mode: Mode<'_>, expected: Option<&str>) {
    let volumes: Vec<_> = volumes.iter().map(|(name, spec)| volume(name, spec)).collect();
    let found = match_volume(&claim(claim_spec), &volumes, mode);
    let found = found.and_then(|volume| volume.metadata.name.as_deref());
    assert_eq!(found, expected, "{claim_spec} of {volumes:#?}");
}

#[test]
fn the_smallest_volume_that_fits_is_taken_and_ties_go_by_name() {
    let rwo = |size: &str| format!("accessModes: [ReadWriteOnce], capacity: {{storage: {size}}}");
    let (small, fit, large) = (rwo("999Mi"), rwo("1Gi"), rwo("1Ti"));
    let both = "accessModes: [ReadWriteOnce, ReadOnlyMany], capacity: {storage: 1Gi}";
    check(RWO_1GI, &[("a", &small)], Mode::Immediate, None);
    check(RWO_1GI, &[("a", &large), ("b", &fit), ("c", &fit)], Mode::Immediate, Some("b"));
    check(RWO_1GI, &[("c", &fit), ("b", &fit)], Mode::Immediate, Some("b"));
    check(RWO_1GI, &[("a", both), ("b", &large)], Mode::Immediate, Some("b"));
    check(RWO_1GI, &[("a", both)], Mode::Immediate, Some("a"));
}

#[test]
fn class_mode_access_and_selector_must_agree() {
    let base = "accessModes: [ReadWriteOnce], capacity: {storage: 1Gi}";
    let fast = format!("{base}, storageClassName: fast");
    let block = format!("{base}, volumeMode: Block");
    let immediate = Mode::Immediate;
    check(RWO_1GI, &[("a", &fast)], immediate, None);
    check(&format!("{RWO_1GI}, storageClassName: fast"), &[("a", base), ("b", &fast)], immediate, Some("b"));
    check(&format!("{RWO_1GI}, storageClassName: ''"), &[("a", base)], immediate, Some("a"));
    check(RWO_1GI, &[("a", &block)], immediate, None);
    check(&format!("{RWO_1GI}, volumeMode: Block"), &[("a", base), ("b", &block)], immediate, Some("b"));
    check("accessModes: [ReadWriteMany]", &[("a", base)], immediate, None);
    let selecting = format!("{RWO_1GI}, selector: {{matchLabels: {{name: b}}}}");
    check(&selecting, &[("a", base), ("b", base)], immediate, Some("b"));
    let unreadable = "selector: {matchExpressions: [{key: name, operator: Like}]}";
    check(&format!("{RWO_1GI}, {unreadable}"), &[("a", base)], immediate, None);
}

#[test]
fn a_reserved_volume_goes_to_its_claim_alone() {
    let base = "accessModes: [ReadWriteOnce], capacity: {storage: 1Gi}";
    let ours = format!("{base}, claimRef: {{namespace: default, name: c}}");
    let ours_by_uid = format!("{base}, claimRef: {{namespace: default, name: c, uid: u}}");
    let former = format!("{base}, claimRef: {{namespace: default, name: c, uid: x}}");
    let foreign = format!("{base}, claimRef: {{namespace: other, name: c}}");
    check(RWO_1GI, &[("a", base), ("b", &ours)], Mode::Immediate, Some("b"));
    check(RWO_1GI, &[("a", base), ("b", &ours_by_uid)], Mode::Delayed, Some("b"));
    check(RWO_1GI, &[("a", &former)], Mode::Immediate, None);
    check(RWO_1GI, &[("a", &foreign)], Mode::Immediate, None);
    let small =
        "accessModes: [ReadWriteOnce], capacity: {storage: 1Mi}, claimRef: {namespace: default, name: c}";
    check(RWO_1GI, &[("a", small), ("b", base)], Mode::Immediate, Some("b"));
}

#[test]
fn a_delayed_claim_waits_for_its_place_and_takes_what_is_reachable_from_there() {
    let on = |node: &str| {
        let terms = format!(
            "nodeSelectorTerms: [{{matchExpressions: [{{key: host, operator: In, values: [{node}]}}]}}]"
        );
        format!(
            "accessModes: [ReadWriteOnce], capacity: {{storage: 1Gi}}, nodeAffinity: {{required: {{{terms}}}}}"
        )
    };
    let (near, far) = (on("n1"), on("n2"));
    let node = SelectedNode { name: "n1".into(), labels: Labels::from([("host".into(), "n1".into())]) };
    check(RWO_1GI, &[("a", &near)], Mode::Delayed, None);
    check(RWO_1GI, &[("a", &far), ("b", &near)], Mode::OnNode(&node), Some("b"));
    check(RWO_1GI, &[("a", &far)], Mode::OnNode(&node), None);
    check(RWO_1GI, &[("a", &far)], Mode::Immediate, Some("a"));
    let reserved_far = format!("{far}, claimRef: {{namespace: default, name: c}}");
    check(RWO_1GI, &[("a", &reserved_far), ("b", &near)], Mode::OnNode(&node), None);
}

#[test]
fn a_volume_that_is_not_available_is_not_given_away() {
    let base = "accessModes: [ReadWriteOnce], capacity: {storage: 1Gi}";
    for phase in ["Pending", "Bound", "Released", "Failed"] {
        let mut volume = volume("a", base);
        volume.status.as_mut().unwrap().phase = Some(phase.into());
        assert_eq!(match_volume(&claim(RWO_1GI), [&volume], Mode::Immediate), None, "{phase}");
    }
}
