//! Quantities in their canonical form, which the API returns.
//!
//! `1000m` becomes `1`, as Kubernetes' own decoding makes it.

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::api::resource::Quantity;

use crate::objects::quantity::canonical;

/// Writes quantities in their canonical form; validation refuses what is not a quantity.
pub(super) fn canonicalize<'a>(quantities: impl IntoIterator<Item = &'a mut Quantity>) {
    for quantity in quantities {
        if let Some(form) = canonical(&quantity.0) {
            quantity.0 = form;
        }
    }
}

/// The quantities of a list of resources.
pub(super) fn amounts(list: &mut Option<BTreeMap<String, Quantity>>) -> impl Iterator<Item = &mut Quantity> {
    list.iter_mut().flat_map(BTreeMap::values_mut)
}
