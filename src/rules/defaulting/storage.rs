//! Defaults of persistent volumes and storage classes.
//!
//! Volumes of claims and of pods share the mode and the types of host paths.

use k8s_openapi::api::core::v1::PersistentVolume;
use k8s_openapi::api::storage::v1::StorageClass;

use super::absent::set;
use super::claim::VOLUME_MODE;
use super::quantities::{amounts, canonicalize};
use super::volume;

pub(super) fn default_volume(volume: &mut PersistentVolume) {
    let spec = volume.spec.get_or_insert_default();
    canonicalize(amounts(&mut spec.capacity));
    set(&mut spec.persistent_volume_reclaim_policy, "Retain");
    set(&mut spec.volume_mode, VOLUME_MODE);
    spec.host_path.iter_mut().for_each(volume::default_host_path);
    set(&mut volume.status.get_or_insert_default().phase, "Pending");
}

pub(super) fn default_class(class: &mut StorageClass) {
    set(&mut class.reclaim_policy, "Delete");
    set(&mut class.volume_binding_mode, "Immediate");
}
