//! The owners of fields after writes that are not an apply (create, update, other patches).
//!
//! The manager of a write owns what the write adds or changes, and others lose it. Nobody owns what
//! it removes. A write that changes nothing leaves every entry as it was, including its time.
//!
//! At its limits: an object that exists without managed fields stays without, as in Kubernetes,
//! until it is applied; entries that a client sends and that cannot be read are replaced by those
//! that were there.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ManagedFieldsEntry;
use serde_json::{Value, json};

use super::field_set::FieldSet;
use super::managed::{Managed, Writer, without_managed};
use super::structure::Differences;
use crate::clock::Timestamp;
use crate::machinery::merge_keys::Shape;
use crate::objects::Kind;

/// The managed fields of `new`, after `manager` has changed `old` into it; `None` if nobody owns
/// anything.
///
/// `old` is `None` for a new object. `new` may carry entries of its own: a client may change them
/// (a list of one empty entry drops all), except through a subresource. `operation` is `Update`
/// for every write that is not an apply. The status of an object is left out, unless the
/// write is one of the subresource `status`.
pub fn track_managers(
    old: Option<&Value>,
    new: &Value,
    manager: &str,
    operation: &str,
    subresource: &str,
    now: Timestamp,
) -> Option<Vec<ManagedFieldsEntry>> {
    let entries = managed_after(old, new, manager, operation, subresource, now).into_value()?;
    Some(serde_json::from_value(entries).expect("entries are written in the form of their type"))
}

fn managed_after(
    old: Option<&Value>,
    new: &Value,
    manager: &str,
    operation: &str,
    subresource: &str,
    now: Timestamp,
) -> Managed {
    let text = |field: &str| new.get(field).and_then(Value::as_str).unwrap_or_default().to_owned();
    let api_version = text("apiVersion");
    let kind = Kind::find(&api_version, &text("kind"));
    let mut managed = managed_before(old, new, subresource);
    if managed.is_empty() && old.is_some() {
        return managed;
    }
    let before = old.map_or_else(|| blank(kind), without_managed);
    let differences = Differences::between(&before, &without_managed(new), kind.map(Shape::of));
    let writer = Writer {
        manager: manager.to_owned(),
        operation: operation.to_owned(),
        api_version,
        subresource: subresource.to_owned(),
    };
    managed.record(&writer, &differences.without(&not_written_through(subresource)), now);
    managed
}

/// The fields that writes to an object, or to one of its subresources, do not change.
pub(super) fn not_written_through(subresource: &str) -> FieldSet {
    match subresource {
        "status" => FieldSet::of_fields(&[&["spec"]]),
        _ => FieldSet::of_fields(&[&["status"]]),
    }
}

fn managed_before(old: Option<&Value>, new: &Value, subresource: &str) -> Managed {
    let of_old = || old.and_then(Managed::of).unwrap_or_default();
    let sent = new.pointer("/metadata/managedFields").and_then(Value::as_array);
    let is_reset = sent.is_some_and(|entries| matches!(&entries[..], [entry] if *entry == json!({})));
    match Managed::of(new) {
        _ if !subresource.is_empty() => of_old(),
        _ if is_reset => Managed::default(),
        Some(managed) if !managed.is_empty() => managed,
        _ => of_old(),
    }
}

/// An object of a kind before anything was written to it: the parts that its type always has, which
/// its creator therefore does not own.
pub(super) fn blank(kind: Option<Kind>) -> Value {
    match kind {
        Some(Kind::StatefulSet) => json!({
            "metadata": {},
            "spec": {"template": {"metadata": {}, "spec": {"containers": null}}, "updateStrategy": {}},
            "status": {},
        }),
        Some(Kind::Pod) => json!({"metadata": {}, "spec": {"containers": null}, "status": {}}),
        Some(Kind::PersistentVolumeClaim) => json!({"metadata": {}, "spec": {"resources": {}}, "status": {}}),
        _ => json!({"metadata": {}, "spec": {}, "status": {}}),
    }
}

/// Writes into `new` who owns its fields after an update.
#[cfg(test)]
pub(super) fn track_update(
    old: Option<&Value>,
    new: &mut Value,
    manager: &str,
    subresource: &str,
    now: Timestamp,
) {
    managed_after(old, new, manager, "Update", subresource, now).write_to(new);
}

#[cfg(test)]
mod tests;
