//! JSON patch (RFC 6902) and JSON merge patch (RFC 7386), with Kubernetes' error messages.
//!
//! A JSON patch is applied as a whole or not at all. The library says that an operation failed; why
//! it failed is found by looking at the object as it was before that operation.
//!
//! At its limits: too many operations, or too much copied by them, is an error.

use json_patch::{Patch, PatchErrorKind, PatchOperation};
use serde_json::Value;

use super::error::PatchError;

/// As many operations as Kubernetes takes in one JSON patch.
const OPERATIONS_MAX: usize = 10_000;
/// As many bytes as Kubernetes lets the copies of one JSON patch add.
const COPIED_BYTES_MAX: usize = 3 * 1024 * 1024;

/// The object that results from the operations of a JSON patch (RFC 6902), in their order.
pub fn json_patch(live: &Value, patch: &Value) -> Result<Value, PatchError> {
    let patch: Patch = serde_json::from_value(patch.clone())
        .map_err(|error| PatchError::Malformed(format!("error decoding patch: {error}")))?;
    if patch.len() > OPERATIONS_MAX {
        return Err(PatchError::TooLong { n_operations: patch.len(), max: OPERATIONS_MAX });
    }
    let mut patched = live.clone();
    let mut n_bytes_copied = 0;
    for operation in patch.iter() {
        n_bytes_copied += n_bytes_copied_by(operation, &patched);
        if n_bytes_copied > COPIED_BYTES_MAX {
            return Err(PatchError::DoesNotFit(format!(
                "Unable to complete the copy, the accumulated size increase of copy is {n_bytes_copied}, \
                 exceeding the limit {COPIED_BYTES_MAX}"
            )));
        }
        // One at a time, so that a misfit is seen in the object as the operation found it.
        json_patch::patch(&mut patched, std::slice::from_ref(operation))
            .map_err(|error| PatchError::DoesNotFit(misfit(&patched, operation, &error.kind)))?;
    }
    Ok(patched)
}

/// The object that results from a JSON merge patch (RFC 7386).
pub fn merge_patch(live: &Value, patch: &Value) -> Result<Value, PatchError> {
    if !patch.is_object() {
        return Err(PatchError::Malformed("Invalid JSON Patch".to_owned()));
    }
    let mut patched = live.clone();
    json_patch::merge(&mut patched, patch);
    Ok(patched)
}

/// How much an operation adds by copying; a few copies of copies could fill any memory.
fn n_bytes_copied_by(operation: &PatchOperation, there: &Value) -> usize {
    match operation {
        PatchOperation::Copy(copied) => copied.from.resolve(there).map_or(0, |value| value.to_string().len()),
        _ => 0,
    }
}

