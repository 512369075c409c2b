//! Volumes and what a kubelet says of them.

use serde_json::{Value, json};

use super::*;
use crate::objects::Typed;

/// The Secret `db` with a key, the ConfigMap `settings` with two, a claim that is bound and one that
/// is not.
fn objects() -> Vec<Object> {
    let meta = |name: &str| json!({"name": name, "namespace": "default"});
    let objects = [
        (Kind::Secret, json!({"metadata": meta("db"), "data": {"password": "eA=="}})),
        (
            Kind::ConfigMap,
            json!({"metadata": meta("settings"), "data": {"a": "1"}, "binaryData": {"b": "eA=="}}),
        ),
        (Kind::PersistentVolumeClaim, json!({"metadata": meta("bound"), "status": {"phase": "Bound"}})),
        (
            Kind::PersistentVolumeClaim,
            json!({"metadata": meta("web-0-scratch"), "status": {"phase": "Pending"}}),
        ),
    ];
    objects.map(|(kind, value)| Object::unversioned(Typed::from_value(kind, value).unwrap())).into()
}

#[track_caller]
fn check(volumes: Value, expected: &[&str]) {
    let mounts: Vec<Value> = volumes
        .as_array()
        .unwrap()
        .iter()
        .map(|volume| json!({"name": volume["name"], "mountPath": "/m"}))
        .collect();
    let pod = json!({
        "metadata": {"name": "web-0", "namespace": "default"},
        "spec": {"containers": [{"name": "c", "volumeMounts": mounts}], "volumes": volumes},
    });
    check_pod(pod, expected);
}

#[track_caller]
fn check_pod(pod: Value, expected: &[&str]) {
    let pod: Pod = serde_json::from_value(pod).unwrap();
    let objects = objects();
    let look_up = |key: &ObjectKey| objects.iter().find(|object| object.key() == key).cloned();
    assert_eq!(complaints(&pod, &look_up), expected);
}

#[test]
fn what_is_there_or_optional_is_mounted() {
    check(
        json!([
            {"name": "a", "secret": {"secretName": "db", "items": [{"key": "password", "path": "p"}]}},
            {"name": "b", "secret": {"secretName": "none", "optional": true}},
            {"name": "c", "configMap": {"name": "settings", "items": [{"key": "a", "path": "a"}, {"key": "b", "path": "b"}]}},
            {"name": "d", "persistentVolumeClaim": {"claimName": "bound"}},
            {"name": "e", "emptyDir": {}},
            {"name": "f", "projected": {"sources": [
                {"serviceAccountToken": {"path": "token"}}, {"configMap": {"name": "kube-root-ca.crt"}},
                {"downwardAPI": {"items": []}}, {"secret": {"name": "db"}},
            ]}},
        ]),
        &[],
    );
}

#[test]
fn a_missing_secret_or_config_map_is_named_with_its_volume() {
    check(
        json!([
            {"name": "a", "secret": {"secretName": "none"}},
            {"name": "b", "configMap": {"name": "none"}},
            {"name": "c", "secret": {"secretName": "db", "items": [{"key": "user", "path": "u"}]}},
            {"name": "d", "configMap": {"name": "settings", "items": [{"key": "z", "path": "z"}]}},
        ]),
        &[
            "MountVolume.SetUp failed for volume \"a\" : secret \"none\" not found",
            "MountVolume.SetUp failed for volume \"b\" : configmap \"none\" not found",
            "MountVolume.SetUp failed for volume \"c\" : references non-existent secret key: user",
            "MountVolume.SetUp failed for volume \"d\" : configmap references non-existent config key: z",
        ],
    );
}

#[test]
fn all_that_a_projected_volume_lacks_is_named_once() {
    let sources = json!([
        {"secret": {"name": "none"}}, {"configMap": {"name": "none"}}, {"secret": {"name": "none"}},
    ]);
    check(
        json!([{"name": "a", "projected": {"sources": sources}}]),
        &[
            "MountVolume.SetUp failed for volume \"a\" : [secret \"none\" not found, configmap \"none\" not found]",
        ],
    );
}

#[test]
fn claims_that_are_missing_or_not_bound_are_named_together() {
    check(
        json!([
            {"name": "data", "persistentVolumeClaim": {"claimName": "none"}},
            {"name": "scratch", "ephemeral": {}},
        ]),
        &[
            "Unable to attach or mount volumes: unmounted volumes=[data scratch], unattached volumes=[], failed to \
           process volumes=[data scratch]: error processing PVC default/none: failed to fetch PVC from API server: \
           persistentvolumeclaims \"none\" not found; error processing PVC default/web-0-scratch: PVC is not bound",
        ],
    );
}

#[test]
fn a_volume_that_no_container_mounts_does_not_matter() {
    let volumes = json!([{"name": "a", "secret": {"secretName": "none"}}]);
    let spec = json!({"containers": [{"name": "c"}], "volumes": volumes});
    check_pod(json!({"metadata": {"name": "web-0", "namespace": "default"}, "spec": spec}), &[]);
    let inits = json!([{"name": "i", "volumeMounts": [{"name": "a", "mountPath": "/m"}]}]);
    let spec = json!({"containers": [{"name": "c"}], "initContainers": inits, "volumes": volumes});
    check_pod(
        json!({"metadata": {"name": "web-0", "namespace": "default"}, "spec": spec}),
        &["MountVolume.SetUp failed for volume \"a\" : secret \"none\" not found"],
    );
}
