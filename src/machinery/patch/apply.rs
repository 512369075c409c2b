//! Server-side apply: the applied object has the fields that its manager wants, and only those.
//!
//! ```text
//!   live ─┐
//!         ├─ merge ─► merged ─ prune ─► pruned ─ compare with live ─► conflicts, or the new object
//!   applied ┘           what the manager applied before,              with its owners
//!                       no longer does, and nobody else owns
//! ```
//!
//! Two managers that apply the same value share it; one that applies another value has a conflict
//! with each owner, unless it forces. The rules are those of Kubernetes' structured-merge-diff
//! (`merge/update.go`) and its field managers.
//!
//! At its limits: an applied object that its types do not allow is refused; all fields of an object
//! without managed fields count as written by `before-first-apply`.

use serde_json::{Map, Value};

use super::conflict::{ApplyConflict, ApplyError};
use super::faults::faults;
use super::field_set::{FieldSet, Step, path_text};
use super::last_applied;
use super::managed::{Managed, Writer, never_owned, without_managed};
use super::structure::{Differences, fields_of, merge, with_parents, without};
use super::track::{blank, not_written_through};
use crate::clock::Timestamp;
use crate::machinery::merge_keys::Shape;
use crate::objects::Kind;

/// The owner of the fields that were there before the first apply.
const BEFORE_FIRST_APPLY: &str = "before-first-apply";

/// The object that results from `manager` applying `applied`, with its new `managedFields`.
///
/// `live` is `None` when there is no such object. If nothing changes the result is `live` as it
/// was. A status in `applied` is left out.
pub fn server_side_apply(
    kind: Kind,
    live: Option<&Value>,
    applied: &Value,
    manager: &str,
    force: bool,
    now: Timestamp,
) -> Result<Value, ApplyError> {
    apply_to(kind, "", live, applied, manager, force, now)
}

/// As [`server_side_apply`], through the subresource `status`: only the status is applied.
pub fn server_side_apply_status(
    kind: Kind,
    live: &Value,
    applied: &Value,
    manager: &str,
    force: bool,
    now: Timestamp,
) -> Result<Value, ApplyError> {
    apply_to(kind, "status", Some(live), applied, manager, force, now)
}

fn apply_to(
    kind: Kind,
    subresource: &str,
    live: Option<&Value>,
    applied: &Value,
    manager: &str,
    force: bool,
    now: Timestamp,
) -> Result<Value, ApplyError> {
    check(kind, applied)?;
    let writer = Writer {
        manager: manager.to_owned(),
        operation: "Apply".to_owned(),
        api_version: kind.info().api_version.to_owned(),
        subresource: subresource.to_owned(),
    };
    let managed = live.map(|live| managed_before(kind, live, now)).unwrap_or_default();
    let there = live.map_or_else(|| Value::Object(Map::new()), without_managed);
    let applied = only_written_through(subresource, applied);
    let apply = Apply { shape: Shape::of(kind), writer, there: &there, applied: &applied, now };
    let outcome = match apply.carry_out(managed.clone(), force) {
        Err(conflicts) if manager == last_applied::UPGRADED => {
            let allowed = last_applied::fields_of_client_side_apply(&there, apply.shape);
            let left: Vec<_> = conflicts.into_iter().filter(|(_, path)| !allowed.contains(path)).collect();
            if left.is_empty() { apply.carry_out(managed, true) } else { Err(left) }
        }
        outcome => outcome,
    };
    let outcome = outcome.map_err(|conflicts| ApplyError::Conflicts(listed(conflicts)))?;
    Ok(finish(live, applied, manager, outcome))
}

/// The result; `live` itself if nothing is different but times.
fn finish(live: Option<&Value>, applied: Value, manager: &str, outcome: (Value, Managed)) -> Value {
    let (mut object, managed) = outcome;
    if manager == last_applied::UPGRADED {
        last_applied::follow(&mut object, &applied);
    }
    managed.write_to(&mut object);
    match live {
        Some(live) if without_times(live) == without_times(&object) => live.clone(),
        _ => object,
    }
}

/// One apply: what is there, what is wanted, and by whom.
struct Apply<'a> {
    shape: Shape,
    writer: Writer,
    there: &'a Value,
    applied: &'a Value,
    now: Timestamp,
}

/// Fields that others own, with their owners.
type Conflicts = Vec<(Writer, Vec<Step>)>;

