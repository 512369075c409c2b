//! The Node object that stands for this node, as a kubelet registers it.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{Node, NodeAddress, NodeCondition, NodeSpec, NodeStatus, NodeSystemInfo};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use super::agent::NodeOptions;
use crate::clock::Timestamp;
use crate::objects::{Kind, ObjectKey, time};
use crate::store::{Store, StoreError};

/// How many pods one node takes: as many as its pod networks have room for, which is what
/// [`Addresses`](super::addresses::Addresses) limits; the number is what the node tells.
const PODS: u32 = 65_536;
/// The Kubernetes version whose behaviour the node has.
const KUBELET_VERSION: &str = "v1.35.0";

/// Creates the node's object, or brings the one that is there up to date. Labels, annotations and
/// taints that others have set stay.
pub(super) async fn register(store: &Store, options: &NodeOptions, runtime: &str) -> Result<(), StoreError> {
    let key = ObjectKey::new(Kind::Node, "", &options.name);
    let wanted = node(options);
    match store.create(wanted.clone()).await {
        Err(error) if error.is_already_exists() => {
            let update = |present: &mut Node| merge(present, &wanted);
            store.modify::<Node>(&key, update).await?;
        }
        other => drop(other?),
    }
    let now = store.clock().now();
    let write = |present: &mut Node| {
        let status = status(options, runtime, present.status.as_ref(), now);
        present.status = Some(status);
    };
    store.modify_status::<Node>(&key, write).await.map(drop)
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
    let n_cpus = std::thread::available_parallelism().map_or(1, usize::from);
    let capacity = BTreeMap::from([
        ("cpu".to_owned(), Quantity(n_cpus.to_string())),
        ("pods".to_owned(), Quantity(PODS.to_string())),
    ]);
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
        kubelet_version: format!("{KUBELET_VERSION}+dullahan-{}", env!("CARGO_PKG_VERSION")),
        container_runtime_version: runtime.to_owned(),
        machine_id: options.name.clone(),
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
