//! The volumes controller: binds claims to volumes, provisions volumes, and reclaims them.
//!
//! ```text
//!   claim  ──► plan_claim  ──► Nothing | Wait | AssignClass | Bind | Provision | Lose ──► act
//!   volume ──► plan_volume ──► Nothing | SetPhase | Unbind | Delete | Fail            ──► act
//! ```
//!
//! It does the work of Kubernetes' persistent volume controller, its protection controllers, and the
//! provisioner of every class that has one: a provisioned volume is a directory of the node, whatever
//! provisioner the class names. Two claims never get one volume: the volume is written first, with the
//! version that was read as precondition.
//!
//! Cost: an unbound claim looks at the unclaimed volumes, a terminating one at the pods that mount it,
//! a bound one at its own volume only. If a bound claim requests more than its volume has, the volume
//! grows, provided that it was provisioned and its class allows expansion; volumes never shrink.

mod act;
mod index;
mod matching;
mod plan;
mod provision;

use async_trait::async_trait;
use k8s_openapi::api::core::v1::{Node, PersistentVolume, PersistentVolumeClaim, Pod};
use k8s_openapi::api::storage::v1::StorageClass;

use super::controller::{Controller, Next, ReconcileError};
use super::informer::Informer;
use crate::objects::{Kind, Object, ObjectKey, pod};
use crate::store::{Change, Event, Interest, Store, StoreError};
use act::COMPONENT;
use index::{Index, claims_named_by};
pub use matching::{Mode, SelectedNode, is_reachable, match_volume};
pub use plan::{ClaimPlan, Report, Surroundings, VolumePlan, is_used_by, plan_claim, plan_volume};

/// The volumes controller.
#[derive(Default)]
pub struct Volumes {
    index: Informer<Index>,
}

impl Volumes {
    /// A volumes controller.
    pub fn new() -> Self {
        Self::default()
    }

    async fn reconcile_claim(
        &mut self,
        store: &Store,
        object: &Object,
        claim: &PersistentVolumeClaim,
    ) -> Result<(), StoreError> {
        let pods = self.index.current(store).pods_of(store, object.key());
        if object.is_terminating() {
            let is_used = pods.iter().filter_map(Object::get::<Pod>).any(|pod| is_used_by(claim, pod));
            return if is_used { Ok(()) } else { act::release(store, object).await };
        }
        let class = matching::claim_class(claim).and_then(|name| store.find::<StorageClass>("", name));
        let default_class = store.default_storage_class();
        let volumes = self.candidates(store, object.key(), claim);
        let node = selected_node(store, claim);
        let is_waiting = |pod: &&Object| node.is_none() && is_unscheduled(pod, claim);
        let unscheduled: Vec<&str> = pods.iter().filter(is_waiting).map(Object::name).collect();
        let around = Surroundings {
            class: class.as_ref().and_then(Object::get),
            default_class: default_class.as_deref(),
            volumes: &volumes.iter().filter_map(Object::get).collect::<Vec<_>>(),
            node: node.as_ref(),
            unscheduled_pods: &unscheduled,
        };
        let plan = plan_claim(claim, &around);
        act::carry_out_for_claim(store, object, plan, around.class, around.node).await
    }

    /// The volume that the claim names, or all that it could be bound to.
    fn candidates(&mut self, store: &Store, key: &ObjectKey, claim: &PersistentVolumeClaim) -> Vec<Object> {
        match plan::volume_name(claim) {
            "" => self.index.current(store).volumes_for(store, key),
            name => store.find::<PersistentVolume>("", name).into_iter().collect(),
        }
    }

    /// The claim; also the volumes that refer to it, if it is gone or names another volume.
    fn concerned_by_claim(&mut self, store: &Store, event: &Event) -> Vec<ObjectKey> {
        let name =
            |object: &Object| object.get::<PersistentVolumeClaim>().map(plan::volume_name).map(str::to_owned);
        let claim = event.object.key();
        let is_gone = event.change == Change::Deleted;
        let mut keys = if is_gone { Vec::new() } else { vec![claim.clone()] };
        if is_gone || event.previous.as_ref().and_then(name) != name(&event.object) {
            let volumes = self.index.current(store).volumes_of(store, claim);
            keys.extend(volumes.iter().map(|volume| volume.key().clone()));
        }
        keys
    }
}

