//! The volumes that a claim without a volume may get: those that no claim has, and those that are
//! reserved for it.

use std::collections::{BTreeSet, HashMap};

use k8s_openapi::api::core::v1::PersistentVolume;

use crate::objects::{Kind, Object, ObjectKey};

/// Volumes by the claim that they name.
#[derive(Debug, Default)]
pub(in super::super) struct FreeVolumes {
    /// By the claim they are reserved for; `None` is nobody.
    by_claim: HashMap<Option<ObjectKey>, BTreeSet<ObjectKey>>,
}

impl FreeVolumes {
    /// The volumes that the claim may get, in the order of their keys.
    pub(in super::super) fn of(&self, claim: &ObjectKey) -> Vec<ObjectKey> {
        let reserved = self.by_claim.get(&Some(claim.clone()));
        let free = self.by_claim.get(&None);
        reserved.into_iter().flatten().chain(free.into_iter().flatten()).cloned().collect()
    }

    /// Adds a volume.
    pub(super) fn add(&mut self, volume: &Object) {
        self.by_claim.entry(claim(volume)).or_default().insert(volume.key().clone());
    }

    /// Removes a volume, of which this is the version that was added.
    pub(super) fn remove(&mut self, volume: &Object) {
        let claim = claim(volume);
        if let Some(volumes) = self.by_claim.get_mut(&claim) {
            volumes.remove(volume.key());
            if volumes.is_empty() {
                self.by_claim.remove(&claim);
            }
        }
    }
}

fn claim(volume: &Object) -> Option<ObjectKey> {
    let reference = volume.get::<PersistentVolume>()?.spec.as_ref()?.claim_ref.as_ref()?;
    let namespace = reference.namespace.as_deref().unwrap_or_default();
    let name = reference.name.as_deref().unwrap_or_default();
    Some(ObjectKey::new(Kind::PersistentVolumeClaim, namespace, name))
}
