//! The pods of each node.

use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::api::core::v1::Pod;

use crate::controllers::informer::Indexer;
use crate::objects::{Kind, Object, ObjectKey, pod};
use crate::store::{Change, Event};

/// The keys of pods by the name of their node; one entry per bound pod.
#[derive(Debug, Default)]
pub(super) struct PodsByNode(BTreeMap<String, BTreeSet<ObjectKey>>);

/// The node that a pod is bound to.
pub(super) fn node_of(object: &Object) -> Option<&str> {
    object.get::<Pod>().and_then(pod::node_name)
}

impl PodsByNode {
    /// The pods of a node.
    pub(super) fn on(&self, node: &str) -> Vec<ObjectKey> {
        self.0.get(node).into_iter().flatten().cloned().collect()
    }

    /// The nodes that pods are bound to.
    pub(super) fn nodes(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    fn remove(&mut self, object: &Object) {
        let Some(node) = node_of(object) else { return };
        if let Some(pods) = self.0.get_mut(node) {
            pods.remove(object.key());
            if pods.is_empty() {
                self.0.remove(node);
            }
        }
    }
}

impl Indexer for PodsByNode {
    const INDEXED: &'static [Kind] = &[Kind::Pod];

    fn add(&mut self, object: &Object) {
        if let Some(node) = node_of(object) {
            self.0.entry(node.to_owned()).or_default().insert(object.key().clone());
        }
    }

    fn note(&mut self, event: &Event) {
        match event.change {
            Change::Deleted => self.remove(&event.object),
            Change::Added | Change::Modified => self.add(&event.object),
        }
    }
}
