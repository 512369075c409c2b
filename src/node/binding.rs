//! Carries out what [`scheduling`](super::scheduling) decides: binds pods, asks claims for volumes,
//! says why a pod waits.
//!
//! A pod that waits is looked at again when one of its claims, any class or the node changes, or
//! the pod itself; nothing is polled.

use std::collections::{BTreeSet, HashMap};

use k8s_openapi::api::core::v1::{Node, PersistentVolumeClaim, Pod};
use k8s_openapi::api::storage::v1::StorageClass;

use super::scheduling::{ANNOTATION_SELECTED_NODE, Decision, Mounted, claim_names, condition, decide};
use crate::objects::{Kind, Object, ObjectKey};
use crate::store::{Severity, Store, StoreError};

/// Pods that wait for a node. Bounded by the pods there are.
#[derive(Debug, Default)]
pub(super) struct Binding {
    /// Each waiting pod with the claims it mounts and the reason last given.
    waiting: HashMap<ObjectKey, Waiting>,
    by_claim: HashMap<ObjectKey, BTreeSet<ObjectKey>>,
}

#[derive(Debug, Default)]
struct Waiting {
    claims: Vec<ObjectKey>,
    said: Option<String>,
}

/// The component that scheduling events come from.
const COMPONENT: &str = "default-scheduler";

impl Binding {
    /// The waiting pods that an object concerns.
    pub(super) fn concerned(&self, key: &ObjectKey) -> Vec<ObjectKey> {
        match key.kind {
            Kind::PersistentVolumeClaim => self.by_claim.get(key).into_iter().flatten().cloned().collect(),
            _ => self.waiting.keys().cloned().collect(),
        }
    }

    /// Forgets a pod that is bound or gone.
    pub(super) fn forget(&mut self, pod: &ObjectKey) {
        for claim in self.waiting.remove(pod).unwrap_or_default().claims {
            if let Some(pods) = self.by_claim.get_mut(&claim) {
                pods.remove(pod);
                if pods.is_empty() {
                    self.by_claim.remove(&claim);
                }
            }
        }
    }

    /// Decides on a pod without a node, and acts.
    pub(super) async fn attend(
        &mut self,
        store: &Store,
        object: &Object,
        node: &str,
    ) -> Result<(), StoreError> {
        let Some(pod) = object.get::<Pod>() else { return Ok(()) };
        if object.is_terminating() || is_over(pod) {
            self.forget(object.key());
            return Ok(());
        }
        let claims = mounted(store, object, pod);
        if !claims.is_empty() {
            self.remember(object, &claims);
        }
        let node_object = store.find::<Node>("", node);
        let node_object = node_object.as_ref().and_then(|object| object.get::<Node>());
        let decision = decide(pod, node_object, &claims);
        match &decision {
            Decision::Bind => {
                bind(store, object, node).await?;
                self.forget(object.key());
            }
            Decision::NotOurs => {}
            Decision::Gated => write_condition(store, object, &decision).await?,
            Decision::SelectNode(names) => select_node(store, object, names, node).await?,
            Decision::Unschedulable(why) => self.refuse(store, object, &decision, why).await?,
        }
        Ok(())
    }

    fn remember(&mut self, object: &Object, claims: &[Mounted]) {
        let key = |mounted: &Mounted| {
            ObjectKey::new(Kind::PersistentVolumeClaim, object.namespace(), &mounted.name)
        };
        let claims: Vec<ObjectKey> = claims.iter().map(key).collect();
        for claim in &claims {
            self.by_claim.entry(claim.clone()).or_default().insert(object.key().clone());
        }
        self.waiting.entry(object.key().clone()).or_default().claims = claims;
    }

    /// Says why, on the pod and as an event; the event once for each reason.
    async fn refuse(
        &mut self,
        store: &Store,
        object: &Object,
        decision: &Decision,
        why: &str,
    ) -> Result<(), StoreError> {
        write_condition(store, object, decision).await?;
        let waiting = self.waiting.entry(object.key().clone()).or_default();
        if waiting.said.as_deref() != Some(why) {
            waiting.said = Some(why.to_owned());
            store.record(COMPONENT, object, Severity::Warning, "FailedScheduling", why).await;
        }
        Ok(())
    }
}

fn is_over(pod: &Pod) -> bool {
    let phase = pod.status.as_ref().and_then(|status| status.phase.as_deref());
    matches!(phase, Some("Succeeded" | "Failed"))
}

/// The claims of a pod with the classes they belong to.
fn mounted(store: &Store, object: &Object, pod: &Pod) -> Vec<Mounted> {
    let look_up = |name: String| {
        let claim = store.find::<PersistentVolumeClaim>(object.namespace(), &name);
        let claim = claim.and_then(|claim| claim.get::<PersistentVolumeClaim>().cloned());
        let spec = claim.as_ref().and_then(|claim| claim.spec.as_ref());
        let class = spec.and_then(|spec| spec.storage_class_name.as_deref()).unwrap_or_default();
        let class = store.find::<StorageClass>("", class);
        let mode =
            class.as_ref().and_then(|class| class.get::<StorageClass>()?.volume_binding_mode.as_deref());
        let waits_for_consumer = mode == Some("WaitForFirstConsumer");
        Mounted { name, claim, waits_for_consumer }
    };
    claim_names(pod).into_iter().map(look_up).collect()
}

async fn bind(store: &Store, object: &Object, node: &str) -> Result<(), StoreError> {
    let now = store.clock().now();
    let bound = store.bind(object, node, |pod| condition(pod, &Decision::Bind, now)).await?;
    let message = format!("Successfully assigned {}/{} to {node}", object.namespace(), object.name());
    store.record(COMPONENT, &bound, Severity::Normal, "Scheduled", &message).await;
    Ok(())
}

async fn write_condition(store: &Store, object: &Object, decision: &Decision) -> Result<(), StoreError> {
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

async fn select_node(store: &Store, object: &Object, names: &[String], node: &str) -> Result<(), StoreError> {
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
