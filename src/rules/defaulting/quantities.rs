//! Quantities in the form in which the API gives them back.
//!
//! `1000m` becomes `1`, as Kubernetes' own decoding makes it.

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::api::resource::Quantity;

use crate::objects::quantity::canonical;

/// Writes quantities as the API gives them back; what is no quantity is left to validation.
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
