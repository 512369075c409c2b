//! Carries out what [`decide`](super::decide) decides: bindings, conditions, the selected node of
//! claims, and the events that tell users of them.
//!
//! A write that fails is returned to the controller's loop, which retries with a back-off.

use k8s_openapi::api::core::v1::{PersistentVolumeClaim, Pod};

use super::decide::{ANNOTATION_SELECTED_NODE, Decision, condition};
use crate::objects::{Kind, Object, ObjectKey, pod};
use crate::store::{Severity, Store, StoreError};

/// The component that scheduling events come from.
pub(super) const COMPONENT: &str = "default-scheduler";

/// Binds the pod to the node.
pub(super) async fn bind(store: &Store, object: &Object, node: &str) -> Result<(), StoreError> {
    let now = store.clock().now();
    let bound = store.bind(object, node, |pod| condition(pod, &Decision::Bind, now)).await?;
    let message = format!("Successfully assigned {}/{} to {node}", object.namespace(), object.name());
    store.record(COMPONENT, &bound, Severity::Normal, "Scheduled", &message).await;
    Ok(())
}

/// Reports why the pod cannot be bound, as a condition and as an event; the event once per reason.
pub(super) async fn refuse(
    store: &Store,
    object: &Object,
    decision: &Decision,
    why: &str,
) -> Result<(), StoreError> {
    let before = object.get::<Pod>().and_then(|pod| pod::condition(pod, "PodScheduled"));
    let is_known = before.is_some_and(|before| before.message.as_deref() == Some(why));
    write_condition(store, object, decision).await?;
    if !is_known {
        store.record(COMPONENT, object, Severity::Warning, "FailedScheduling", why).await;
    }
    Ok(())
}

/// Writes the condition that reports the decision.
pub(super) async fn write_condition(
    store: &Store,
    object: &Object,
    decision: &Decision,
) -> Result<(), StoreError> {
    let now = store.clock().now();
    let uid = object.meta().uid.clone();
    let set = |pod: &mut Pod| {
        let Some(condition) = condition(pod, decision, now).filter(|_| pod.metadata.uid == uid) else {
            return;
        };
        let conditions = pod.status.get_or_insert_default().conditions.get_or_insert_default();
        match conditions.iter_mut().find(|present| present.type_ == condition.type_) {
            Some(present) => *present = condition,
            None => conditions.push(condition),
        }
    };
    store.modify_status::<Pod>(object.key(), set).await.map(drop)
}

/// Tells claims that wait for their first consumer which node it runs on.
pub(super) async fn select_node(
    store: &Store,
    object: &Object,
    names: &[String],
    node: &str,
) -> Result<(), StoreError> {
    for name in names {
        let key = ObjectKey::new(Kind::PersistentVolumeClaim, object.namespace(), name);
        let annotate = |claim: &mut PersistentVolumeClaim| {
            let annotations = claim.metadata.annotations.get_or_insert_default();
            annotations.entry(ANNOTATION_SELECTED_NODE.to_owned()).or_insert_with(|| node.to_owned());
        };
        match store.modify::<PersistentVolumeClaim>(&key, annotate).await {
            Err(error) if !error.is_not_found() => return Err(error),
            _ => {}
        }
    }
    Ok(())
}