#[async_trait]
impl Controller for Volumes {
    fn name(&self) -> &'static str {
        COMPONENT
    }

    fn interest(&self) -> Interest {
        Interest::in_kinds(&[
            Kind::PersistentVolumeClaim,
            Kind::PersistentVolume,
            Kind::StorageClass,
            Kind::Pod,
        ])
    }

    fn concerned(&mut self, store: &Store, event: &Event) -> Vec<ObjectKey> {
        match event.object.kind() {
            Kind::PersistentVolumeClaim => self.concerned_by_claim(store, event),
            Kind::PersistentVolume => concerned_by_volume(store, event),
            Kind::StorageClass if event.change != Change::Deleted => unbound_claims(store),
            Kind::Pod => terminating_claims(store, &event.object),
            _ => Vec::new(),
        }
    }

    fn all(&mut self, store: &Store) -> Vec<ObjectKey> {
        let kinds = [Kind::PersistentVolume, Kind::PersistentVolumeClaim];
        let objects = kinds.iter().flat_map(|kind| store.list(*kind, None).objects);
        objects.map(|object| object.key().clone()).collect()
    }

    async fn reconcile(&mut self, store: &Store, key: &ObjectKey) -> Result<Next, ReconcileError> {
        let Some(object) = store.get(key) else { return Ok(Next::OnChange) };
        if let Some(claim) = object.get::<PersistentVolumeClaim>() {
            self.reconcile_claim(store, &object, claim).await?;
        } else if let Some(volume) = object.get::<PersistentVolume>() {
            let claim = claims_named_by(&object).first().and_then(|claim| store.get(claim));
            let plan = plan_volume(volume, claim.as_ref().and_then(Object::get));
            act::carry_out_for_volume(store, &object, plan).await?;
        }
        Ok(Next::OnChange)
    }
}

/// The node that was selected for the claim; one without a Node object has only its name.
fn selected_node(store: &Store, claim: &PersistentVolumeClaim) -> Option<SelectedNode> {
    let name = matching::annotation(&claim.metadata, plan::SELECTED_NODE)?;
    let found = store.find::<Node>("", name);
    let mut labels = found.and_then(|found| found.meta().labels.clone()).unwrap_or_default();
    labels.entry(provision::HOSTNAME_LABEL.to_owned()).or_insert_with(|| name.to_owned());
    Some(SelectedNode { name: name.to_owned(), labels })
}

fn is_unscheduled(pod: &Object, claim: &PersistentVolumeClaim) -> bool {
    let Some(pod) = pod.get::<Pod>() else { return false };
    plan::refers_to(pod, claim) && pod::node_name(pod).is_none() && !pod::has_ended(pod)
}

/// The volume, the claims it refers to, and, if it is available, all unbound claims.
fn concerned_by_volume(store: &Store, event: &Event) -> Vec<ObjectKey> {
    let mut keys = vec![event.object.key().clone()];
    let versions = [Some(&event.object), event.previous.as_ref()];
    keys.extend(versions.into_iter().flatten().flat_map(claims_named_by));
    let is_free = |volume: &PersistentVolume| {
        matching::claim_ref(volume).is_none() && plan::phase_of(volume) == "Available"
    };
    if event.object.get().is_some_and(is_free) {
        keys.extend(unbound_claims(store));
    }
    keys
}

fn unbound_claims(store: &Store) -> Vec<ObjectKey> {
    let claims = store.list(Kind::PersistentVolumeClaim, None).objects;
    let is_unbound = |claim: &&Object| matching::annotation(claim.meta(), plan::BIND_COMPLETED).is_none();
    claims.iter().filter(is_unbound).map(|claim| claim.key().clone()).collect()
}

/// Only a terminating claim waits for its pods.
fn terminating_claims(store: &Store, pod: &Object) -> Vec<ObjectKey> {
    let mut keys = claims_named_by(pod);
    keys.retain(|key| store.get(key).is_some_and(|claim| claim.is_terminating()));
    keys
}

#[cfg(test)]
mod tests;
