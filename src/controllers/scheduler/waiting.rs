//! The index of pods that have no node yet, and of the claims they mount.
//!
//! Kept from the store's history by an informer; it holds one entry per pod without a node.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use k8s_openapi::api::core::v1::Pod;

use super::decide::claim_names;
use crate::controllers::informer::Indexer;
use crate::objects::{Kind, Object, ObjectKey, pod};
use crate::store::{Change, Event};

/// Pods without a node.
#[derive(Debug, Default)]
pub(super) struct WaitingPods {
    /// Each with the claims it mounts.
    pods: BTreeMap<ObjectKey, Vec<ObjectKey>>,
    by_claim: HashMap<ObjectKey, BTreeSet<ObjectKey>>,
}

/// Whether the scheduler has a decision to make about the pod.
pub(super) fn is_waiting(object: &Object) -> bool {
    let waits = |one: &Pod| pod::node_name(one).is_none() && !pod::has_ended(one);
    !object.is_terminating() && object.get::<Pod>().is_some_and(waits)
}

impl WaitingPods {
    /// All of them.
    pub(super) fn all(&self) -> Vec<ObjectKey> {
        self.pods.keys().cloned().collect()
    }

    /// Those that mount a claim.
    pub(super) fn mounting(&self, claim: &ObjectKey) -> Vec<ObjectKey> {
        self.by_claim.get(claim).into_iter().flatten().cloned().collect()
    }

    fn remove(&mut self, key: &ObjectKey) {
        for claim in self.pods.remove(key).unwrap_or_default() {
            if let Some(pods) = self.by_claim.get_mut(&claim) {
                pods.remove(key);
                if pods.is_empty() {
                    self.by_claim.remove(&claim);
                }
            }
        }
    }
}

impl Indexer for WaitingPods {
    const INDEXED: &'static [Kind] = &[Kind::Pod];

    fn add(&mut self, object: &Object) {
        let Some(pod) = object.get::<Pod>().filter(|_| is_waiting(object)) else { return };
        let claim = |name: String| ObjectKey::new(Kind::PersistentVolumeClaim, object.namespace(), &name);
        let claims: Vec<ObjectKey> = claim_names(pod).into_iter().map(claim).collect();
        for claim in &claims {
            self.by_claim.entry(claim.clone()).or_default().insert(object.key().clone());
        }
        self.pods.insert(object.key().clone(), claims);
    }

    fn note(&mut self, event: &Event) {
        self.remove(event.object.key());
        if event.change != Change::Deleted {
            self.add(&event.object);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use k8s_openapi::api::core::v1::{PersistentVolumeClaimVolumeSource, PodSpec, Volume};
    use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

    use crate::clock::{Clock, Timestamp};
    use crate::controllers::informer::Informer;
    use crate::store::{Store, StoreOptions};

    #[tokio::test(start_paused = true)]
    async fn a_bound_pod_and_one_that_is_gone_wait_for_nothing() {
        let clock = Clock::starting_at(Timestamp::UNIX_EPOCH);
        let store = Store::in_memory(clock, StoreOptions::default());
        let source = PersistentVolumeClaimVolumeSource { claim_name: "data".into(), read_only: None };
        let volume =
            Volume { name: "data".into(), persistent_volume_claim: Some(source), ..Default::default() };
        let mut waiting = Informer::<WaitingPods>::default();
        let claim = ObjectKey::new(Kind::PersistentVolumeClaim, "default", "data");
        for name in ["a", "b"] {
            let metadata = ObjectMeta {
                name: Some(name.into()),
                namespace: Some("default".into()),
                ..Default::default()
            };
            let spec = Some(PodSpec { volumes: Some(vec![volume.clone()]), ..Default::default() });
            store.mirror(Pod { metadata, spec, status: None }).await.unwrap();
        }
        let pod = |name: &str| ObjectKey::new(Kind::Pod, "default", name);
        assert_eq!(waiting.current(&store).mounting(&claim), [pod("a"), pod("b")]);
        store.bind(&store.get(&pod("a")).unwrap(), "node", |_| None).await.unwrap();
        assert_eq!(waiting.current(&store).all(), [pod("b")]);
        store.unmirror(&pod("b")).await.unwrap();
        assert_eq!(waiting.current(&store).mounting(&claim), []);
        assert!(waiting.current(&store).by_claim.is_empty(), "nothing is kept");
    }
}