/// What is wrong with an operation, for the object as it found it.
fn misfit(there: &Value, operation: &PatchOperation, kind: &PatchErrorKind) -> String {
    let path = operation.path();
    let key = path.split_back().map_or(String::new(), |(_, key)| key.decoded().into_owned());
    let has_parent = path.split_back().is_none_or(|(parent, _)| parent.resolve(there).is_ok());
    let from_path = |name: &str, from: &str| {
        format!("{name} operation does not apply: doc is missing from path: {from}: missing value")
    };
    match (operation, kind) {
        (PatchOperation::Test(_), PatchErrorKind::TestFailed) => {
            format!("testing value {path} failed: test failed")
        }
        (PatchOperation::Test(_), _) => format!("error in test for path: '{path}': missing value"),
        (PatchOperation::Replace(_), _) if has_parent => {
            format!("replace operation does not apply: doc is missing key: {path}: missing value")
        }
        (PatchOperation::Replace(_), _) => {
            format!("replace operation does not apply: doc is missing path: {path}: missing value")
        }
        (PatchOperation::Remove(_), _) if has_parent => {
            format!(
                "error in remove for path: '{path}': Unable to remove nonexistent key: {key}: missing value"
            )
        }
        (PatchOperation::Remove(_), _) => {
            format!("remove operation does not apply: doc is missing path: \"{path}\": missing value")
        }
        (PatchOperation::Add(_), _) if has_parent => {
            format!(
                "error in add for path: '{path}': Unable to access invalid index: {key}: invalid index referenced"
            )
        }
        (PatchOperation::Add(_), _) => {
            format!("add operation does not apply: doc is missing path: \"{path}\": missing value")
        }
        (PatchOperation::Move(moved), PatchErrorKind::InvalidFromPointer) => {
            from_path("move", moved.from.as_str())
        }
        (PatchOperation::Copy(copied), PatchErrorKind::InvalidFromPointer) => {
            from_path("copy", copied.from.as_str())
        }
        (PatchOperation::Move(_), kind) => format!("error in move for path: '{path}': {kind}"),
        (PatchOperation::Copy(_), kind) => format!("error in copy for path: '{path}': {kind}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn set() -> Value {
        json!({"metadata": {"labels": {"a/b": "1"}}, "spec": {"replicas": 2, "args": ["x", "y"]}})
    }

    #[test]
    fn operations_apply_in_their_order() {
        let patch = json!([
            {"op": "test", "path": "/spec/replicas", "value": 2},
            {"op": "replace", "path": "/spec/replicas", "value": 3},
            {"op": "remove", "path": "/metadata/labels/a~1b"},
            {"op": "add", "path": "/spec/args/-", "value": "z"},
            {"op": "add", "path": "/spec/args/0", "value": "w"},
            {"op": "copy", "from": "/spec/args/0", "path": "/spec/first"},
        ]);
        let expected = json!({
            "metadata": {"labels": {}},
            "spec": {"replicas": 3, "args": ["w", "x", "y", "z"], "first": "w"},
        });
        assert_eq!(json_patch(&set(), &patch), Ok(expected));
    }

    #[test]
    fn an_operation_that_does_not_apply_is_told_in_the_words_of_kubernetes() {
        let check = |operation: Value, text: &str| {
            let patch = json!([{"op": "add", "path": "/spec/made", "value": {}}, operation]);
            let error = json_patch(&set(), &patch).unwrap_err();
            assert_eq!(error, PatchError::DoesNotFit(text.to_owned()));
        };
        check(
            json!({"op": "test", "path": "/spec/replicas", "value": 9}),
            "testing value /spec/replicas failed: test failed",
        );
        check(
            json!({"op": "replace", "path": "/spec/made/x", "value": 9}),
            "replace operation does not apply: doc is missing key: /spec/made/x: missing value",
        );
        check(
            json!({"op": "replace", "path": "/status/x", "value": 9}),
            "replace operation does not apply: doc is missing path: /status/x: missing value",
        );
        check(
            json!({"op": "remove", "path": "/spec/nope"}),
            "error in remove for path: '/spec/nope': Unable to remove nonexistent key: nope: missing value",
        );
        check(
            json!({"op": "add", "path": "/status/x/y", "value": 1}),
            "add operation does not apply: doc is missing path: \"/status/x/y\": missing value",
        );
    }

    #[test]
    fn what_is_no_list_of_operations_is_malformed() {
        for patch in [json!({"op": "remove"}), json!([{"op": "leap", "path": "/a"}]), json!([1])] {
            assert!(matches!(json_patch(&set(), &patch), Err(PatchError::Malformed(_))), "{patch}");
        }
        assert!(matches!(merge_patch(&set(), &json!([])), Err(PatchError::Malformed(_))));
    }

    #[test]
    fn a_patch_of_too_many_operations_is_refused() {
        let operation = json!({"op": "test", "path": "/spec/replicas", "value": 2});
        let patch = Value::Array(vec![operation; OPERATIONS_MAX + 1]);
        let expected = PatchError::TooLong { n_operations: OPERATIONS_MAX + 1, max: OPERATIONS_MAX };
        assert_eq!(json_patch(&set(), &patch), Err(expected));
    }

    #[test]
    fn copies_of_copies_are_refused_before_they_fill_the_memory() {
        let copies = (0..60).map(|n| json!({"op": "copy", "from": "", "path": format!("/c{n}")}));
        let error = json_patch(&set(), &copies.collect()).unwrap_err();
        assert!(error.to_string().starts_with("Unable to complete the copy"), "{error}");
    }

    #[test]
    fn a_merge_patch_sets_and_removes_as_kubectl_scale_and_label_want() {
        let patch = json!({"metadata": {"labels": {"a/b": null, "c": "2"}}, "spec": {"replicas": 5}});
        let expected =
            json!({"metadata": {"labels": {"c": "2"}}, "spec": {"replicas": 5, "args": ["x", "y"]}});
        assert_eq!(merge_patch(&set(), &patch), Ok(expected));
    }
}
