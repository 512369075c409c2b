//! Carries decisions about nodes out: conditions, taints, evictions, removals, and their events.

use k8s_openapi::api::core::v1::{Node, NodeCondition, Pod, Taint};

use super::collection::Cause;
use crate::objects::{Object, pod, time};
use crate::store::{DeleteOptions, Severity, Store, StoreError};

/// The components that the events come from.
pub(super) const COMPONENT: &str = "node-controller";
const EVICTION_COMPONENT: &str = "taint-eviction-controller";

/// Tells that a node is followed from now on.
pub(super) async fn welcome(store: &Store, node: &Object) {
    let message = format!("Node {name} event: Registered Node {name} in Controller", name = node.name());
    store.record(COMPONENT, node, Severity::Normal, "RegisteredNode", &message).await;
}

/// Writes the conditions of a lost node.
pub(super) async fn mark_lost(
    store: &Store,
    object: &Object,
    conditions: Vec<NodeCondition>,
    was_ready: bool,
) -> Result<(), StoreError> {
    let read = object.get::<Node>().and_then(|node| node.status.clone());
    let write = |node: &mut Node| {
        // A kubelet that has written meanwhile lives.
        if node.status == read {
            node.status.get_or_insert_default().conditions = Some(conditions.clone());
        }
    };
    store.modify_status::<Node>(object.key(), write).await?;
    if was_ready {
        let message = format!("Node {} status is now: NodeNotReady", object.name());
        store.record(COMPONENT, object, Severity::Normal, "NodeNotReady", &message).await;
    }
    Ok(())
}

/// Gives the node the taints that `wanted` makes of it.
pub(super) async fn set_taints(
    store: &Store,
    object: &Object,
    wanted: impl Fn(&Node) -> Option<Vec<Taint>> + Send + Sync,
) -> Result<(), StoreError> {
    let write = |node: &mut Node| {
        if let Some(taints) = wanted(node) {
            node.spec.get_or_insert_default().taints = (!taints.is_empty()).then_some(taints);
        }
    };
    store.modify::<Node>(object.key(), write).await.map(drop)
}

/// Marks a pod of a lost node as not ready, if it was.
pub(super) async fn mark_not_ready(store: &Store, object: &Object) -> Result<(), StoreError> {
    if !object.get::<Pod>().is_some_and(pod::is_ready) {
        return Ok(());
    }
    let now = store.clock().now();
    change_status(store, object, |pod| {
        let conditions = pod.status.get_or_insert_default().conditions.get_or_insert_default();
        for condition in conditions.iter_mut().filter(|one| one.type_ == "Ready" && one.status == "True") {
            condition.status = "False".to_owned();
            condition.last_transition_time = Some(time(now));
        }
    })
    .await?;
    store.record(COMPONENT, object, Severity::Warning, "NodeNotReady", "Node is not ready").await;
    Ok(())
}

/// Deletes a pod because of a taint of its node; its kubelet has to confirm.
pub(super) async fn evict(store: &Store, object: &Object) -> Result<(), StoreError> {
    let message = format!("Marking for deletion Pod {}/{}", object.namespace(), object.name());
    store.record(EVICTION_COMPONENT, object, Severity::Normal, "TaintManagerEviction", &message).await;
    let now = store.clock().now();
    let why = "Taint manager: deleting due to NoExecute taint";
    change_status(store, object, |pod| pod::disrupt(pod, "DeletionByTaintManager", why, now)).await?;
    delete(store, object, None).await
}

/// Tells that a pod stays after all.
pub(super) async fn spare(store: &Store, object: &Object) {
    let message = format!("Cancelling deletion of Pod {}/{}", object.namespace(), object.name());
    store.record(EVICTION_COMPONENT, object, Severity::Normal, "TaintManagerEviction", &message).await;
}

/// Removes a pod for which no kubelet speaks any more; it has failed.
pub(super) async fn remove(store: &Store, object: &Object, cause: Cause) -> Result<(), StoreError> {
    let now = store.clock().now();
    change_status(store, object, |pod| {
        if pod::has_ended(pod) {
            return;
        }
        pod.status.get_or_insert_default().phase = Some("Failed".to_owned());
        if let Some(message) = cause.message() {
            pod::disrupt(pod, "DeletionByPodGC", message, now);
        }
    })
    .await?;
    delete(store, object, Some(0)).await
}

/// Changes the status of this very pod; one that is gone or another one of its name is left alone.
async fn change_status(
    store: &Store,
    object: &Object,
    change: impl Fn(&mut Pod) + Send + Sync,
) -> Result<(), StoreError> {
    let write = |pod: &mut Pod| {
        if pod.metadata.uid.as_deref() == Some(object.uid()) {
            change(pod);
        }
    };
    match store.modify_status::<Pod>(object.key(), write).await {
        Err(error) if !error.is_not_found() => Err(error),
        _ => Ok(()),
    }
}

async fn delete(store: &Store, object: &Object, grace_s: Option<i64>) -> Result<(), StoreError> {
    let options = DeleteOptions { grace_s, uid: Some(object.uid().to_owned()), ..Default::default() };
    match store.delete(object.key(), &options).await {
        Err(error) if !error.is_not_found() && !error.is_conflict() => Err(error),
        _ => Ok(()),
    }
}