impl Apply<'_> {
    fn carry_out(&self, mut managed: Managed, force: bool) -> Result<(Value, Managed), Conflicts> {
        let shape = Some(self.shape);
        let ignored = not_written_through(&self.writer.subresource);
        let last = managed.fields(&self.writer);
        // While pruning, the names of the object are the applier's: they keep its metadata there.
        let wanted = fields_of(self.applied, shape).difference_with_below(&ignored);
        managed.set(&self.writer, wanted.clone(), self.now);
        let merged = merge(self.there, self.applied, shape);
        let pruned = self.prune(merged, &last, &managed);
        managed.set(&self.writer, wanted.difference(&never_owned()), self.now);
        let differences = Differences::between(self.there, &pruned, shape).without(&ignored);
        let written = differences.written();
        let conflicts: Conflicts = managed
            .entries()
            .iter()
            .filter(|entry| entry.writer != self.writer)
            .flat_map(|entry| {
                let paths = entry.fields.intersection(&written).paths();
                paths.into_iter().map(|path| (entry.writer.clone(), path))
            })
            .collect();
        if !force && !conflicts.is_empty() {
            return Err(conflicts);
        }
        managed.take(&written, Some(&self.writer));
        managed.forget(&differences.removed, Some(&self.writer));
        Ok((without_nulls(pruned), managed))
    }

    /// The object without the fields that the manager applied before, does not apply now, and nobody
    /// owns.
    ///
    /// First everything that was applied is removed, including whole structs; then the fields with
    /// owners are put back; then those that never were this manager's, if their struct still exists.
    fn prune(&self, merged: Value, last: &FieldSet, managed: &Managed) -> Value {
        if last.is_empty() {
            return merged;
        }
        let shape = Some(self.shape);
        let parents = |set: &FieldSet| with_parents(set, shape);
        let left = |set: &FieldSet| without(&merged, set, shape);
        let (all, last) = (parents(&fields_of(&merged, shape)), parents(last));
        let owned = parents(&managed.all_fields());
        let pruned = left(&last);
        let pruned = left(&all.difference(&parents(&fields_of(&pruned, shape)).union(&owned)));
        left(&all.difference(&parents(&fields_of(&pruned, shape))).intersection(&last))
    }
}

fn check(kind: Kind, applied: &Value) -> Result<(), ApplyError> {
    let text = |path: &str| applied.pointer(path).and_then(Value::as_str).unwrap_or_default();
    let (api_version, name) = (text("/apiVersion"), text("/kind"));
    let full = |api_version: &str, kind: &str| match api_version.contains('/') {
        true => format!("{api_version}, Kind={kind}"),
        false => format!("/{api_version}, Kind={kind}"),
    };
    let expected = full(kind.info().api_version, kind.name());
    if (api_version, name) != (kind.info().api_version, kind.name()) {
        return Err(ApplyError::WrongVersion { found: full(api_version, name), expected });
    }
    let managed = applied.pointer("/metadata/managedFields");
    if managed.and_then(Value::as_array).is_some_and(|entries| !entries.is_empty()) {
        return Err(ApplyError::HasManagedFields);
    }
    let faults = faults(applied, Shape::of(kind));
    if faults.is_empty() {
        return Ok(());
    }
    let object = format!("{}/{}; {expected}", text("/metadata/namespace"), text("/metadata/name"));
    Err(ApplyError::NotTyped { object, faults })
}

/// The entries of an object; one without entries is owned as a whole by whoever wrote it.
fn managed_before(kind: Kind, live: &Value, now: Timestamp) -> Managed {
    let managed = Managed::of(live).unwrap_or_default();
    if !managed.is_empty() {
        return managed;
    }
    let writer = Writer {
        manager: BEFORE_FIRST_APPLY.to_owned(),
        operation: "Update".to_owned(),
        api_version: kind.info().api_version.to_owned(),
        subresource: String::new(),
    };
    let all = Differences::between(&blank(Some(kind)), &without_managed(live), Some(Shape::of(kind)));
    let mut managed = Managed::default();
    managed.record(&writer, &all.without(&not_written_through("")), now);
    managed
}

/// The part of an applied object that can be written through the subresource.
fn only_written_through(subresource: &str, applied: &Value) -> Value {
    let mut applied = without_managed(applied);
    if let Value::Object(fields) = &mut applied {
        match subresource {
            "status" => fields
                .retain(|name, _| matches!(name.as_str(), "apiVersion" | "kind" | "metadata" | "status")),
            _ => fields.retain(|name, _| name != "status"),
        }
    }
    applied
}

fn without_nulls(value: Value) -> Value {
    match value {
        Value::Object(fields) => {
            let fields = fields.into_iter().filter(|(_, value)| !value.is_null());
            Value::Object(fields.map(|(name, value)| (name, without_nulls(value))).collect())
        }
        Value::Array(items) => items.into_iter().map(without_nulls).collect(),
        other => other,
    }
}

fn without_times(object: &Value) -> Value {
    let mut object = object.clone();
    let entries = object.pointer_mut("/metadata/managedFields").and_then(Value::as_array_mut);
    for entry in entries.into_iter().flatten().filter_map(Value::as_object_mut) {
        entry.remove("time");
    }
    object
}

fn listed(mut conflicts: Conflicts) -> Vec<ApplyConflict> {
    conflicts.sort_by(|one, other| one.0.manager.cmp(&other.0.manager));
    let conflict = |(owner, path): (Writer, Vec<_>)| ApplyConflict {
        is_applied: owner.is_applier(),
        manager: owner.manager,
        api_version: owner.api_version,
        subresource: owner.subresource,
        field: path_text(&path),
    };
    conflicts.into_iter().map(conflict).collect()
}

#[cfg(test)]
mod tests;
