//! Lists in a strategic merge patch: merged by key, merged as sets, or replaced; then put in order.
//!
//! Items that the patch names stand in the patch's order, items that only the object has keep
//! theirs; where the two meet, the object's order decides, and a new item goes before those that
//! only the object has. That is Kubernetes' rule, and why a container that is added by a patch
//! without `$setElementOrder` becomes the first.

use std::collections::HashMap;

use serde_json::Value;

use super::{DELETE_FROM_LIST, DIRECTIVE, Directive, ELEMENT_ORDER, Fields, merge_map, plain, plain_fields};
use crate::machinery::merge_keys::{PatchStrategy, Shape};
use crate::machinery::patch::PatchError;

/// The directives that a patch has for one list.
pub(super) struct ListPatch<'a> {
    removed: &'a [Value],
    order: Option<&'a [Value]>,
    merge_key: Option<&'static str>,
}

impl<'a> ListPatch<'a> {
    /// The directives for the list `name`.
    pub(super) fn of(name: &str, patch: &'a Fields, shape: Option<Shape>) -> Result<Self, PatchError> {
        let list = |prefix: &str, what: &str| match patch.get(&format!("{prefix}{name}")) {
            None => Ok(None),
            Some(Value::Array(items)) => Ok(Some(items.as_slice())),
            Some(_) => Err(PatchError::Malformed(format!("invalid patch format of {what}"))),
        };
        let removed = list(DELETE_FROM_LIST, "primitive list")?.unwrap_or_default();
        let order = list(ELEMENT_ORDER, "setElementOrder list")?;
        let merge_key = shape.and_then(Shape::patch).and_then(|patch| patch.merge_key);
        if let (Some(order), Some(Value::Array(items))) = (order, patch.get(name)) {
            check_order(items, order, merge_key)?;
        }
        Ok(Self { removed, order, merge_key })
    }

    /// Whether the patch says in which order the items are.
    pub(super) fn has_order(&self) -> bool {
        self.order.is_some()
    }

    /// The merged list without what is removed from it, in its order.
    pub(super) fn carry_out(
        &self,
        mut items: Vec<Value>,
        before: &[Value],
    ) -> Result<Vec<Value>, PatchError> {
        if let Some(order) = self.order {
            items = in_order(items, order, before, self.merge_key)?;
        }
        if !self.removed.is_empty() {
            let removed = positions(self.removed, None);
            items.retain(|item| !removed.contains_key(&name_of(item, None)));
        }
        Ok(items)
    }
}

/// A list of the object and the one of the patch, merged as the type says.
pub(super) fn merge(
    original: Vec<Value>,
    patch: &[Value],
    shape: Option<Shape>,
) -> Result<Vec<Value>, PatchError> {
    match shape.and_then(Shape::patch) {
        None => Ok(replacement(patch)),
        Some(PatchStrategy { merge_key: None, .. }) => merge_values(original, patch),
        Some(PatchStrategy { merge_key: Some(key), .. }) => {
            merge_items(original, patch, key, shape.and_then(Shape::item))
        }
    }
}

/// The items of a patch that replace a list. One that is nothing but a directive is no item.
fn replacement(patch: &[Value]) -> Vec<Value> {
    let is_bare =
        |item: &&Value| item.as_object().is_some_and(|map| map.len() == 1 && map.contains_key(DIRECTIVE));
    patch.iter().filter(|item| !is_bare(item)).filter_map(plain).collect()
}

fn merge_values(mut original: Vec<Value>, patch: &[Value]) -> Result<Vec<Value>, PatchError> {
    if patch.iter().any(|item| item.is_object() || item.is_array()) {
        return Err(PatchError::Malformed("invalid patch format of primitive list".to_owned()));
    }
    let before = original.clone();
    original.extend(patch.iter().filter_map(plain));
    let mut seen = HashMap::new();
    original.retain(|item| seen.insert(name_of(item, None), ()).is_none());
    in_order(original, patch, &before, None)
}

