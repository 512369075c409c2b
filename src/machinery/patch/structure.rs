//! The parts of an object's value by the types of its kind: which have owners of their own, which
//! differ between two versions, how to merge them, and how to remove some.
//!
//! A value is a leaf (scalars, atomic lists, maps and structs), a map of fields, or a list of items
//! with keys. Fields that the types do not have are handled by their form: maps have fields, lists
//! are leaves. The rules are those of Kubernetes' structured-merge-diff (`typed`).
//!
//! At its limits: a live list with a duplicate item, or with one that has no key, counts as a leaf
//! when it is compared; an applied one is refused before (see [`faults`](super::faults)).

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::field_set::{FieldSet, Node, Step};
use crate::machinery::merge_keys::{Form, MergeStrategy, Shape, key_default};

/// The parts of a value that have owners of their own.
enum Parts<'a> {
    /// None: the value is one.
    Leaf,
    /// The fields of a struct or map.
    Fields(&'a Map<String, Value>),
    /// The items of a list, by name.
    Items(Vec<(Step, &'a Value)>),
}

/// A position in the schema; `None` where it says nothing.
pub(super) type MaybeShape = Option<Shape>;

/// The position of a field, or of the value of a map's key.
pub(super) fn field_shape(shape: MaybeShape, name: &str) -> MaybeShape {
    shape.and_then(|shape| if shape.form() == Form::Map { shape.item() } else { shape.field(name) })
}

/// Whether `name` is a field that the struct here declares, not a key of the user's.
fn is_declared(shape: MaybeShape, name: &str) -> bool {
    shape.is_some_and(|shape| shape.form() == Form::Struct && shape.field(name).is_some())
}

fn parts<'a>(value: &'a Value, shape: MaybeShape) -> Parts<'a> {
    let strategy = shape.and_then(Shape::strategy);
    let is_leaf =
        strategy == Some(MergeStrategy::Atomic) || shape.is_some_and(|shape| shape.form() == Form::Scalar);
    match value {
        _ if is_leaf => Parts::Leaf,
        Value::Object(fields) => Parts::Fields(fields),
        Value::Array(items) => match named_items(items, strategy) {
            Ok(items) if has_no_twins(&items) => Parts::Items(items),
            _ => Parts::Leaf,
        },
        _ => Parts::Leaf,
    }
}

/// Nothing and null take the form of what they are compared with.
fn parts_if_any(value: Option<&Value>, shape: MaybeShape) -> Option<Parts<'_>> {
    value.filter(|value| !value.is_null()).map(|value| parts(value, shape))
}

fn has_no_twins(items: &[(Step, &Value)]) -> bool {
    let names: BTreeSet<_> = items.iter().map(|(step, _)| step).collect();
    names.len() == items.len()
}

/// The items with their names; `Err` is the key field that one lacks, if the list has names at all.
pub(super) fn named_items(
    items: &[Value],
    strategy: Option<MergeStrategy>,
) -> Result<Vec<(Step, &Value)>, Option<&'static str>> {
    let step = |item: &Value| match strategy {
        Some(MergeStrategy::Set) => Ok(Step::Value(item.to_string())),
        Some(MergeStrategy::Map { keys }) => name_of(item, keys).map_err(Some),
        _ => Err(None),
    };
    items.iter().map(|item| Ok((step(item)?, item))).collect()
}

fn name_of(item: &Value, keys: &'static [&'static str]) -> Result<Step, &'static str> {
    let field = |key: &&'static str| {
        let value = item.get(*key).filter(|value| !value.is_null()).cloned();
        let value = value.or_else(|| key_default(key).map(Value::from)).ok_or(*key)?;
        Ok(((*key).to_owned(), value))
    };
    keys.iter().map(field).collect::<Result<_, _>>().map(Step::key)
}

/// Whether a value has no parts with owners of their own.
fn is_hollow(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Object(fields) => fields.is_empty(),
        _ => false,
    }
}

/// Every part of an object.
pub(super) fn fields_of(value: &Value, shape: MaybeShape) -> FieldSet {
    node_of(value, shape).below
}

