//! What a claim asks for, in the words of Kubernetes' documents.
//!
//! The same for claims, for the claim templates of StatefulSets and for those of ephemeral volumes.

use k8s_openapi::api::core::v1::PersistentVolumeClaimSpec;
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;

/// The resource that claims request and volumes have.
pub const STORAGE: &str = "storage";

/// The storage that the claim requests.
pub fn requested_storage(spec: &PersistentVolumeClaimSpec) -> Option<&Quantity> {
    spec.resources.as_ref()?.requests.as_ref()?.get(STORAGE)
}
