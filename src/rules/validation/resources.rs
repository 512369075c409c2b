//! Requests and limits.
//!
//! Quantities must be valid and not negative, and no request can exceed its limit. Whether a node has
//! as much is not checked.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::ResourceRequirements;
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;

use super::value::{NOT_NEGATIVE, check_form, check_quantity};
use crate::objects::quantity::Amount;
use crate::objects::{FieldError, Path, names};

type Quantities = BTreeMap<String, Quantity>;

pub(super) fn check(wanted: &ResourceRequirements, path: &Path<'_>, errors: &mut Vec<FieldError>) {
    let requests = path.child("requests");
    check_named(wanted.limits.as_ref(), &path.child("limits"), errors);
    check_named(wanted.requests.as_ref(), &requests, errors);
    let limits = wanted.limits.as_ref();
    for (name, request) in wanted.requests.iter().flatten() {
        let Some(limit) = limits.and_then(|limits| limits.get(name)) else { continue };
        let exceeds = match (Amount::parse(&request.0), Amount::parse(&limit.0)) {
            (Ok(request), Ok(limit)) => request > limit,
            _ => false,
        };
        if exceeds {
            let rule = format!("must be less than or equal to {name} limit of {}", limit.0);
            errors.push(requests.invalid(request.0.as_str(), &rule));
        }
    }
}

/// Checks that quantities are valid and not negative.
pub(super) fn check_list(list: Option<&Quantities>, path: &Path<'_>, errors: &mut Vec<FieldError>) {
    for (name, quantity) in list.into_iter().flatten() {
        let path = path.key(name);
        if check_quantity(quantity, &path, errors).is_some_and(|amount| amount < Amount::ZERO) {
            errors.push(path.invalid(quantity.0.as_str(), NOT_NEGATIVE));
        }
    }
}

/// Checks quantities and the names of the resources of a container.
fn check_named(list: Option<&Quantities>, path: &Path<'_>, errors: &mut Vec<FieldError>) {
    check_list(list, path, errors);
    for name in list.into_iter().flatten().map(|(name, _)| name) {
        let is_standard = matches!(name.as_str(), "cpu" | "memory" | "ephemeral-storage");
        let rules = names::qualified_name(name);
        if rules.is_empty() && !name.contains('/') && !is_standard && !name.starts_with("hugepages-") {
            errors.push(path.key(name).invalid(name.as_str(), "must be a standard resource for containers"));
        }
        check_form(rules, name, &path.key(name), errors);
    }
}
