//! Which objects belong together: slices to services, services and pods to namespaces.
//!
//! Filled from present versions of objects, never from those in events, so that it always agrees with
//! what is rendered. An object that is reported twice is put twice, which changes nothing.

use std::collections::{BTreeMap, BTreeSet};

use foldhash::HashMap;
use k8s_openapi::api::discovery::v1::EndpointSlice;

use crate::objects::{Kind, Object, ObjectKey, labels};

/// Which objects belong together.
#[derive(Default)]
pub(super) struct Index {
    /// By service.
    slices: HashMap<ObjectKey, BTreeMap<ObjectKey, Object>>,
    service_of_slice: HashMap<ObjectKey, ObjectKey>,
    /// The services and pods of every namespace that has any.
    members: HashMap<String, BTreeSet<ObjectKey>>,
}

/// The versions of one slice that a service had before and has now.
pub(super) struct Versions {
    pub(super) service: ObjectKey,
    pub(super) before: Option<Object>,
    pub(super) now: Option<Object>,
}

impl Index {
    /// Puts the present version of a slice, `None` if it was deleted. Returns the versions before and now
    /// for the service that the slice belonged to, and for the one that it belongs to if that differs.
    pub(super) fn put_slice(&mut self, key: &ObjectKey, now: Option<Object>) -> Vec<Versions> {
        let service = now.as_ref().and_then(|now| service_of(now, self.service_of_slice.get(key)));
        let known = match &service {
            Some(service) => self.service_of_slice.insert(key.clone(), service.clone()),
            None => self.service_of_slice.remove(key),
        };
        let mut concerned = Vec::new();
        if let Some(left) = known.filter(|known| Some(known) != service.as_ref()) {
            let before = self.take_slice(&left, key);
            concerned.push(Versions { service: left, before, now: None });
        }
        if let (Some(service), Some(now)) = (service, now) {
            let slices = self.slices.entry(service.clone()).or_default();
            let before = slices.insert(key.clone(), now.clone());
            concerned.push(Versions { service, before, now: Some(now) });
        }
        concerned
    }

    fn take_slice(&mut self, service: &ObjectKey, key: &ObjectKey) -> Option<Object> {
        let slices = self.slices.get_mut(service)?;
        let slice = slices.remove(key);
        if slices.is_empty() {
            self.slices.remove(service);
        }
        slice
    }

    /// The slices of a service, ordered by name, as shared objects.
    pub(super) fn slice_objects(&self, service: &ObjectKey) -> Vec<Object> {
        self.slices.get(service).into_iter().flat_map(BTreeMap::values).cloned().collect()
    }

    /// The slices of a service, ordered by name.
    pub(super) fn slices(&self, service: &ObjectKey) -> Vec<&EndpointSlice> {
        let slices = self.slices.get(service).into_iter().flat_map(BTreeMap::values);
        slices.filter_map(Object::get).collect()
    }

    /// Notes whether a service or a pod exists; returns whether that has changed.
    pub(super) fn put_member(&mut self, key: &ObjectKey, is_there: bool) -> bool {
        let members = self.members.entry(key.namespace.clone()).or_default();
        let has_changed = match is_there {
            true => members.insert(key.clone()),
            false => members.remove(key),
        };
        if members.is_empty() {
            self.members.remove(&key.namespace);
        }
        has_changed
    }

    /// The services and pods of a namespace, if it has any.
    pub(super) fn members(&self, namespace: &str) -> Option<&BTreeSet<ObjectKey>> {
        self.members.get(namespace)
    }
}

/// The service that a slice belongs to by its label; reuses the `known` key, which is usually right.
fn service_of(slice: &Object, known: Option<&ObjectKey>) -> Option<ObjectKey> {
    let name = slice.meta().labels.as_ref()?.get(labels::SERVICE_NAME)?;
    let known = known.filter(|known| known.name == *name).cloned();
    Some(known.unwrap_or_else(|| ObjectKey::new(Kind::Service, slice.namespace(), name)))
}
