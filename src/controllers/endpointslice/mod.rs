//! The EndpointSlice controller: services and pods to slices.
//!
//! ```text
//!   events ─► trigger ─► key ─► plan(service, pods, slices, zones) ─► actions ─► store
//! ```
//!
//! [`reconcile`] decides, this file reads the world for it and carries its actions out. Slices of
//! services that are gone go through their owner references. Slices of services without a selector
//! are their authors' own and are left alone.
//!
//! Own writes come back as events; they are remembered by revision until then, so that they wake
//! nobody. A change of a node's zone makes every service look again.

mod endpoint;
mod metadata;
mod plan;
mod slicing;
mod trigger;

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard};

use async_trait::async_trait;
use k8s_openapi::api::core::v1::{Namespace, Node, Pod, Service};
use k8s_openapi::api::discovery::v1::EndpointSlice;

pub use plan::{ENDPOINTS_MAX, SliceAction, World, reconcile};

use super::{Controller, Next, ReconcileError};
use crate::machinery::selector::Selector;
use crate::objects::{Kind, Object, ObjectKey, Revision, Typed};
use crate::store::{Change, DeleteOptions, Deleted, Event, Interest, Severity, Store, StoreError};
use trigger::{PodTrigger, ToldTimes};

/// The component in events, as Kubernetes' controller calls itself there.
const COMPONENT: &str = "endpoint-slice-controller";

/// The EndpointSlice controller.
#[derive(Debug, Default)]
pub struct EndpointSlices {
    /// The last write of each slice whose event has not come back yet.
    own_writes: Mutex<HashMap<ObjectKey, Revision>>,
    /// What the slices of each service have told already; one entry per service.
    told: Mutex<HashMap<ObjectKey, ToldTimes>>,
}

impl EndpointSlices {
    /// A controller that has written nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    fn own_writes(&self) -> MutexGuard<'_, HashMap<ObjectKey, Revision>> {
        self.own_writes.lock().expect("no panic happens while the map is changed")
    }

    fn told(&self) -> MutexGuard<'_, HashMap<ObjectKey, ToldTimes>> {
        self.told.lock().expect("no panic happens while the map is changed")
    }

    fn concerned_by_slice(&self, event: &Event) -> Vec<ObjectKey> {
        let key = event.object.key();
        let mut own_writes = self.own_writes();
        if own_writes.get(key) == Some(&event.revision) {
            own_writes.remove(key);
            return Vec::new();
        }
        let (before, after) = versions::<EndpointSlice>(event);
        let names = trigger::services_of_slice(before, after);
        names.iter().map(|name| ObjectKey::new(Kind::Service, event.object.namespace(), name)).collect()
    }

    fn plan(&self, store: &Store, service: &Object) -> Option<Vec<SliceAction>> {
        let spec = service.get::<Service>()?;
        let selector = spec.spec.as_ref()?.selector.clone()?;
        let pods = store.select(Kind::Pod, service.namespace(), &Selector::from_labels(&selector));
        let pods: Vec<&Pod> = pods.iter().filter_map(Object::get).collect();
        let slices = slices_of(store, service);
        let nodes = store.list(Kind::Node, None).objects;
        let zones = trigger::zones(nodes.iter().filter_map(Object::get));
        let trigger_time = self.told().entry(service.key().clone()).or_default().next(spec, &pods);
        let slices = slices.iter().filter_map(Object::get).collect();
        let world =
            World { service: spec, pods, slices, zones: &zones, trigger_time, endpoints_max: ENDPOINTS_MAX };
        Some(reconcile(&world))
    }

    async fn act(&self, store: &Store, action: SliceAction) -> Result<(), StoreError> {
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
        self.own_writes().insert(written.key().clone(), written.revision());
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

    fn concerned(&self, store: &Store, event: &Event) -> Vec<ObjectKey> {
        match event.object.kind() {
            Kind::Service => vec![event.object.key().clone()],
            Kind::EndpointSlice => self.concerned_by_slice(event),
            Kind::Pod => concerned_by_pod(store, event),
            Kind::Node if is_zone_changed(event) => services(store, None, trigger::takes_pods),
            _ => Vec::new(),
        }
    }

    fn all(&self, store: &Store) -> Vec<ObjectKey> {
        self.own_writes().clear();
        services(store, None, trigger::takes_pods)
    }

    async fn reconcile(&self, store: &Store, key: &ObjectKey) -> Result<Next, ReconcileError> {
        let service = store.get(key).filter(|found| found.get().is_some_and(trigger::takes_pods));
        let Some(service) = service else {
            self.told().remove(key);
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

/// A lost race is tried again without a word; into a namespace that goes away nothing is written.
async fn fail(store: &Store, service: &Object, error: StoreError) -> Result<Next, ReconcileError> {
    if matches!(error, StoreError::Forbidden { .. }) && is_namespace_terminating(store, service.namespace()) {
        return Ok(Next::OnChange);
    }
    if !error.is_conflict() {
        let name = format!("{}/{}", service.namespace(), service.name());
        let message = format!("Error updating Endpoint Slices for Service {name}: {error}");
        store.record(COMPONENT, service, Severity::Warning, "FailedToUpdateEndpointSlices", &message).await;
    }
    Err(error.into())
}

fn is_namespace_terminating(store: &Store, namespace: &str) -> bool {
    store.find::<Namespace>("", namespace).is_none_or(|namespace| namespace.is_terminating())
}

fn slices_of(store: &Store, service: &Object) -> Vec<Object> {
    let mut slices = store.list(Kind::EndpointSlice, Some(service.namespace())).objects;
    slices.retain(|slice| {
        metadata::service_name(slice.meta()) == Some(service.name()) && !slice.is_terminating()
    });
    slices
}

fn concerned_by_pod(store: &Store, event: &Event) -> Vec<ObjectKey> {
    let trigger = PodTrigger::new(versions::<Pod>(event));
    trigger.map_or(Vec::new(), |trigger| {
        services(store, Some(event.object.namespace()), |service| trigger.concerns(service))
    })
}

fn is_zone_changed(event: &Event) -> bool {
    let (before, after) = versions::<Node>(event);
    before.and_then(trigger::zone) != after.and_then(trigger::zone)
}

fn services(store: &Store, namespace: Option<&str>, wanted: impl Fn(&Service) -> bool) -> Vec<ObjectKey> {
    let services = store.list(Kind::Service, namespace).objects;
    let wanted = services.iter().filter(|object| object.get().is_some_and(&wanted));
    wanted.map(|object| object.key().clone()).collect()
}

/// The versions before and after an event.
fn versions<T: crate::objects::KubeObject>(event: &Event) -> (Option<&T>, Option<&T>) {
    let after = (event.change != Change::Deleted).then_some(&event.object);
    (event.previous.as_ref().and_then(Object::get), after.and_then(Object::get))
}

#[cfg(test)]
mod tests;
