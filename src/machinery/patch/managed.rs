//! Who owns which fields of an object: its `metadata.managedFields`.
//!
//! An entry is identified by its manager, operation and subresource, and by its version too if it is
//! not an apply. Entries are in Kubernetes' order: applies first, then by time, manager and
//! subresource. An entry without fields is dropped.
//!
//! At its limits: more than [`UPDATERS_MAX`] entries that are not of an apply are merged, oldest
//! first, into one of the manager `ancient-changes`, so that clients with ever new names cannot make
//! objects grow.

use serde_json::{Map, Value, json};

use super::field_set::FieldSet;
use super::structure::Differences;
use crate::clock::Timestamp;

/// The most entries of updates that an object keeps.
const UPDATERS_MAX: usize = 10;
/// The manager of merged entries.
const OLD_UPDATES: &str = "ancient-changes";

/// Who writes, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Writer {
    pub(super) manager: String,
    /// `Apply` or `Update`.
    pub(super) operation: String,
    pub(super) api_version: String,
    /// Empty for the object itself.
    pub(super) subresource: String,
}

impl Writer {
    /// Whether this writer applies.
    pub(super) fn is_applier(&self) -> bool {
        self.operation == "Apply"
    }

    fn is_same(&self, other: &Self) -> bool {
        self.manager == other.manager
            && self.operation == other.operation
            && self.subresource == other.subresource
            && (self.is_applier() || self.api_version == other.api_version)
    }
}

/// The fields of one writer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) writer: Writer,
    /// Of the last write, whole seconds.
    pub(super) time: Option<Timestamp>,
    pub(super) fields: FieldSet,
}

/// The entries of one object.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Managed(Vec<Entry>);

impl Managed {
    /// The entries of an object; `None` if they cannot be read.
    pub(super) fn of(object: &Value) -> Option<Self> {
        match object.pointer("/metadata/managedFields") {
            None | Some(Value::Null) => Some(Self::default()),
            Some(entries) => entries.as_array()?.iter().map(read_entry).collect::<Option<_>>().map(Self),
        }
    }

    /// Whether nobody owns anything.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The entries.
    pub(super) fn entries(&self) -> &[Entry] {
        &self.0
    }

    /// What a writer owns.
    pub(super) fn fields(&self, writer: &Writer) -> FieldSet {
        let entry = self.0.iter().find(|entry| entry.writer.is_same(writer));
        entry.map(|entry| entry.fields.clone()).unwrap_or_default()
    }

    /// What anybody owns.
    pub(super) fn all_fields(&self) -> FieldSet {
        self.0.iter().fold(FieldSet::default(), |all, entry| all.union(&entry.fields))
    }

    /// Sets what a writer owns, written at `now`.
    pub(super) fn set(&mut self, writer: &Writer, fields: FieldSet, now: Timestamp) {
        let time = Timestamp::from_second(now.as_second()).ok();
        let entry = Entry { writer: writer.clone(), time, fields };
        match self.0.iter_mut().find(|entry| entry.writer.is_same(writer)) {
            Some(there) => *there = entry,
            None => self.0.push(entry),
        }
    }

    /// Removes fields that the object no longer has from the entries of all but one writer.
    pub(super) fn forget(&mut self, removed: &FieldSet, but: Option<&Writer>) {
        self.each_but(but, |fields| fields.difference_with_below(removed));
    }

    /// Removes fields from the entries of all but the one that has written them.
    pub(super) fn take(&mut self, fields: &FieldSet, but: Option<&Writer>) {
        self.each_but(but, |theirs| theirs.difference(fields));
    }

    fn each_but(&mut self, but: Option<&Writer>, change: impl Fn(&FieldSet) -> FieldSet) {
        let others = self.0.iter_mut().filter(|entry| but.is_none_or(|writer| !entry.writer.is_same(writer)));
        others.for_each(|entry| entry.fields = change(&entry.fields));
        self.0.retain(|entry| !entry.fields.is_empty());
    }

    /// Records that a writer made these differences: it owns what it wrote, and nobody owns what is
    /// gone.
    pub(super) fn record(&mut self, writer: &Writer, differences: &Differences, now: Timestamp) {
        let written = differences.written().difference(&never_owned());
        let before = self.fields(writer);
        self.take(&written, Some(writer));
        self.forget(&differences.removed, None);
        if !written.is_empty() {
            let kept = before.difference_with_below(&differences.removed);
            self.set(writer, kept.union(&written), now);
        }
    }

