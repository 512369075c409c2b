//! Carries out what an attempt found: bindings, conditions, nominations, the selected node of claims,
//! the removal of pods that must make room, and the events that tell users of them.
//!
//! A write that fails is returned to the controller's loop, which retries with a back-off.

use k8s_openapi::api::core::v1::{PersistentVolumeClaim, Pod, PodCondition};

use super::attempt::Refusal;
use super::condition::{Standing, condition, is_known};
use super::filter::{ANNOTATION_SELECTED_NODE, Mounted};
use super::message::note;
use super::preemption::{Candidate, VICTIM_CONDITION, VICTIM_REASON};
use super::snapshot::PodInfo;
use crate::objects::{Object, time};
use crate::store::{DeleteOptions, Severity, Store, StoreError};

/// The component that scheduling events come from.
pub(super) const COMPONENT: &str = "default-scheduler";
const VICTIM_MESSAGE: &str = "default-scheduler: preempting to accommodate a higher priority pod";

/// Binds the pod to the node.
pub(super) async fn bind(store: &Store, object: &Object, node: &str) -> Result<(), StoreError> {
    let now = store.clock().now();
    let bound = store.bind(object, node, |pod| Some(condition(pod, Standing::Bound, now))).await?;
    let message = format!("Successfully assigned {}/{} to {node}", object.namespace(), object.name());
    store.record(COMPONENT, &bound, Severity::Normal, "Scheduled", &message).await;
    Ok(())
}

/// Reports that the pod's gates hold it.
pub(super) async fn hold(store: &Store, object: &Object) -> Result<(), StoreError> {
    write_status(store, object, Standing::Gated, Nomination::Keep).await
}

/// Reports why the pod cannot be bound, as a condition and as an event, the event once per reason; and
/// makes room for it if that was found to help.
pub(super) async fn refuse(
    store: &Store,
    object: &Object,
    refusal: &Refusal,
    less_important: &[Object],
) -> Result<(), StoreError> {
    let why = refusal.message.as_str();
    let is_known = object.get::<Pod>().is_some_and(|pod| is_known(pod, why));
    let nomination = match &refusal.preemption {
        Some(candidate) => Nomination::To(&candidate.node),
        None if refusal.voids_nomination => Nomination::None,
        None => Nomination::Keep,
    };
    write_status(store, object, Standing::Unschedulable(why), nomination).await?;
    if !is_known {
        store.record(COMPONENT, object, Severity::Warning, "FailedScheduling", &note(why)).await;
    }
    if let Some(candidate) = &refusal.preemption {
        for nominated in less_important {
            let clear = |pod: &mut Pod| set_nomination(pod, Nomination::None);
            tolerate_absence(store.modify_status::<Pod>(nominated.key(), clear).await.map(drop))?;
        }
        remove_victims(store, object, candidate).await?;
    }
    Ok(())
}

/// What becomes of the node that a pod is nominated to.
#[derive(Clone, Copy)]
enum Nomination<'a> {
    Keep,
    None,
    To(&'a str),
}

fn set_nomination(pod: &mut Pod, nomination: Nomination<'_>) {
    let status = pod.status.get_or_insert_default();
    match nomination {
        Nomination::Keep => {}
        Nomination::None => status.nominated_node_name = None,
        Nomination::To(node) => status.nominated_node_name = Some(node.to_owned()),
    }
}

/// Writes the condition that reports the standing, and the nomination, into the pod that was read.
async fn write_status(
    store: &Store,
    object: &Object,
    standing: Standing<'_>,
    nomination: Nomination<'_>,
) -> Result<(), StoreError> {
    let now = store.clock().now();
    let uid = object.meta().uid.clone();
    let set = |pod: &mut Pod| {
        if pod.metadata.uid == uid {
            set_condition(pod, condition(pod, standing, now));
            set_nomination(pod, nomination);
        }
    };
    store.modify_status::<Pod>(object.key(), set).await.map(drop)
}

fn set_condition(pod: &mut Pod, condition: PodCondition) {
    let conditions = pod.status.get_or_insert_default().conditions.get_or_insert_default();
    match conditions.iter_mut().find(|present| present.type_ == condition.type_) {
        Some(present) => *present = condition,
        None => conditions.push(condition),
    }
}

/// Deletes the pods that must make room, with their grace periods; those that are going already are
/// left alone.
async fn remove_victims(store: &Store, object: &Object, candidate: &Candidate) -> Result<(), StoreError> {
    let staying = candidate.victims.iter().filter(|victim| !victim.object.is_terminating());
    for PodInfo { object: victim, .. } in staying {
        let now = store.clock().now();
        let uid = victim.meta().uid.clone();
        let mark = |pod: &mut Pod| {
            if pod.metadata.uid == uid {
                let generation = pod.metadata.generation;
                set_condition(pod, victim_condition(now, generation));
            }
        };
        tolerate_absence(store.modify_status::<Pod>(victim.key(), mark).await.map(drop))?;
        let options = DeleteOptions { uid, ..DeleteOptions::default() };
        tolerate_absence(store.delete(victim.key(), &options).await.map(drop))?;
        let message = format!("Preempted by pod {} on node {}", object.uid(), candidate.node);
        store.record(COMPONENT, victim, Severity::Normal, "Preempted", &message).await;
    }
    Ok(())
}

fn victim_condition(now: crate::clock::Timestamp, generation: Option<i64>) -> PodCondition {
    PodCondition {
        type_: VICTIM_CONDITION.to_owned(),
        status: "True".to_owned(),
        reason: Some(VICTIM_REASON.to_owned()),
        message: Some(VICTIM_MESSAGE.to_owned()),
        last_probe_time: None,
        last_transition_time: Some(time(now)),
        observed_generation: generation,
    }
}

/// Tells claims that wait for their first consumer which node it runs on.
pub(super) async fn select_node(store: &Store, claims: &[Mounted], node: &str) -> Result<(), StoreError> {
    for mounted in claims.iter().filter(|mounted| mounted.is_unbound()) {
        let annotate = |claim: &mut PersistentVolumeClaim| {
            let annotations = claim.metadata.annotations.get_or_insert_default();
            annotations.insert(ANNOTATION_SELECTED_NODE.to_owned(), node.to_owned());
        };
        tolerate_absence(store.modify::<PersistentVolumeClaim>(&mounted.key, annotate).await.map(drop))?;
    }
    Ok(())
}

fn tolerate_absence(outcome: Result<(), StoreError>) -> Result<(), StoreError> {
    outcome.or_else(|error| if error.is_not_found() { Ok(()) } else { Err(error) })
}
