//! What binding a claim to a volume writes, and what it may not.

use super::*;

const CLAIM: Kind = Kind::PersistentVolumeClaim;
const VOLUME: Kind = Kind::PersistentVolume;

#[test]
fn a_claim_gets_its_volume_and_its_class_once() {
    let immutable = "spec: Forbidden: spec is immutable after creation except resources.requests and \
        volumeAttributesClassName for bound claims";
    let class = |name: &str| json!({"spec": {"storageClassName": name}});
    let volume = |name: &str| json!({"spec": {"volumeName": name}});
    let cases = [
        (json!({}), volume("pv"), &[][..]),
        (volume(""), volume("pv"), &[]),
        (json!({}), class("standard"), &[]),
        (json!({}), json!({"spec": {"storageClassName": "standard", "volumeName": "pv"}}), &[]),
        (json!({}), json!({"metadata": {"annotations": {"pv.kubernetes.io/bind-completed": "yes"}}}), &[]),
        (class("standard"), volume("pv"), &[]),
        (class(""), class("standard"), &[immutable]),
        (class("standard"), class("other"), &[immutable]),
        (volume("pv"), volume("other"), &[immutable]),
        (volume("pv"), json!({"spec": {"volumeName": null}}), &[immutable]),
    ];
    for (before, change, expected) in cases {
        check_update(CLAIM, before, change, expected);
    }
}

#[test]
fn a_volume_gets_and_loses_its_claim_and_stays_where_it_is() {
    let moved =
        "spec.persistentvolumesource: Forbidden: spec.persistentvolumesource is immutable after creation";
    let reference =
        |uid: Value| json!({"spec": {"claimRef": {"namespace": "default", "name": "c", "uid": uid}}});
    let annotated = json!({"metadata": {"annotations": {"pv.kubernetes.io/bound-by-controller": "yes"}}});
    let cases = [
        (json!({}), reference(json!("u")), &[][..]),
        (json!({}), merged(reference(json!("u")), &annotated), &[]),
        (reference(json!(null)), reference(json!("u")), &[]),
        (reference(json!("u")), reference(json!(null)), &[]),
        (merged(reference(json!("u")), &annotated), json!({"spec": {"claimRef": null}}), &[]),
        (annotated, json!({"metadata": {"annotations": null}}), &[]),
        (json!({}), json!({"spec": {"hostPath": {"path": "/other"}}}), &[moved]),
    ];
    for (before, change, expected) in cases {
        check_update(VOLUME, before, change, expected);
    }
}

#[test]
fn a_host_path_may_be_relative_and_may_not_climb() {
    let path = |path: &str| json!({"spec": {"hostPath": {"path": path, "type": "DirectoryOrCreate"}}});
    for below in ["local/pvc-6f0c", "/data", "a..b"] {
        check(VOLUME, path(below), &[]);
    }
    for above in ["..", "local/../..", "/data/.."] {
        let rule = format!("spec.hostPath.path: Invalid value: \"{above}\": must not contain '..'");
        check(VOLUME, path(above), &[&rule]);
    }
}

#[test]
fn a_local_volume_needs_its_node_and_a_host_path_does_not() {
    let local = |affinity: Value| json!({"spec": {"hostPath": null, "local": {"path": "/data"}, "nodeAffinity": affinity}});
    let requirement = json!({"key": "kubernetes.io/hostname", "operator": "In", "values": ["n"]});
    let terms = json!([{"matchExpressions": [requirement]}]);
    check(VOLUME, json!({}), &[]);
    check(VOLUME, local(json!({"required": {"nodeSelectorTerms": terms}})), &[]);
    let required = "spec.nodeAffinity: Required value: Local volume requires node affinity";
    check(VOLUME, local(Value::Null), &[required]);
}
