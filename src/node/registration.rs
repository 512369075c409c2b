//! The Node object that stands for a node, as a kubelet registers it.
//!
//! Written once per start, and when the node comes back. Its heartbeat is its lease.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{Node, NodeAddress, NodeCondition, NodeSpec, NodeStatus, NodeSystemInfo};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use super::hosts::is_taken_down;
use super::identity;
use super::options::{NodeOptions, NodeSize};
use super::recorder::{COMPONENT, status_is_now};
use crate::clock::Timestamp;
use crate::objects::{Kind, Object, ObjectKey, time, version};
use crate::store::{Store, StoreError};

/// Creates or updates the node's object and reports that it is ready, unless it is taken down. Labels,
/// annotations and taints set by others are kept. Returns the object.
pub(super) async fn register(
    store: &Store,
    options: &NodeOptions,
    runtime: &str,
) -> Result<Object, StoreError> {
    let key = key(&options.name);
    let wanted = node(options);
    let registered = match store.create(wanted.clone()).await {
        Err(error) if error.is_already_exists() => {
            let update = |present: &mut Node| merge(present, &wanted);
            store.modify::<Node>(&key, update).await?
        }
        other => other?,
    };
    if is_taken_down(&registered) {
        return Ok(registered);
    }
    let now = store.clock().now();
    let was_ready = ready_status(&registered) == Some("True");
    let write = |present: &mut Node| {
        let status = status(options, runtime, present.status.as_ref(), now);
        present.status = Some(status);
    };
    let reported = store.modify_status::<Node>(&key, write).await?;
    if !was_ready {
        let event = status_is_now(&options.name, "NodeReady");
        store.record(COMPONENT, &reported, event.severity, event.reason, &event.message).await;
    }
    Ok(reported)
}

/// The key of a node's object.
pub(super) fn key(node: &str) -> ObjectKey {
    ObjectKey::new(Kind::Node, "", node)
}

fn ready_status(object: &Object) -> Option<&str> {
    let conditions = object.get::<Node>()?.status.as_ref()?.conditions.as_deref()?;
    conditions.iter().find(|condition| condition.type_ == "Ready").map(|ready| ready.status.as_str())
}

fn merge(present: &mut Node, wanted: &Node) {
    let labels = present.metadata.labels.get_or_insert_default();
    labels.extend(wanted.metadata.labels.clone().unwrap_or_default());
    let spec = present.spec.get_or_insert_default();
    if let Some(wanted) = &wanted.spec {
        spec.pod_cidr.clone_from(&wanted.pod_cidr);
        spec.pod_cidrs.clone_from(&wanted.pod_cidrs);
    }
}

fn node(options: &NodeOptions) -> Node {
    let networks: Vec<String> = options.pod_networks.iter().map(ToString::to_string).collect();
    let mut labels = BTreeMap::new();
    labels.insert("kubernetes.io/hostname".to_owned(), options.name.clone());
    for prefix in ["kubernetes.io", "beta.kubernetes.io"] {
        labels.insert(format!("{prefix}/os"), operating_system().to_owned());
        labels.insert(format!("{prefix}/arch"), architecture().to_owned());
    }
    if let Some(zone) = &options.zone {
        labels.insert("topology.kubernetes.io/zone".to_owned(), zone.clone());
    }
    Node {
        metadata: ObjectMeta { name: Some(options.name.clone()), labels: Some(labels), ..Default::default() },
        spec: Some(NodeSpec {
            pod_cidr: networks.first().cloned(),
            pod_cidrs: (!networks.is_empty()).then_some(networks),
            ..Default::default()
        }),
        status: None,
    }
}

fn status(options: &NodeOptions, runtime: &str, old: Option<&NodeStatus>, now: Timestamp) -> NodeStatus {
    let address = |type_: &str, address: String| NodeAddress { type_: type_.to_owned(), address };
    let capacity = capacity(&options.size);
    NodeStatus {
        addresses: Some(vec![
            address("InternalIP", options.address.to_string()),
            address("Hostname", options.name.clone()),
        ]),
        allocatable: Some(capacity.clone()),
        capacity: Some(capacity),
        conditions: Some(conditions(old, now)),
        node_info: Some(system_info(options, runtime)),
        ..old.cloned().unwrap_or_default()
    }
}

/// Everything that the node has is for pods: a simulated node has no system beside them.
fn capacity(size: &NodeSize) -> BTreeMap<String, Quantity> {
    let rows = [
        ("cpu", size.cpu.clone()),
        ("ephemeral-storage", size.ephemeral_storage.clone()),
        ("memory", size.memory.clone()),
        ("pods", size.pods.to_string()),
    ];
    rows.map(|(resource, amount)| (resource.to_owned(), Quantity(amount))).into()
}

