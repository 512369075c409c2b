//! The pods that have no node yet, the claims they mount, and the nodes that some are nominated to.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use k8s_openapi::api::core::v1::Pod;

use super::pod::PodInfo;
use crate::objects::{Object, ObjectKey, pod};

/// Pods without a node.
#[derive(Debug, Default)]
pub(in super::super) struct WaitingPods {
    pods: BTreeMap<ObjectKey, PodInfo>,
    by_claim: HashMap<ObjectKey, BTreeSet<ObjectKey>>,
    nominated: HashMap<String, BTreeSet<ObjectKey>>,
}

/// Whether the scheduler has a decision to make about the pod.
pub(in super::super) fn is_waiting(object: &Object) -> bool {
    let waits = |one: &Pod| pod::node_name(one).is_none() && !pod::has_ended(one);
    !object.is_terminating() && object.get::<Pod>().is_some_and(waits)
}

impl WaitingPods {
    /// One of them.
    pub(in super::super) fn get(&self, key: &ObjectKey) -> Option<&PodInfo> {
        self.pods.get(key)
    }

    /// The keys of all.
    pub(in super::super) fn all(&self) -> Vec<ObjectKey> {
        self.pods.keys().cloned().collect()
    }

    /// Those that mount a claim.
    pub(in super::super) fn mounting(&self, claim: &ObjectKey) -> Vec<ObjectKey> {
        self.by_claim.get(claim).into_iter().flatten().cloned().collect()
    }

    /// Those that are nominated to a node.
    pub(in super::super) fn nominated_to(&self, node: &str) -> impl Iterator<Item = &PodInfo> {
        self.nominated.get(node).into_iter().flatten().filter_map(|key| self.pods.get(key))
    }

    /// Adds a pod, in the place of an earlier version of it.
    pub(super) fn add(&mut self, info: PodInfo) {
        let key = info.object.key().clone();
        self.remove(&key);
        for claim in &info.demand.claims {
            self.by_claim.entry(claim.clone()).or_default().insert(key.clone());
        }
        if let Some(node) = info.nominated_node() {
            self.nominated.entry(node.to_owned()).or_default().insert(key.clone());
        }
        self.pods.insert(key, info);
    }

    /// Removes a pod that waits no longer.
    pub(super) fn remove(&mut self, key: &ObjectKey) -> Option<PodInfo> {
        let info = self.pods.remove(key)?;
        for claim in &info.demand.claims {
            if let Some(pods) = self.by_claim.get_mut(claim) {
                pods.remove(key);
                if pods.is_empty() {
                    self.by_claim.remove(claim);
                }
            }
        }
        if let Some(node) = info.nominated_node()
            && let Some(pods) = self.nominated.get_mut(node)
        {
            pods.remove(key);
            if pods.is_empty() {
                self.nominated.remove(node);
            }
        }
        Some(info)
    }

    /// Whether nothing is kept.
    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        self.pods.is_empty() && self.by_claim.is_empty() && self.nominated.is_empty()
    }
}
