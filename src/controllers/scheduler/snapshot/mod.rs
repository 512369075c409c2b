//! What the scheduler knows of the cluster: nodes with their pods, pods that wait, namespaces,
//! services, free volumes. Kept from the store's history by an informer.
//!
//! ```text
//!   history ──► Snapshot ─┬─ nodes: allocatable, usage, pods
//!                         ├─ tallies, affine: counts over pods, kept as pods come and go
//!                         └─ waiting, namespaces, services, free volumes
//! ```
//!
//! An event costs what it changes: a status of a running pod replaces one version, a pod that is
//! bound or gone changes the counts of one node. It holds one entry per object.

mod affine;
mod free_volumes;
mod node;
mod pod;
mod ports;
mod resources;
mod tally;
mod term;
mod waiting;

use std::collections::{BTreeMap, HashMap};

use k8s_openapi::api::core::v1::{Pod, Service};

use crate::controllers::informer::Indexer;
use crate::machinery::selector::{Labels, Selector};
use crate::objects::{Kind, Object, ObjectKey, pod as words};
use crate::store::{Change, Event};

pub(super) use affine::{Affine, Stance};
pub(super) use free_volumes::FreeVolumes;
pub(super) use node::{NodeInfo, Nodes, Usage, present};
pub(super) use pod::PodInfo;
pub(super) use resources::Resources;
pub(super) use tally::{Tallies, by_domain};
pub(super) use term::{Namespaces, Selection, Term, parse};
pub(super) use waiting::{WaitingPods, is_waiting};

/// The cluster at one revision.
#[derive(Debug, Default)]
pub(super) struct Snapshot {
    /// The nodes, with the pods that count against each.
    pub(super) nodes: Nodes,
    /// The pods without a node.
    pub(super) waiting: WaitingPods,
    /// Counts of selections.
    pub(super) tallies: Tallies,
    /// The terms of bound pods.
    pub(super) affine: Affine,
    /// The labels of the namespaces.
    pub(super) namespaces: Namespaces,
    /// The volumes that claims may get.
    pub(super) free_volumes: FreeVolumes,
    /// How many pods that count use a claim.
    claims_in_use: HashMap<ObjectKey, i64>,
    /// The selectors of services, by namespace and name.
    services: BTreeMap<String, BTreeMap<String, Labels>>,
    /// The node that each pod counts against.
    places: HashMap<ObjectKey, String>,
    /// Pods for which a node was chosen and which wait for their claims: the pod's uid and the node.
    assumed: HashMap<ObjectKey, (String, String)>,
}

/// Whether a pod counts against its node: it is bound and has not ended.
pub(super) fn counts(pod: &Object) -> bool {
    pod.get::<Pod>().is_some_and(|pod| words::node_name(pod).is_some() && !words::has_ended(pod))
}

impl Snapshot {
    /// Lets a waiting pod count against the node that was chosen for it.
    pub(super) fn assume(&mut self, key: &ObjectKey, node: &str) {
        let Some(info) = self.waiting.get(key).cloned() else { return };
        self.assumed.insert(key.clone(), (info.object.uid().to_owned(), node.to_owned()));
        self.put(info, node);
    }

    /// Forgets the node that was chosen for a pod.
    pub(super) fn forget(&mut self, key: &ObjectKey) {
        if self.assumed.remove(key).is_some() {
            self.lift(key);
        }
    }

    /// How many pods that count use the claim.
    pub(super) fn n_users(&self, claim: &ObjectKey) -> i64 {
        self.claims_in_use.get(claim).copied().unwrap_or_default()
    }

    /// The labels that the services of a pod select by, together; empty if it has none.
    pub(super) fn service_selector(&self, pod: &Object) -> Selector {
        let services = self.services.get(pod.namespace()).into_iter().flat_map(BTreeMap::values);
        let is_meant = |wanted: &&Labels| Selector::from_labels(wanted).matches(pod.meta().labels.as_ref());
        let labels: Labels =
            services.filter(is_meant).flatten().map(|(key, value)| (key.clone(), value.clone())).collect();
        Selector::from_labels(&labels)
    }

    fn put(&mut self, info: PodInfo, node: &str) {
        self.lift(info.object.key());
        self.tallies.note(&info, node, 1);
        self.affine.note(&info, node, 1);
        for claim in &info.demand.claims {
            *self.claims_in_use.entry(claim.clone()).or_default() += 1;
        }
        self.places.insert(info.object.key().clone(), node.to_owned());
        self.nodes.entry(node.to_owned()).or_default().add(info);
    }

