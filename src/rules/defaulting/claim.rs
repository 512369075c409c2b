//! Defaults of claims, of claim templates and of the claims of ephemeral volumes.
//!
//! The storage class of a claim without one is not a default: it depends on the existing classes,
//! which the store knows.

use k8s_openapi::api::core::v1::{PersistentVolumeClaim, PersistentVolumeClaimSpec};

use super::absent::{drop_zero, set};
use super::quantities::{amounts, canonicalize};

pub(super) const VOLUME_MODE: &str = "Filesystem";

/// A claim or a claim template: both are stored with the phase of a new claim.
pub(super) fn default(claim: &mut PersistentVolumeClaim) {
    default_spec(claim.spec.get_or_insert_default());
    set(&mut claim.status.get_or_insert_default().phase, "Pending");
}

pub(super) fn default_spec(spec: &mut PersistentVolumeClaimSpec) {
    set(&mut spec.volume_mode, VOLUME_MODE);
    let resources = spec.resources.get_or_insert_default();
    canonicalize(amounts(&mut resources.limits).chain(amounts(&mut resources.requests)));
    drop_zero(&mut spec.volume_name);
}
