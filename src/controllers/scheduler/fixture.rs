//! Small clusters for tests, written as short YAML.

use k8s_openapi::api::core::v1::{Namespace, Node, PersistentVolume, Pod, Service};

use super::snapshot::{PodInfo, Snapshot};
use crate::controllers::informer::Indexer;
use crate::objects::Object;

fn object<T: serde::de::DeserializeOwned + Into<crate::objects::Typed>>(yaml: &str) -> Object {
    let typed: T = serde_yaml::from_str(yaml).unwrap_or_else(|error| panic!("{error}: {yaml}"));
    Object::unversioned(typed.into())
}

/// A node named `name` with this status, spec and labels; hostname label included.
pub(super) fn node(name: &str, allocatable: &str, labels: &str, spec: &str) -> Object {
    let comma = if labels.is_empty() { "" } else { ", " };
    object::<Node>(&format!(
        "{{metadata: {{name: {name}, labels: {{kubernetes.io/hostname: {name}{comma}{labels}}}}},
          spec: {{{spec}}}, status: {{allocatable: {{{allocatable}}}}}}}"
    ))
}

/// Room enough for everything.
pub(super) const LARGE: &str = "cpu: 100, memory: 100Gi, pods: 100";

/// A large node in a zone.
pub(super) fn zoned(name: &str, zone: &str) -> Object {
    node(name, LARGE, &format!("topology.kubernetes.io/zone: {zone}"), "")
}

/// A pod of namespace `default`, on a node unless that is empty.
pub(super) fn pod(name: &str, node: &str, labels: &str, spec: &str) -> Object {
    let comma = if spec.is_empty() { "" } else { ", " };
    let on = if node.is_empty() { String::new() } else { format!(", nodeName: {node}") };
    let containers = if spec.contains("containers:") { "" } else { ", containers: [{name: c}]" };
    let extra = format!("{comma}{spec}{containers}{on}");
    object::<Pod>(&format!(
        "{{metadata: {{name: {name}, namespace: default, uid: uid-{name}, labels: {{{labels}}}}},
          spec: {{restartPolicy: Always{extra}}}, status: {{phase: Pending}}}}"
    ))
}

/// A container that requests this.
pub(super) fn requests(requests: &str) -> String {
    format!("containers: [{{name: c, resources: {{requests: {{{requests}}}}}}}]")
}

/// A volume.
pub(super) fn volume(yaml: &str) -> Object {
    object::<PersistentVolume>(yaml)
}

/// A service of namespace `default`.
pub(super) fn service(name: &str, selector: &str) -> Object {
    object::<Service>(&format!(
        "{{metadata: {{name: {name}, namespace: default}}, spec: {{selector: {{{selector}}}}}}}"
    ))
}

/// A namespace with labels.
pub(super) fn namespace(name: &str, labels: &str) -> Object {
    object::<Namespace>(&format!("{{metadata: {{name: {name}, labels: {{{labels}}}}}}}"))
}

/// The snapshot of these objects.
pub(super) fn snapshot(objects: impl IntoIterator<Item = Object>) -> Snapshot {
    let mut snapshot = Snapshot::default();
    objects.into_iter().for_each(|object| snapshot.add(&object));
    snapshot
}

/// A pod as the scheduler sees it.
pub(super) fn info(object: &Object) -> PodInfo {
    PodInfo::new(object, None).unwrap()
}
