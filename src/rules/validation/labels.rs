//! Labels, annotations and label selectors.
//!
//! Keys are qualified names everywhere. Annotations can have any value, within a bound, and their keys
//! are case-insensitive (apimachinery's `pkg/apis/meta/v1/validation`).

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, LabelSelectorRequirement};

use super::value::{check_form, items};
use crate::machinery::selector::Labels;
use crate::objects::{FieldError, Path, names};

/// All annotations of an object together, keys included.
const ANNOTATIONS_LENGTH_MAX: usize = 256 * 1024;

pub(super) fn check(labels: Option<&Labels>, path: &Path<'_>, errors: &mut Vec<FieldError>) {
    for (key, value) in labels.into_iter().flatten() {
        check_form(names::qualified_name(key), key, path, errors);
        check_form(names::label_value(value), value, &path.key(key), errors);
    }
}

pub(super) fn check_annotations(
    annotations: Option<&BTreeMap<String, String>>,
    path: &Path<'_>,
    errors: &mut Vec<FieldError>,
) {
    let mut length = 0;
    for (key, value) in annotations.into_iter().flatten() {
        check_form(names::qualified_name(&key.to_lowercase()), key, path, errors);
        length += key.len() + value.len();
    }
    if length > ANNOTATIONS_LENGTH_MAX {
        errors.push(path.too_long(ANNOTATIONS_LENGTH_MAX));
    }
}

pub(super) fn check_selector(selector: &LabelSelector, path: &Path<'_>, errors: &mut Vec<FieldError>) {
    check(selector.match_labels.as_ref(), &path.child("matchLabels"), errors);
    for (index, requirement) in items(&selector.match_expressions).iter().enumerate() {
        check_requirement(requirement, &path.child("matchExpressions").index(index), errors);
    }
}

fn check_requirement(requirement: &LabelSelectorRequirement, path: &Path<'_>, errors: &mut Vec<FieldError>) {
    let values = items(&requirement.values);
    let values_path = path.child("values");
    match requirement.operator.as_str() {
        "In" | "NotIn" if values.is_empty() => {
            errors.push(values_path.required("must be specified when `operator` is 'In' or 'NotIn'"));
        }
        "Exists" | "DoesNotExist" if !values.is_empty() => {
            errors.push(
                values_path.forbidden("may not be specified when `operator` is 'Exists' or 'DoesNotExist'"),
            );
        }
        "In" | "NotIn" | "Exists" | "DoesNotExist" => {}
        other => errors.push(path.child("operator").invalid(other, "not a valid selector operator")),
    }
    check_form(names::qualified_name(&requirement.key), &requirement.key, &path.child("key"), errors);
    for (index, value) in values.iter().enumerate() {
        check_form(names::label_value(value), value, &values_path.index(index), errors);
    }
}
