//! The EndpointSlice controller: services and pods to slices.
//!
//! ```text
//!   events ─► trigger ─► key ─► plan(service, pods, slices, zones) ─► actions ─► store
//! ```
//!
//! [`reconcile`] decides; this file reads its inputs and carries out its actions. The slices of a deleted
//! service are collected through their owner references. Slices of services without a selector belong
//! to whoever wrote them and are left alone.
//!
//! Own writes come back as events; they are remembered by revision until then, so that they cause no
//! reconcile. A change of a node's zone reconciles every service.

mod endpoint;
mod index;
mod metadata;
mod plan;
mod slicing;
mod trigger;

use std::collections::{BTreeSet, HashMap};

use async_trait::async_trait;
use k8s_openapi::api::core::v1::{Node, Pod, Service};
use k8s_openapi::api::discovery::v1::EndpointSlice;

pub use plan::{ENDPOINTS_MAX, Inputs, SliceAction, reconcile};

use super::controller::{Controller, Next, ReconcileError};
use super::ending::is_for_ending_namespace;
use super::informer::Informer;
use crate::objects::{Kind, Object, ObjectKey, Revision, Typed};
use crate::store::{Change, DeleteOptions, Deleted, Event, Interest, Severity, Store, StoreError};
use index::Index;
use trigger::{PodTrigger, TriggerTimes};

/// The component in events, as Kubernetes' controller calls itself there.
const COMPONENT: &str = "endpoint-slice-controller";

/// The EndpointSlice controller.
#[derive(Default)]
pub struct EndpointSlices {
    /// The last write of each slice whose event has not come back yet.
    own_writes: HashMap<ObjectKey, Revision>,
    /// The changes that the slices of each service report already; one entry per service.
    trigger_times: HashMap<ObjectKey, TriggerTimes>,
    index: Informer<Index>,
}

impl EndpointSlices {
    /// A controller that has written nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    fn concerned_by_slice(&mut self, event: &Event) -> Vec<ObjectKey> {
        let key = event.object.key();
        if self.own_writes.get(key) == Some(&event.revision) {
            self.own_writes.remove(key);
            return Vec::new();
        }
        let (before, after) = versions::<EndpointSlice>(event);
        let names = trigger::services_of_slice(before, after);
        names.iter().map(|name| ObjectKey::new(Kind::Service, event.object.namespace(), name)).collect()
    }

    fn concerned_by_pod(&mut self, store: &Store, event: &Event) -> Vec<ObjectKey> {
        let Some(trigger) = PodTrigger::new(versions::<Pod>(event)) else { return Vec::new() };
        let index = self.index.current(store);
        let pods = [event.previous.as_ref(), Some(&event.object)].into_iter().flatten();
        let services = pods.flat_map(|pod| index.services_of(pod.namespace(), pod.meta().labels.as_ref()));
        let is_concerned = |service: &&Object| service.get().is_some_and(|service| trigger.concerns(service));
        let keys: BTreeSet<&ObjectKey> = services.filter(is_concerned).map(Object::key).collect();
        keys.into_iter().cloned().collect()
    }

    fn plan(&mut self, store: &Store, object: &Object) -> Option<Vec<SliceAction>> {
        let service = object.get::<Service>()?;
        let index = self.index.current(store);
        let (pods, slices) = (index.pods_of(store, object.key()), index.slices_of(object.key()));
        let pods: Vec<&Pod> = pods.iter().filter_map(Object::get).collect();
        let nodes = store.list(Kind::Node, None).objects;
        let zones = trigger::zones(nodes.iter().filter_map(Object::get));
        let trigger_time = self.trigger_times.entry(object.key().clone()).or_default().next(service, &pods);
        let slices = slices.iter().filter_map(Object::get).collect();
        Some(reconcile(&Inputs {
            service,
            pods,
            slices,
            zones: &zones,
            trigger_time,
            endpoints_max: ENDPOINTS_MAX,
        }))
    }

    async fn act(&mut self, store: &Store, action: SliceAction) -> Result<(), StoreError> {
        let written = match action {
            SliceAction::Create(slice) => store.create(slice).await?,
            SliceAction::Update(slice) => {
                let before = slice.metadata.resource_version.clone();
                let written = store.update(slice).await?;
                if before == Some(written.revision().to_string()) {
                    return Ok(());
                }
                written
            }
            SliceAction::Delete(slice) => {
                let options = DeleteOptions { uid: slice.metadata.uid.clone(), ..Default::default() };
                match store.delete(&ObjectKey::of(&Typed::from(slice)), &options).await {
                    Err(error) if error.is_not_found() => return Ok(()),
                    deleted => match deleted? {
                        Deleted::Gone(slice) | Deleted::Terminating(slice) => slice,
                    },
                }
            }
        };
        self.own_writes.insert(written.key().clone(), written.revision());
        Ok(())
    }
}

#[async_trait]
impl Controller for EndpointSlices {
    fn name(&self) -> &'static str {
        "endpointslice-controller"
    }

    fn interest(&self) -> Interest {
        Interest::in_kinds(&[Kind::Service, Kind::Pod, Kind::EndpointSlice, Kind::Node])
    }

    fn concerned(&mut self, store: &Store, event: &Event) -> Vec<ObjectKey> {
        match event.object.kind() {
            Kind::Service => vec![event.object.key().clone()],
            Kind::EndpointSlice => self.concerned_by_slice(event),
            Kind::Pod => self.concerned_by_pod(store, event),
            Kind::Node if is_zone_changed(event) => services(store),
            _ => Vec::new(),
        }
    }

    fn all(&mut self, store: &Store) -> Vec<ObjectKey> {
        self.own_writes.clear();
        services(store)
    }

    async fn reconcile(&mut self, store: &Store, key: &ObjectKey) -> Result<Next, ReconcileError> {
        let service = store.get(key).filter(|found| found.get().is_some_and(trigger::takes_pods));
        let Some(service) = service else {
            self.trigger_times.remove(key);
            return Ok(Next::OnChange);
        };
        for action in self.plan(store, &service).unwrap_or_default() {
            if let Err(error) = self.act(store, action).await {
                return fail(store, &service, error).await;
            }
        }
        Ok(Next::OnChange)
    }
}

/// A conflict is retried without an event; nothing is written into a terminating namespace.
async fn fail(store: &Store, service: &Object, error: StoreError) -> Result<Next, ReconcileError> {
    if is_for_ending_namespace(store, service.namespace(), &error) {
        return Ok(Next::OnChange);
    }
    if !error.is_conflict() {
        let name = format!("{}/{}", service.namespace(), service.name());
        let message = format!("Error updating Endpoint Slices for Service {name}: {error}");
        store.record(COMPONENT, service, Severity::Warning, "FailedToUpdateEndpointSlices", &message).await;
    }
    Err(error.into())
}

fn is_zone_changed(event: &Event) -> bool {
    let (before, after) = versions::<Node>(event);
    before.and_then(trigger::zone) != after.and_then(trigger::zone)
}

/// The services that select pods.
fn services(store: &Store) -> Vec<ObjectKey> {
    let services = store.list(Kind::Service, None).objects;
    let selecting = services.iter().filter(|object| object.get().is_some_and(trigger::takes_pods));
    selecting.map(|object| object.key().clone()).collect()
}

/// The versions before and after an event.
fn versions<T: crate::objects::KubeObject>(event: &Event) -> (Option<&T>, Option<&T>) {
    let after = (event.change != Change::Deleted).then_some(&event.object);
    (event.previous.as_ref().and_then(Object::get), after.and_then(Object::get))
}

#[cfg(test)]
mod tests;