fn conditions(old: Option<&NodeStatus>, now: Timestamp) -> Vec<NodeCondition> {
    let old = old.and_then(|status| status.conditions.as_deref()).unwrap_or_default();
    let rows = [
        ("MemoryPressure", "False", "KubeletHasSufficientMemory", "kubelet has sufficient memory available"),
        ("DiskPressure", "False", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
        ("PIDPressure", "False", "KubeletHasSufficientPID", "kubelet has sufficient PID available"),
        ("Ready", "True", "KubeletReady", "kubelet is posting ready status"),
    ];
    let condition = |(type_, status, reason, message): (&str, &str, &str, &str)| {
        let before = old.iter().find(|old| old.type_ == type_ && old.status == status);
        NodeCondition {
            type_: type_.to_owned(),
            status: status.to_owned(),
            reason: Some(reason.to_owned()),
            message: Some(message.to_owned()),
            last_heartbeat_time: Some(time(now)),
            last_transition_time: before
                .and_then(|before| before.last_transition_time.clone())
                .or_else(|| Some(time(now))),
        }
    };
    rows.map(condition).to_vec()
}

fn system_info(options: &NodeOptions, runtime: &str) -> NodeSystemInfo {
    NodeSystemInfo {
        architecture: architecture().to_owned(),
        operating_system: operating_system().to_owned(),
        os_image: format!("dullahan {}", env!("CARGO_PKG_VERSION")),
        kernel_version: operating_system().to_owned(),
        kubelet_version: version::GIT_VERSION.to_owned(),
        container_runtime_version: runtime.to_owned(),
        machine_id: identity::machine_id(&options.name),
        system_uuid: identity::system_uuid(&options.name),
        boot_id: identity::boot_id(&options.name),
        ..Default::default()
    }
}

fn operating_system() -> &'static str {
    if std::env::consts::OS == "macos" { "darwin" } else { std::env::consts::OS }
}

/// The architecture as Go names it.
fn architecture() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        "x86" => "386",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;
    use crate::store::StoreOptions;

    fn options() -> NodeOptions {
        NodeOptions {
            name: "node-1".into(),
            pod_networks: vec!["10.0.0.0/24".parse().unwrap(), "fd00::/64".parse().unwrap()],
            address: "192.168.0.1".parse().unwrap(),
            size: NodeSize { cpu: "4".into(), ..NodeSize::ample() },
            zone: Some("a".into()),
            renews_lease_every: None,
        }
    }

    #[tokio::test(start_paused = true)]
    async fn registering_again_keeps_what_others_have_set() {
        let clock = Clock::starting_at(Timestamp::UNIX_EPOCH);
        let store = Store::in_memory(clock.clone(), StoreOptions::default());
        register(&store, &options(), "test://1").await.unwrap();
        let key = ObjectKey::new(Kind::Node, "", "node-1");
        let set = |node: &mut Node| {
            node.metadata.labels.get_or_insert_default().insert("disk".into(), "ssd".into());
            node.spec.get_or_insert_default().unschedulable = Some(true);
        };
        store.modify::<Node>(&key, set).await.unwrap();
        clock.sleep(std::time::Duration::from_secs(60)).await;
        register(&store, &options(), "test://2").await.unwrap();
        let object = store.get(&key).unwrap();
        let node = object.get::<Node>().unwrap();
        let labels = node.metadata.labels.as_ref().unwrap();
        assert_eq!((labels["disk"].as_str(), labels["kubernetes.io/hostname"].as_str()), ("ssd", "node-1"));
        assert_eq!(labels["topology.kubernetes.io/zone"], "a");
        let spec = node.spec.as_ref().unwrap();
        assert_eq!((spec.unschedulable, spec.pod_cidr.as_deref()), (Some(true), Some("10.0.0.0/24")));
        assert_eq!(spec.pod_cidrs.as_ref().unwrap(), &["10.0.0.0/24", "fd00::/64"]);
        let status = node.status.as_ref().unwrap();
        assert_eq!(status.allocatable, status.capacity);
        assert_eq!(status.capacity.as_ref().unwrap()["cpu"].0, "4");
        assert_eq!(status.node_info.as_ref().unwrap().container_runtime_version, "test://2");
        let ready = status.conditions.iter().flatten().find(|one| one.type_ == "Ready").unwrap();
        let second = |time: &Option<k8s_openapi::apimachinery::pkg::apis::meta::v1::Time>| {
            time.as_ref().unwrap().0.as_second()
        };
        assert_eq!(second(&ready.last_transition_time), 0);
        assert_eq!(second(&ready.last_heartbeat_time), 60);
    }
}
