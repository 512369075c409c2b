//! Defaults of claims, persistent volumes and storage classes.
//!
//! The class of a claim that names none is not a default here: it follows from the classes there
//! are (the volumes controller and the store know them).

use k8s_openapi::api::core::v1::{PersistentVolume, PersistentVolumeClaim, PersistentVolumeClaimSpec};
use k8s_openapi::api::storage::v1::StorageClass;

use super::{amounts, canonicalize, drop_zero, set, volume};

const VOLUME_MODE: &str = "Filesystem";

/// A claim, or a template of claims: both are stored with the phase a new claim has.
pub(super) fn default_claim(claim: &mut PersistentVolumeClaim) {
    default_claim_spec(claim.spec.get_or_insert_default());
    set(&mut claim.status.get_or_insert_default().phase, "Pending");
}

pub(super) fn default_claim_spec(spec: &mut PersistentVolumeClaimSpec) {
    set(&mut spec.volume_mode, VOLUME_MODE);
    let resources = spec.resources.get_or_insert_default();
    canonicalize(amounts(&mut resources.limits).chain(amounts(&mut resources.requests)));
    drop_zero(&mut spec.volume_name);
}

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
