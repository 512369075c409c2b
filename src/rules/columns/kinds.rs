//! The columns of each kind, and the cells of each object.
//!
//! The two match: an object has one cell per column of its kind, in the same order.

use serde_json::Value;

use super::column::Column;
use super::{cluster, content, network, pod, storage, workload};
use crate::clock::Timestamp;
use crate::objects::{Kind, Typed};

/// The columns of a kind, in their order.
pub fn columns(kind: Kind) -> &'static [Column] {
    match kind {
        Kind::Namespace => cluster::NAMESPACE,
        Kind::Node => cluster::NODE,
        Kind::RuntimeClass => cluster::RUNTIME_CLASS,
        Kind::Lease => cluster::LEASE,
        Kind::ServiceAccount => cluster::SERVICE_ACCOUNT,
        Kind::PersistentVolume => storage::VOLUME,
        Kind::PersistentVolumeClaim => storage::CLAIM,
        Kind::StorageClass => storage::CLASS,
        Kind::ConfigMap => content::CONFIG_MAP,
        Kind::Secret => content::SECRET,
        Kind::Event => content::EVENT,
        Kind::Service => network::SERVICE,
        Kind::Endpoints => network::ENDPOINTS,
        Kind::EndpointSlice => network::SLICE,
        Kind::Pod => pod::COLUMNS,
        Kind::StatefulSet => workload::STATEFUL_SET,
        Kind::ControllerRevision => workload::REVISION,
    }
}

/// The cells of an object, one per column of its kind.
pub fn cells(typed: &Typed, now: Timestamp) -> Vec<Value> {
    match typed {
        Typed::Namespace(namespace) => cluster::namespace(namespace, now),
        Typed::Node(node) => cluster::node(node, now),
        Typed::RuntimeClass(class) => cluster::runtime_class(class, now),
        Typed::Lease(lease) => cluster::lease(lease, now),
        Typed::ServiceAccount(account) => cluster::service_account(account, now),
        Typed::PersistentVolume(volume) => storage::volume(volume, now),
        Typed::PersistentVolumeClaim(claim) => storage::claim(claim, now),
        Typed::StorageClass(class) => storage::class(class, now),
        Typed::ConfigMap(map) => content::config_map(map, now),
        Typed::Secret(secret) => content::secret(secret, now),
        Typed::Event(event) => content::event(event, now),
        Typed::Service(service) => network::service(service, now),
        Typed::Endpoints(endpoints) => network::endpoints(endpoints, now),
        Typed::EndpointSlice(slice) => network::slice(slice, now),
        Typed::Pod(pod) => pod::cells(pod, now),
        Typed::StatefulSet(set) => workload::stateful_set(set, now),
        Typed::ControllerRevision(revision) => workload::revision(revision, now),
    }
}
