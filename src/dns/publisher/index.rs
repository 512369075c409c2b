//! Which objects belong together: slices to services, services and pods to namespaces.
//!
//! Filled from the store's present objects, never from an event's, so that it cannot run ahead of
//! or behind what is rendered; an object that is reported twice is merely put twice.

use std::collections::{BTreeMap, BTreeSet};

use foldhash::HashMap;
use k8s_openapi::api::discovery::v1::EndpointSlice;

use crate::objects::{Kind, Object, ObjectKey};
use crate::store::Store;

/// Namespace and name.
pub(super) type Key = (String, String);

/// The label that ties a slice to its service.
const SERVICE_NAME_LABEL: &str = "kubernetes.io/service-name";

/// Which objects belong together.
#[derive(Default)]
pub(super) struct Index {
    slices: HashMap<Key, BTreeMap<String, Object>>,
    service_of_slice: HashMap<Key, String>,
    members: HashMap<String, Members>,
}

/// What a service had of a slice, and has now.
#[derive(Default)]
pub(super) struct Versions {
    pub(super) before: Option<Object>,
    pub(super) now: Option<Object>,
}

/// The services and pods of one namespace.
#[derive(Clone, Default)]
pub(super) struct Members {
    /// Names of services.
    pub(super) services: BTreeSet<String>,
    /// Names of pods.
    pub(super) pods: BTreeSet<String>,
}

impl Index {
    /// Takes up the present version of a slice; returns the services that it belonged and belongs
    /// to, and what they had and have of it.
    pub(super) fn put_slice(&mut self, store: &Store, key: &ObjectKey) -> BTreeMap<Key, Versions> {
        let id = (key.namespace.clone(), key.name.clone());
        let mut concerned: BTreeMap<Key, Versions> = BTreeMap::new();
        if let Some(service) = self.service_of_slice.remove(&id) {
            let service = (key.namespace.clone(), service);
            let mut before = None;
            if let Some(slices) = self.slices.get_mut(&service) {
                before = slices.remove(&key.name);
                if slices.is_empty() {
                    self.slices.remove(&service);
                }
            }
            concerned.insert(service, Versions { before, now: None });
        }
        let object = store.get(key);
        let labels = object.as_ref().and_then(|object| object.meta().labels.as_ref());
        if let Some(service) = labels.and_then(|labels| labels.get(SERVICE_NAME_LABEL)).cloned() {
            self.service_of_slice.insert(id, service.clone());
            let service = (key.namespace.clone(), service);
            self.slices
                .entry(service.clone())
                .or_default()
                .extend(object.clone().map(|object| (key.name.clone(), object)));
            concerned.entry(service).or_default().now = object;
        }
        concerned
    }

    /// The slices of a service, by name, as the store has them.
    pub(super) fn slice_objects(&self, service: &Key) -> Vec<Object> {
        self.slices.get(service).into_iter().flat_map(BTreeMap::values).cloned().collect()
    }

    /// The slices of a service, by name.
    pub(super) fn slices(&self, service: &Key) -> Vec<&EndpointSlice> {
        let slices = self.slices.get(service).into_iter().flat_map(BTreeMap::values);
        slices.filter_map(Object::get).collect()
    }

    /// Takes up whether a service or a pod is there; returns whether that is new.
    pub(super) fn put_member(&mut self, store: &Store, key: &ObjectKey) -> bool {
        let members = self.members.entry(key.namespace.clone()).or_default();
        let names = if key.kind == Kind::Pod { &mut members.pods } else { &mut members.services };
        let has_changed = match store.get(key) {
            Some(_) => names.insert(key.name.clone()),
            None => names.remove(&key.name),
        };
        if members.services.is_empty() && members.pods.is_empty() {
            self.members.remove(&key.namespace);
        }
        has_changed
    }

    /// The services and pods of a namespace, if it has any.
    pub(super) fn members(&self, namespace: &str) -> Option<&Members> {
        self.members.get(namespace)
    }
}
