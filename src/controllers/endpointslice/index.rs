//! The pods and slices of each service, and the services of each pod.
//!
//! ```text
//!   pod labels ──► services whose selector holds one of these labels ──► those that match whole
//! ```
//!
//! An event costs as much as the pod has labels and services, a reconcile as much as its service
//! has pods and slices; other services of the namespace cost nothing. It holds one entry per
//! service, per slice, and per pod of a service that was reconciled.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use k8s_openapi::api::core::v1::Service;

use super::metadata::service_name;
use super::trigger::takes_pods;
use crate::controllers::informer::Indexer;
use crate::machinery::selector::{Labels, Selector};
use crate::objects::{Kind, Object, ObjectKey};
use crate::store::{Change, Event, Store};

/// What belongs to which service.
#[derive(Default)]
pub(super) struct Index {
    services: HashMap<ObjectKey, Entry>,
    /// The keys of services by namespace and by the first pair of their selector: key, then value.
    by_label: HashMap<String, HashMap<String, HashMap<String, BTreeSet<ObjectKey>>>>,
    /// Slices of this controller by the key of the service that they name.
    slices: HashMap<ObjectKey, BTreeMap<ObjectKey, Object>>,
}

/// A service that selects pods.
struct Entry {
    object: Object,
    selector: Selector,
    /// Its pods; absent until they are asked for.
    pods: Option<BTreeMap<ObjectKey, Object>>,
}

impl Index {
    /// The services that select pods and whose selector matches the labels, ordered by key.
    pub(super) fn services_of(&self, namespace: &str, labels: Option<&Labels>) -> Vec<&Object> {
        let Some(by_key) = self.by_label.get(namespace) else { return Vec::new() };
        let with = |(key, value): (&String, &String)| by_key.get(key)?.get(value);
        let keys: BTreeSet<&ObjectKey> = labels.into_iter().flatten().filter_map(with).flatten().collect();
        let entries = keys.into_iter().filter_map(|key| self.services.get(key));
        entries.filter(|entry| entry.selector.matches(labels)).map(|entry| &entry.object).collect()
    }

    /// The pods that a service selects, ordered by key.
    pub(super) fn pods_of(&mut self, store: &Store, service: &ObjectKey) -> Vec<Object> {
        let Some(entry) = self.services.get_mut(service) else { return Vec::new() };
        let pods = entry.pods.get_or_insert_with(|| {
            // What is newer here than in the index comes again as an event and ends as it is.
            let pods = store.select(Kind::Pod, &service.namespace, &entry.selector);
            pods.into_iter().map(|pod| (pod.key().clone(), pod)).collect()
        });
        pods.values().cloned().collect()
    }

    /// The slices of a service that are not being deleted, ordered by key.
    pub(super) fn slices_of(&self, service: &ObjectKey) -> Vec<Object> {
        let slices = self.slices.get(service).into_iter().flat_map(BTreeMap::values);
        slices.filter(|slice| !slice.is_terminating()).cloned().collect()
    }

    fn remove(&mut self, object: &Object) {
        let key = object.key();
        match key.kind {
            Kind::Service => self.remove_service(object),
            Kind::Pod => self.for_each_pods(object, |pods| drop(pods.remove(key))),
            _ => {
                let Some(service) = service_of(object) else { return };
                let Some(slices) = self.slices.get_mut(&service) else { return };
                slices.remove(key);
                if slices.is_empty() {
                    self.slices.remove(&service);
                }
            }
        }
    }

    /// The pods of every service that selects this pod and whose pods are kept.
    fn for_each_pods(&mut self, pod: &Object, change: impl Fn(&mut BTreeMap<ObjectKey, Object>)) {
        let services = self.services_of(pod.namespace(), pod.meta().labels.as_ref());
        let keys: Vec<ObjectKey> = services.into_iter().map(|service| service.key().clone()).collect();
        for key in keys {
            if let Some(pods) = self.services.get_mut(&key).and_then(|entry| entry.pods.as_mut()) {
                change(pods);
            }
        }
    }

    fn add_service(&mut self, object: &Object) {
        let Some(selector) = selector_of(object) else { return };
        let Some((key, value)) = selector.first_key_value() else { return };
        let by_key = self.by_label.entry(object.namespace().to_owned()).or_default();
        let keys = by_key.entry(key.clone()).or_default().entry(value.clone()).or_default();
        keys.insert(object.key().clone());
        let selector = Selector::from_labels(selector);
        let entry = Entry { object: object.clone(), selector, pods: None };
        self.services.insert(object.key().clone(), entry);
    }

    fn remove_service(&mut self, object: &Object) {
        self.services.remove(object.key());
        let Some((key, value)) = selector_of(object).and_then(Labels::first_key_value) else { return };
        let Some(by_key) = self.by_label.get_mut(object.namespace()) else { return };
        let Some(by_value) = by_key.get_mut(key) else { return };
        if let Some(keys) = by_value.get_mut(value) {
            keys.remove(object.key());
        }
        by_value.retain(|_, keys| !keys.is_empty());
        by_key.retain(|_, by_value| !by_value.is_empty());
        if by_key.is_empty() {
            self.by_label.remove(object.namespace());
        }
    }
}

impl Indexer for Index {
    const INDEXED: &'static [Kind] = &[Kind::Service, Kind::Pod, Kind::EndpointSlice];

    fn add(&mut self, object: &Object) {
        let key = object.key();
        match key.kind {
            Kind::Service => self.add_service(object),
            Kind::Pod => self.for_each_pods(object, |pods| drop(pods.insert(key.clone(), object.clone()))),
            _ => {
                if let Some(service) = service_of(object) {
                    self.slices.entry(service).or_default().insert(key.clone(), object.clone());
                }
            }
        }
    }

    fn note(&mut self, event: &Event) {
        if let Some(previous) = &event.previous {
            self.remove(previous);
        }
        if event.change != Change::Deleted {
            self.add(&event.object);
        }
    }
}

/// The selector of a service that selects pods; never empty.
fn selector_of(service: &Object) -> Option<&Labels> {
    let service = service.get::<Service>().filter(|service| takes_pods(service))?;
    service.spec.as_ref()?.selector.as_ref()
}

/// The service that a slice of this controller belongs to.
fn service_of(slice: &Object) -> Option<ObjectKey> {
    let name = service_name(slice.meta())?;
    Some(ObjectKey::new(Kind::Service, slice.namespace(), name))
}