    /// The entries as an object has them, in their order; `None` if there are none.
    pub(super) fn into_value(mut self) -> Option<Value> {
        self.0.retain(|entry| !entry.fields.is_empty());
        self.merge_old_updates();
        self.0.sort_by(|one, other| rank(one).cmp(&rank(other)));
        (!self.0.is_empty()).then(|| self.0.iter().map(write_entry).collect())
    }

    /// Writes the entries into an object.
    pub(super) fn write_to(self, object: &mut Value) {
        let Some(object) = object.as_object_mut() else { return };
        let metadata = object.entry("metadata").or_insert_with(|| Value::Object(Map::new()));
        let Some(metadata) = metadata.as_object_mut() else { return };
        match self.into_value() {
            Some(entries) => metadata.insert("managedFields".to_owned(), entries),
            None => metadata.remove("managedFields"),
        };
    }

    fn merge_old_updates(&mut self) {
        let n_updaters = self.0.iter().filter(|entry| !entry.writer.is_applier()).count();
        if n_updaters <= UPDATERS_MAX {
            return;
        }
        let (mut updates, mut kept): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.0).into_iter().partition(|entry| !entry.writer.is_applier());
        updates
            .sort_by(|one, other| (one.time, &one.writer.manager).cmp(&(other.time, &other.writer.manager)));
        let recent = updates.split_off(n_updaters - UPDATERS_MAX + 1);
        let merged = updates.into_iter().reduce(|older, newer| Entry {
            writer: Writer {
                manager: OLD_UPDATES.to_owned(),
                operation: "Update".to_owned(),
                api_version: newer.writer.api_version,
                subresource: String::new(),
            },
            time: newer.time,
            fields: older.fields.union(&newer.fields),
        });
        kept.extend(merged);
        kept.extend(recent);
        self.0 = kept;
    }
}

/// The fields that identify an object or that the server sets: nobody owns them.
pub(super) fn never_owned() -> FieldSet {
    FieldSet::of_fields(&[
        &["apiVersion"],
        &["kind"],
        &["metadata"],
        &["metadata", "name"],
        &["metadata", "namespace"],
        &["metadata", "creationTimestamp"],
        &["metadata", "selfLink"],
        &["metadata", "uid"],
        &["metadata", "generation"],
        &["metadata", "managedFields"],
        &["metadata", "resourceVersion"],
    ])
}

/// An object without its managed fields.
pub(super) fn without_managed(object: &Value) -> Value {
    let mut bare = object.clone();
    if let Some(metadata) = bare.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.remove("managedFields");
    }
    bare
}

/// What entries are sorted by.
fn rank(entry: &Entry) -> (&str, i64, &str, &str, &str) {
    let Writer { manager, operation, api_version, subresource } = &entry.writer;
    (operation, entry.time.map_or(0, Timestamp::as_second), manager, api_version, subresource)
}

fn read_entry(entry: &Value) -> Option<Entry> {
    let text = |field: &str| match entry.get(field) {
        None | Some(Value::Null) => Some(String::new()),
        Some(value) => value.as_str().map(str::to_owned),
    };
    let operation = text("operation")?;
    if text("fieldsType")? != "FieldsV1" || !matches!(operation.as_str(), "Apply" | "Update") {
        return None;
    }
    let time = match entry.get("time").and_then(Value::as_str) {
        Some(time) => Some(time.parse().ok()?),
        None => None,
    };
    let (manager, api_version, subresource) = (text("manager")?, text("apiVersion")?, text("subresource")?);
    let fields = entry.get("fieldsV1").map_or(Some(FieldSet::default()), FieldSet::read)?;
    Some(Entry { writer: Writer { manager, operation, api_version, subresource }, time, fields })
}

fn write_entry(entry: &Entry) -> Value {
    let writer = &entry.writer;
    let mut json = json!({
        "manager": writer.manager,
        "operation": writer.operation,
        "apiVersion": writer.api_version,
        "fieldsType": "FieldsV1",
        "fieldsV1": entry.fields.write(),
    });
    if let Some(time) = entry.time {
        json["time"] = Value::from(time.to_string());
    }
    if !writer.subresource.is_empty() {
        json["subresource"] = Value::from(writer.subresource.as_str());
    }
    json
}