fn merge_items(
    original: Vec<Value>,
    patch: &[Value],
    key: &'static str,
    shape: Option<Shape>,
) -> Result<Vec<Value>, PatchError> {
    let patch = patch.iter().map(|item| keyed(item, key)).collect::<Result<Vec<_>, _>>()?;
    if patch.iter().any(|item| item.directive == Directive::Replace) {
        let kept = patch.iter().filter(|item| item.directive == Directive::Merge);
        return Ok(kept.map(|item| Value::Object(plain_fields(item.fields))).collect());
    }
    let before = original.clone();
    let mut found: HashMap<String, usize> = HashMap::new();
    let mut items: Vec<Option<Value>> = Vec::with_capacity(original.len() + patch.len());
    for item in original {
        found.entry(name_of(&item, Some(key))).or_insert(items.len());
        items.push(Some(item));
    }
    for item in patch.iter().filter(|item| item.directive == Directive::Delete) {
        let names_it = |there: &Value| name_of(there, Some(key)) == item.name;
        if found.remove(&item.name).is_some() {
            items
                .iter_mut()
                .filter(|there| there.as_ref().is_some_and(names_it))
                .for_each(|there| *there = None);
        }
    }
    let merging: Vec<_> = patch.iter().filter(|item| item.directive == Directive::Merge).collect();
    for item in &merging {
        match found.get(&item.name) {
            Some(index) => {
                let there = match items[*index].take() {
                    Some(Value::Object(there)) => there,
                    _ => Fields::new(),
                };
                items[*index] = Some(Value::Object(merge_map(there, item.fields, shape)?));
            }
            None => {
                found.insert(item.name.clone(), items.len());
                items.push(Some(Value::Object(plain_fields(item.fields))));
            }
        }
    }
    let order: Vec<Value> = merging.iter().map(|item| Value::Object(item.fields.clone())).collect();
    in_order(items.into_iter().flatten().collect(), &order, &before, Some(key))
}

/// An item of a patch that has its key, or a directive for the whole list.
struct Keyed<'a> {
    name: String,
    directive: Directive,
    fields: &'a Fields,
}

fn keyed<'a>(item: &'a Value, key: &str) -> Result<Keyed<'a>, PatchError> {
    let fields = match item {
        Value::Object(fields) => fields,
        Value::Array(_) => return Err(PatchError::DoesNotFit("lists of lists are not supported".to_owned())),
        _ => return Err(PatchError::Malformed("expected kind \"map\", got a list of values".to_owned())),
    };
    let directive = Directive::of(fields)?;
    if fields.get(key).is_none_or(Value::is_null) && directive != Directive::Replace {
        return Err(PatchError::Malformed(format!("map: {item} does not contain declared merge key: {key}")));
    }
    Ok(Keyed { name: name_of(item, Some(key)), directive, fields })
}

/// What tells an item from others: its key's value, or itself; numbers and texts that read alike
/// are the same.
fn name_of(item: &Value, key: Option<&str>) -> String {
    let value = key.map_or(Some(item), |key| item.get(key));
    match value {
        Some(Value::String(text)) => text.clone(),
        Some(value) => value.to_string(),
        None => String::new(),
    }
}

fn positions(items: &[Value], key: Option<&str>) -> HashMap<String, usize> {
    let mut positions = HashMap::with_capacity(items.len());
    for (index, item) in items.iter().enumerate() {
        positions.entry(name_of(item, key)).or_insert(index);
    }
    positions
}

/// The items, those named in `order` in that order, the others as in `before`.
fn in_order(
    items: Vec<Value>,
    order: &[Value],
    before: &[Value],
    key: Option<&str>,
) -> Result<Vec<Value>, PatchError> {
    if order.iter().any(|item| key.is_some_and(|key| item.get(key).is_none())) {
        return Err(PatchError::Malformed("invalid patch format of setElementOrder list".to_owned()));
    }
    let (order, before) = (positions(order, key), positions(before, key));
    let place_before = |item: &Value| before.get(&name_of(item, key)).copied();
    let place = |item: &Value| order.get(&name_of(item, key)).copied();
    let (mut named, mut others): (Vec<_>, Vec<_>) = items.into_iter().partition(|item| place(item).is_some());
    named.sort_by_key(place);
    others.sort_by_key(|item| place_before(item).unwrap_or(usize::MAX));
    let mut sorted = Vec::with_capacity(named.len() + others.len());
    let (mut named, mut others) = (named.into_iter().peekable(), others.into_iter().peekable());
    while let (Some(one), Some(other)) = (named.peek(), others.peek()) {
        let is_other_first = matches!((place_before(other), place_before(one)), (Some(a), Some(b)) if a < b);
        sorted.extend(if is_other_first { others.next() } else { named.next() });
    }
    sorted.extend(named.chain(others));
    Ok(sorted)
}

/// The items of a patch must be named in its order, and in it.
fn check_order(items: &[Value], order: &[Value], key: Option<&str>) -> Result<(), PatchError> {
    let is_merged = |item: &&Value| item.get(DIRECTIVE).is_none_or(|directive| directive == "merge");
    let places = positions(order, key);
    let mut last = None;
    for item in items.iter().filter(is_merged) {
        let place = places.get(&name_of(item, key)).copied();
        if place.is_none() || place < last {
            return Err(PatchError::Malformed(format!(
                "The order in patch list:\n{}\n doesn't match {} list:\n{}\n",
                Value::from(items),
                ELEMENT_ORDER.trim_end_matches('/'),
                Value::from(order),
            )));
        }
        last = place;
    }
    Ok(())
}
