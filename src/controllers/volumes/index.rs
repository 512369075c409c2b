//! The volumes and pods of each claim.
//!
//! With it a claim looks at the volumes that are reserved for it and at unclaimed ones, but not at
//! those of other claims, and at its own pods only. It holds one entry per volume and one per claim
//! that a pod mounts.

use std::collections::{BTreeSet, HashMap};

use k8s_openapi::api::core::v1::{PersistentVolume, Pod};

use super::matching::claim_ref;
use crate::controllers::informer::Indexer;
use crate::objects::{Kind, Object, ObjectKey, pod};
use crate::store::{Change, Event, Store};

/// Volumes and pods by the claims that they name.
#[derive(Default)]
pub(super) struct Index {
    of_claims: HashMap<ObjectKey, BTreeSet<ObjectKey>>,
    free_volumes: BTreeSet<ObjectKey>,
}

impl Index {
    /// The volumes that name a claim, in order of their keys.
    pub(super) fn volumes_of(&self, store: &Store, claim: &ObjectKey) -> Vec<Object> {
        self.naming(claim, Kind::PersistentVolume).filter_map(|key| store.get(key)).collect()
    }

    /// The volumes that name a claim, and those that name none.
    pub(super) fn volumes_for(&self, store: &Store, claim: &ObjectKey) -> Vec<Object> {
        let of_claim = self.naming(claim, Kind::PersistentVolume);
        of_claim.chain(&self.free_volumes).filter_map(|key| store.get(key)).collect()
    }

    /// The pods that mount a claim, in order of their keys.
    pub(super) fn pods_of(&self, store: &Store, claim: &ObjectKey) -> Vec<Object> {
        self.naming(claim, Kind::Pod).filter_map(|key| store.get(key)).collect()
    }

    fn naming(&self, claim: &ObjectKey, kind: Kind) -> impl Iterator<Item = &ObjectKey> {
        self.of_claims.get(claim).into_iter().flatten().filter(move |key| key.kind == kind)
    }

    fn remove(&mut self, object: &Object) {
        self.free_volumes.remove(object.key());
        for claim in claims_named_by(object) {
            if let Some(keys) = self.of_claims.get_mut(&claim) {
                keys.remove(object.key());
                if keys.is_empty() {
                    self.of_claims.remove(&claim);
                }
            }
        }
    }
}

impl Indexer for Index {
    const INDEXED: &'static [Kind] = &[Kind::PersistentVolume, Kind::Pod];

    fn add(&mut self, object: &Object) {
        let claims = claims_named_by(object);
        if claims.is_empty() && object.kind() == Kind::PersistentVolume {
            self.free_volumes.insert(object.key().clone());
        }
        for claim in claims {
            self.of_claims.entry(claim).or_default().insert(object.key().clone());
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

/// The claims that a pod mounts, or the one that a volume refers to.
pub(super) fn claims_named_by(object: &Object) -> Vec<ObjectKey> {
    let key = |namespace: &str, name: &str| ObjectKey::new(Kind::PersistentVolumeClaim, namespace, name);
    if let Some(pod) = object.get::<Pod>() {
        return pod::claims(pod).map(|name| key(object.namespace(), name)).collect();
    }
    let reference = object.get::<PersistentVolume>().and_then(claim_ref);
    let named = reference.map(|reference| {
        let namespace = reference.namespace.as_deref().unwrap_or_default();
        key(namespace, reference.name.as_deref().unwrap_or_default())
    });
    named.into_iter().collect()
}