fn node_of(value: &Value, shape: MaybeShape) -> Node {
    let mut below = FieldSet::default();
    match parts(value, shape) {
        Parts::Leaf => return Node::member(),
        Parts::Fields(fields) => {
            for (name, value) in fields {
                let mut node = node_of(value, field_shape(shape, name));
                node.is_member |= is_hollow(value) || !is_declared(shape, name);
                below.put(Step::Field(name.clone()), node);
            }
        }
        Parts::Items(items) => {
            for (step, item) in items {
                let node = node_of(item, shape.and_then(Shape::item));
                below.put(step, Node { is_member: true, ..node });
            }
        }
    }
    Node { is_member: false, below }
}

/// The differences between two versions of an object.
#[derive(Default)]
pub(super) struct Differences {
    /// What only the first has.
    pub(super) removed: FieldSet,
    /// What both have, with different values.
    pub(super) modified: FieldSet,
    /// What only the second has.
    pub(super) added: FieldSet,
}

impl Differences {
    /// What differs between `old` and `new`.
    pub(super) fn between(old: &Value, new: &Value, shape: MaybeShape) -> Self {
        let mut differences = Self::default();
        differences.visit(&mut Vec::new(), Some(old), Some(new), shape);
        differences
    }

    /// The differences outside of `ignored`.
    pub(super) fn without(self, ignored: &FieldSet) -> Self {
        Self {
            removed: self.removed.difference_with_below(ignored),
            modified: self.modified.difference_with_below(ignored),
            added: self.added.difference_with_below(ignored),
        }
    }

    /// What the second version has and the first has not, or differently.
    pub(super) fn written(&self) -> FieldSet {
        self.modified.union(&self.added)
    }

    fn visit(&mut self, at: &mut Vec<Step>, old: Option<&Value>, new: Option<&Value>, shape: MaybeShape) {
        let is_inner = self.visit_parts(at, old, new, shape);
        match (old, new) {
            (None, Some(_)) => self.added.insert(at),
            (Some(_), None) => self.removed.insert(at),
            (Some(old), Some(new)) if !is_inner && old != new => self.modified.insert(at),
            _ => {}
        }
    }

    /// Compares the parts of the values; false if the values are not of the same form.
    fn visit_parts(
        &mut self,
        at: &mut Vec<Step>,
        old: Option<&Value>,
        new: Option<&Value>,
        shape: MaybeShape,
    ) -> bool {
        if old.is_none_or(is_hollow) && new.is_none_or(is_hollow) {
            return false;
        }
        match (parts_if_any(old, shape), parts_if_any(new, shape)) {
            (Some(Parts::Leaf), _) | (_, Some(Parts::Leaf)) | (None, None) => return false,
            (Some(Parts::Fields(_)), Some(Parts::Items(_)))
            | (Some(Parts::Items(_)), Some(Parts::Fields(_))) => {
                return false;
            }
            (old @ Some(Parts::Items(_)), new) | (old, new @ Some(Parts::Items(_))) => {
                let (old, new) = (by_name(old), by_name(new));
                for step in old.keys().chain(new.keys()).collect::<BTreeSet<_>>() {
                    let (old, new) = (old.get(step).copied(), new.get(step).copied());
                    self.visit_part(at, step.clone(), old, new, shape.and_then(Shape::item));
                }
            }
            (old, new) => {
                let (old, new) = (fields_in(old), fields_in(new));
                let names = old.into_iter().chain(new).flat_map(Map::keys).collect::<BTreeSet<_>>();
                for name in names {
                    let (old, new) = (old.and_then(|old| old.get(name)), new.and_then(|new| new.get(name)));
                    self.visit_part(at, Step::Field(name.clone()), old, new, field_shape(shape, name));
                }
            }
        }
        true
    }

    fn visit_part(
        &mut self,
        at: &mut Vec<Step>,
        step: Step,
        old: Option<&Value>,
        new: Option<&Value>,
        shape: MaybeShape,
    ) {
        at.push(step);
        self.visit(at, old, new, shape);
        at.pop();
    }
}

fn by_name<'a>(parts: Option<Parts<'a>>) -> BTreeMap<Step, &'a Value> {
    match parts {
        Some(Parts::Items(items)) => items.into_iter().collect(),
        _ => BTreeMap::new(),
    }
}

