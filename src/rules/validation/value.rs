//! Checks of single values that many kinds share, with Kubernetes' messages.
//!
//! Each appends to the errors and goes on: one broken rule never hides another.

use k8s_openapi::apimachinery::pkg::api::resource::Quantity;

use crate::objects::quantity::Amount;
use crate::objects::{FieldError, Path};

pub(super) const NOT_NEGATIVE: &str = "must be greater than or equal to 0";
pub(super) const POSITIVE: &str = "must be greater than zero";
pub(super) const IMMUTABLE: &str = "field is immutable";

/// The string; absent is empty, as in Kubernetes.
pub(super) fn text(field: &Option<String>) -> &str {
    field.as_deref().unwrap_or_default()
}

/// The items; absent is empty, as in Kubernetes.
pub(super) fn items<T>(field: &Option<Vec<T>>) -> &[T] {
    field.as_deref().unwrap_or_default()
}

pub(super) fn check_not_negative(value: impl Into<i64>, path: &Path<'_>, errors: &mut Vec<FieldError>) {
    let value = value.into();
    if value < 0 {
        errors.push(path.invalid(value, NOT_NEGATIVE));
    }
}

/// Reports each rule that `value` breaks.
pub(super) fn check_form(rules: Vec<String>, value: &str, path: &Path<'_>, errors: &mut Vec<FieldError>) {
    errors.extend(rules.iter().map(|rule| path.invalid(value, rule)));
}

/// Reports a string that is empty or not one of `known`.
pub(super) fn check_choice(value: &str, known: &[&str], path: &Path<'_>, errors: &mut Vec<FieldError>) {
    if value.is_empty() {
        errors.push(path.required(""));
    } else if !known.contains(&value) {
        errors.push(path.not_supported(value, known));
    }
}

/// The amount; `None`, after reporting it, if the quantity is not valid.
pub(super) fn check_quantity(
    quantity: &Quantity,
    path: &Path<'_>,
    errors: &mut Vec<FieldError>,
) -> Option<Amount> {
    match Amount::parse(&quantity.0) {
        Ok(amount) => Some(amount),
        Err(error) => {
            errors.push(path.invalid(quantity.0.as_str(), &error.to_string()));
            None
        }
    }
}
