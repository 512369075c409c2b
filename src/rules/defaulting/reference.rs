//! References from a container or a volume to fields of its pod.
//!
//! The downward API has the same references in environment variables and in files.

use k8s_openapi::api::core::v1::{ObjectFieldSelector, ResourceFieldSelector};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;

use super::absent::set;

pub(super) fn default_field_ref(field: &mut ObjectFieldSelector) {
    set(&mut field.api_version, "v1");
}

/// A reference that names no divisor is stored with zero, which means one.
pub(super) fn default_resource_ref(resource: &mut ResourceFieldSelector) {
    resource.divisor.get_or_insert_with(|| Quantity("0".into()));
}
