//! The lease with which a node says that it lives, as a kubelet keeps it.
//!
//! The node lifecycle controller takes a node for lost when its lease has not been renewed for some
//! time. A renewal is one small write; nothing but that controller's timer looks at it.

use std::time::Duration;

use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{MicroTime, ObjectMeta, OwnerReference};

use crate::objects::{Kind, Object, ObjectKey};
use crate::store::{Store, StoreError};

/// The namespace of the leases of nodes.
const NAMESPACE: &str = "kube-node-lease";
/// A lease is good for so many renewals.
const RENEWALS_PER_LEASE: u32 = 4;

/// The key of a node's lease.
pub(super) fn key(node: &str) -> ObjectKey {
    ObjectKey::new(Kind::Lease, NAMESPACE, node)
}

/// Renews the lease of a node, or creates it. Without its Node object a node has no lease, since
/// nothing would own it.
pub(super) async fn renew(store: &Store, node: &str, every: Duration) -> Result<(), StoreError> {
    let node_key = ObjectKey::new(Kind::Node, "", node);
    let owner = store.get(&node_key).ok_or(StoreError::NotFound(node_key))?;
    let spec = LeaseSpec {
        holder_identity: Some(node.to_owned()),
        lease_duration_seconds: i32::try_from((every * RENEWALS_PER_LEASE).as_secs()).ok(),
        renew_time: Some(MicroTime(store.clock().now())),
        ..Default::default()
    };
    if store.get(&key(node)).is_none() {
        let metadata = ObjectMeta {
            name: Some(node.to_owned()),
            namespace: Some(NAMESPACE.to_owned()),
            owner_references: Some(vec![reference(&owner)]),
            ..Default::default()
        };
        return store.create(Lease { metadata, spec: Some(spec) }).await.map(drop);
    }
    let renew = |lease: &mut Lease| {
        lease.metadata.owner_references = Some(vec![reference(&owner)]);
        lease.spec.get_or_insert_default().clone_from(&spec);
    };
    store.modify::<Lease>(&key(node), renew).await.map(drop)
}

/// A kubelet's reference blocks nothing and controls nothing.
fn reference(node: &Object) -> OwnerReference {
    OwnerReference {
        api_version: Kind::Node.info().api_version.to_owned(),
        kind: Kind::Node.name().to_owned(),
        name: node.name().to_owned(),
        uid: node.uid().to_owned(),
        ..Default::default()
    }
}
