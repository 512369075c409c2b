//! From client-side to server-side apply: the annotation in which `kubectl apply` saves what it
//! applied last.
//!
//! `kubectl apply --server-side` on an object that was applied client-side must not conflict with
//! kubectl's own earlier apply: fields that are the same in the annotation and the object are taken
//! over. While the annotation exists it is updated with what is applied, so that one can return to
//! client-side apply. An annotation that cannot be read allows nothing.

use std::collections::BTreeSet;

use serde_json::Value;

use super::field_set::Step;
use super::structure::{Differences, fields_of};
use crate::machinery::merge_keys::Shape;

/// The manager that this is for.
pub(super) const UPGRADED: &str = "kubectl";

const ANNOTATION: &str = "kubectl.kubernetes.io/last-applied-configuration";
/// The most bytes of all annotations together.
const ANNOTATIONS_BYTES_MAX: usize = 256 * 1024;

/// The fields that were applied by the client and have the value they had then.
pub(super) fn fields_of_client_side_apply(live: &Value, shape: Shape) -> BTreeSet<Vec<Step>> {
    let last = annotation(live).and_then(|text| serde_json::from_str::<Value>(text).ok());
    let Some(last) = last else { return BTreeSet::new() };
    let changes = Differences::between(&last, live, Some(shape));
    let unchanged = fields_of(&last, Some(shape)).difference(&changes.written().union(&changes.removed));
    unchanged.paths().into_iter().collect()
}

/// Updates the annotation, if the object has it, with what is applied now.
pub(super) fn follow(object: &mut Value, applied: &Value) {
    if annotation(object).is_none_or(str::is_empty) {
        return;
    }
    let mut last = applied.clone();
    if let Some(annotations) = last.pointer_mut("/metadata/annotations").and_then(Value::as_object_mut) {
        annotations.remove(ANNOTATION);
    }
    let text = format!("{last}\n");
    let Some(annotations) = object.pointer_mut("/metadata/annotations").and_then(Value::as_object_mut) else {
        return;
    };
    let others = annotations.iter().filter(|(name, _)| *name != ANNOTATION);
    let n_bytes: usize = others.map(|(name, value)| name.len() + value.as_str().map_or(0, str::len)).sum();
    let is_short = n_bytes + ANNOTATION.len() + text.len() <= ANNOTATIONS_BYTES_MAX;
    annotations.insert(ANNOTATION.to_owned(), Value::from(if is_short { text } else { String::new() }));
}

fn annotation(object: &Value) -> Option<&str> {
    object.get("metadata")?.get("annotations")?.get(ANNOTATION)?.as_str()
}