    fn lift(&mut self, key: &ObjectKey) {
        let Some(node) = self.places.remove(key) else { return };
        let Some(info) = self.nodes.get_mut(&node).and_then(|node| node.remove(key)) else { return };
        self.tallies.note(&info, &node, -1);
        self.affine.note(&info, &node, -1);
        for claim in &info.demand.claims {
            if let Some(users) = self.claims_in_use.get_mut(claim) {
                *users -= 1;
                if *users == 0 {
                    self.claims_in_use.remove(claim);
                }
            }
        }
        self.drop_if_unused(&node);
    }

    /// A node without an object and without pods is nothing.
    fn drop_if_unused(&mut self, name: &str) {
        let is_unused = |node: &NodeInfo| node.object.is_none() && node.pods.is_empty();
        if self.nodes.get(name).is_some_and(is_unused) {
            self.nodes.remove(name);
        }
    }

    fn note_node(&mut self, object: &Object, is_gone: bool) {
        let node = self.nodes.entry(object.name().to_owned()).or_default();
        node.set((!is_gone).then(|| object.clone()));
        self.drop_if_unused(object.name());
    }

    fn note_pod(&mut self, object: &Object, is_gone: bool) {
        let key = object.key();
        let before = self.places.get(key).and_then(|node| self.nodes.get(node)?.pods.get(key));
        let before = before.or_else(|| self.waiting.get(key));
        let Some(info) = PodInfo::new(object, before).filter(|_| !is_gone) else {
            self.waiting.remove(key);
            self.assumed.remove(key);
            return self.lift(key);
        };
        let is_same_pod = |(uid, _): &&(String, String)| uid == object.uid();
        let assumed = self.assumed.get(key).filter(is_same_pod).map(|(_, node)| node.clone());
        let bound = info.pod().spec.as_ref().and_then(|spec| spec.node_name.clone());
        let place = match (is_waiting(object), counts(object)) {
            (true, _) => assumed,
            (_, true) => bound,
            _ => None,
        };
        if !is_waiting(object) || place.is_none() {
            self.assumed.remove(key);
        }
        match is_waiting(object) {
            true => self.waiting.add(info.clone()),
            false => drop(self.waiting.remove(key)),
        }
        match place {
            Some(node) if self.is_at(&info, &node) => {
                self.nodes.entry(node).or_default().pods.insert(key.clone(), info);
            }
            Some(node) => self.put(info, &node),
            None => self.lift(key),
        }
    }

    /// Whether an earlier version of the pod counts against the node in the same way.
    fn is_at(&self, info: &PodInfo, node: &str) -> bool {
        let key = info.object.key();
        let before = self.nodes.get(node).and_then(|node| node.pods.get(key));
        before.is_some_and(|before| {
            std::sync::Arc::ptr_eq(&before.demand, &info.demand)
                && before.object.is_terminating() == info.object.is_terminating()
                && before.object.meta().labels == info.object.meta().labels
        })
    }

    fn note_service(&mut self, object: &Object, is_gone: bool) {
        let services = self.services.entry(object.namespace().to_owned()).or_default();
        let selector = object.get::<Service>().and_then(|service| service.spec.as_ref()?.selector.clone());
        match selector.filter(|_| !is_gone) {
            Some(selector) => drop(services.insert(object.name().to_owned(), selector)),
            None => drop(services.remove(object.name())),
        }
        if services.is_empty() {
            self.services.remove(object.namespace());
        }
    }

    fn note_object(&mut self, object: &Object, is_gone: bool) {
        match object.kind() {
            Kind::Node => self.note_node(object, is_gone),
            Kind::Pod => self.note_pod(object, is_gone),
            Kind::Service => self.note_service(object, is_gone),
            Kind::PersistentVolume if is_gone => self.free_volumes.remove(object),
            Kind::PersistentVolume => self.free_volumes.add(object),
            Kind::Namespace if is_gone => drop(self.namespaces.remove(object.name())),
            Kind::Namespace => {
                let labels = object.meta().labels.clone().unwrap_or_default();
                self.namespaces.insert(object.name().to_owned(), labels);
            }
            _ => {}
        }
    }
}

impl Indexer for Snapshot {
    const INDEXED: &'static [Kind] =
        &[Kind::Node, Kind::Namespace, Kind::Service, Kind::PersistentVolume, Kind::Pod];

    fn add(&mut self, object: &Object) {
        self.note_object(object, false);
    }

    fn note(&mut self, event: &Event) {
        if let Some(previous) = event.previous.as_ref().filter(|one| one.kind() == Kind::PersistentVolume) {
            self.free_volumes.remove(previous);
        }
        self.note_object(&event.object, event.change == Change::Deleted);
    }
}

#[cfg(test)]
mod tests;
