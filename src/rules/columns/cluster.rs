//! Rows of nodes, namespaces, runtime classes, leases and service accounts.
//!
//! The roles of a node come from its labels, its status from the condition `Ready`.

use std::collections::BTreeSet;

use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1::{Namespace, Node, NodeStatus, ServiceAccount};
use k8s_openapi::api::node::v1::RuntimeClass;
use serde_json::Value;

use super::age::since;
use super::cell::{NONE, UNKNOWN, or};
use super::column::{AGE, Column, NAME, number, text, wide};
use crate::clock::Timestamp;

pub(super) const NAMESPACE: &[Column] = &[NAME, text("Status", "The phase of the namespace."), AGE];

pub(super) const NODE: &[Column] = &[
    NAME,
    text("Status", "Whether the node is ready and accepts pods."),
    text("Roles", "The roles of the node, from its labels."),
    AGE,
    text("Version", "The version of the kubelet."),
    wide("Internal-IP", "The address within the cluster."),
    wide("External-IP", "The address from outside."),
    wide("OS-Image", "The operating system."),
    wide("Kernel-Version", "The kernel."),
    wide("Container-Runtime", "What runs the containers."),
];

pub(super) const RUNTIME_CLASS: &[Column] =
    &[NAME, text("Handler", "The handler of the container runtime."), AGE];

pub(super) const LEASE: &[Column] = &[NAME, text("Holder", "Who holds the lease."), AGE];

pub(super) const SERVICE_ACCOUNT: &[Column] = &[NAME, number("Secrets", "The number of secrets."), AGE];

const ROLE_PREFIX: &str = "node-role.kubernetes.io/";
const ROLE_LABEL: &str = "kubernetes.io/role";

pub(super) fn namespace(namespace: &Namespace, now: Timestamp) -> Vec<Value> {
    let phase = namespace.status.as_ref().and_then(|status| status.phase.clone());
    vec![
        namespace.metadata.name.clone().into(),
        phase.unwrap_or_default().into(),
        since(namespace.metadata.creation_timestamp.as_ref(), now).into(),
    ]
}

pub(super) fn node(node: &Node, now: Timestamp) -> Vec<Value> {
    let empty = NodeStatus::default();
    let status = node.status.as_ref().unwrap_or(&empty);
    let info = status.node_info.clone().unwrap_or_default();
    let address = |kind: &str| {
        let found = status.addresses.iter().flatten().find(|address| address.type_ == kind);
        found.map_or(NONE, |address| address.address.as_str())
    };
    vec![
        node.metadata.name.clone().into(),
        node_status(node, status).into(),
        roles(node).into(),
        since(node.metadata.creation_timestamp.as_ref(), now).into(),
        info.kubelet_version.into(),
        address("InternalIP").into(),
        address("ExternalIP").into(),
        or(Some(&info.os_image), UNKNOWN).into(),
        or(Some(&info.kernel_version), UNKNOWN).into(),
        or(Some(&info.container_runtime_version), UNKNOWN).into(),
    ]
}

pub(super) fn runtime_class(class: &RuntimeClass, now: Timestamp) -> Vec<Value> {
    vec![
        class.metadata.name.clone().into(),
        class.handler.clone().into(),
        since(class.metadata.creation_timestamp.as_ref(), now).into(),
    ]
}

pub(super) fn lease(lease: &Lease, now: Timestamp) -> Vec<Value> {
    let holder = lease.spec.as_ref().and_then(|spec| spec.holder_identity.clone());
    vec![
        lease.metadata.name.clone().into(),
        holder.unwrap_or_default().into(),
        since(lease.metadata.creation_timestamp.as_ref(), now).into(),
    ]
}

pub(super) fn service_account(account: &ServiceAccount, now: Timestamp) -> Vec<Value> {
    vec![
        account.metadata.name.clone().into(),
        account.secrets.as_ref().map_or(0, Vec::len).into(),
        since(account.metadata.creation_timestamp.as_ref(), now).into(),
    ]
}

fn node_status(node: &Node, status: &NodeStatus) -> String {
    let ready = status.conditions.iter().flatten().find(|condition| condition.type_ == "Ready");
    let word = match ready {
        Some(ready) if ready.status == "True" => "Ready",
        Some(_) => "NotReady",
        None => "Unknown",
    };
    let is_cordoned = node.spec.as_ref().is_some_and(|spec| spec.unschedulable == Some(true));
    if is_cordoned { format!("{word},SchedulingDisabled") } else { word.to_owned() }
}

fn roles(node: &Node) -> String {
    let labels = node.metadata.labels.iter().flatten();
    let role = |(key, value): (&String, &String)| match key.strip_prefix(ROLE_PREFIX) {
        Some(role) => Some(role.to_owned()),
        None => (key == ROLE_LABEL).then(|| value.clone()),
    };
    let roles: BTreeSet<String> = labels.filter_map(role).filter(|role| !role.is_empty()).collect();
    or(Some(&roles.into_iter().collect::<Vec<_>>().join(",")), NONE).to_owned()
}