fn fields_in<'a>(parts: Option<Parts<'a>>) -> Option<&'a Map<String, Value>> {
    match parts {
        Some(Parts::Fields(fields)) => Some(fields),
        _ => None,
    }
}

/// `live` with everything in `applied`.
pub(super) fn merge(live: &Value, applied: &Value, shape: MaybeShape) -> Value {
    match (parts(live, shape), parts(applied, shape)) {
        (Parts::Fields(live), Parts::Fields(applied)) => {
            let mut merged = live.clone();
            for (name, value) in applied {
                let there = live.get(name).unwrap_or(&Value::Null);
                merged.insert(name.clone(), merge(there, value, field_shape(shape, name)));
            }
            Value::Object(merged)
        }
        (Parts::Items(live), Parts::Items(applied)) => merge_items(live, applied, shape),
        _ => applied.clone(),
    }
}

/// Applied items are in their order; live items that are not applied stay in front of the applied
/// item that follows them.
fn merge_items(live: Vec<(Step, &Value)>, applied: Vec<(Step, &Value)>, shape: MaybeShape) -> Value {
    let item_shape = shape.and_then(Shape::item);
    let there: BTreeMap<&Step, &Value> = live.iter().map(|(step, item)| (step, *item)).collect();
    let wanted: BTreeSet<&Step> = applied.iter().map(|(step, _)| step).collect();
    let mut shared = applied.iter().map(|(step, _)| step).filter(|step| there.contains_key(step)).peekable();
    let mut left = live.iter().peekable();
    let mut right = applied.iter().peekable();
    let mut merged = Vec::with_capacity(live.len() + applied.len());
    loop {
        // Live items that are applied too, but are not the next of them, come where they are applied.
        while left.next_if(|(step, _)| wanted.contains(step) && shared.peek() != Some(&step)).is_some() {}
        match (left.peek(), right.peek()) {
            (Some((step, item)), _) if !wanted.contains(step) => {
                merged.push((*item).clone());
                left.next();
            }
            (_, Some((step, item))) => {
                let live = there.get(step).copied().unwrap_or(&Value::Null);
                merged.push(merge(live, item, item_shape));
                if shared.next_if(|next| *next == step).is_some() {
                    left.next_if(|(live, _)| live == step);
                }
                right.next();
            }
            (Some(_), None) => {
                left.next();
            }
            (None, None) => return Value::Array(merged),
        }
    }
}

/// The value without the fields in `set`; null if nothing is left of it.
pub(super) fn without(value: &Value, set: &FieldSet, shape: MaybeShape) -> Value {
    let left = |step: &Step, value: &Value, shape: MaybeShape| match set.below(step) {
        _ if set.has(step) => None,
        Some(below) => Some(without(value, below, shape)),
        None => Some(value.clone()),
    };
    match parts(value, shape) {
        Parts::Leaf => value.clone(),
        Parts::Fields(fields) => {
            let fields = fields.iter().filter_map(|(name, value)| {
                let value = left(&Step::Field(name.clone()), value, field_shape(shape, name))?;
                Some((name.clone(), value))
            });
            let fields: Map<_, _> = fields.collect();
            if fields.is_empty() { Value::Null } else { Value::Object(fields) }
        }
        Parts::Items(items) => {
            let item_shape = shape.and_then(Shape::item);
            let items = items.iter().filter_map(|(step, item)| left(step, item, item_shape));
            let items: Vec<_> = items.filter(|item| !item.is_null()).collect();
            if items.is_empty() { Value::Null } else { Value::Array(items) }
        }
    }
}

/// The set, and every declared field that has something of it below.
pub(super) fn with_parents(set: &FieldSet, shape: MaybeShape) -> FieldSet {
    let mut wider = FieldSet::default();
    for (step, node) in set.nodes() {
        let (below, is_named) = match step {
            Step::Field(name) => (field_shape(shape, name), is_declared(shape, name)),
            _ => (shape.and_then(Shape::item), false),
        };
        let below = with_parents(&node.below, below);
        wider.put(step.clone(), Node { is_member: node.is_member || is_named, below });
    }
    wider
}
