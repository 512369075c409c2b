//! Maps, lists and items of a patch, merged into those of the object.
//!
//! A list is merged by the key of its items, merged as a set of values, or replaced, as its type
//! says. Maps hold lists and lists hold maps, so all of it is one recursion.

use std::collections::HashMap;

use serde_json::Value;

use super::directive::{DIRECTIVE, Directive, Fields, patched_names, plain, plain_fields, retain_keys};
use super::list::ListPatch;
use super::order::{in_order, name_of};
use crate::machinery::merge_keys::{PatchStrategy, Shape};
use crate::machinery::patch::error::PatchError;
use crate::objects::Kind;

/// The object of `kind` that results from a strategic merge patch.
pub fn strategic_merge_patch(kind: Kind, live: &Value, patch: &Value) -> Result<Value, PatchError> {
    match (live, patch) {
        (Value::Object(live), Value::Object(patch)) => {
            merge_map(live.clone(), patch, Some(Shape::of(kind))).map(Value::Object)
        }
        _ => Err(PatchError::Malformed("invalid JSON document".to_owned())),
    }
}

fn merge_map(mut original: Fields, patch: &Fields, shape: Option<Shape>) -> Result<Fields, PatchError> {
    match Directive::of(patch)? {
        Directive::Replace => return Ok(plain_fields(patch)),
        Directive::Delete => return Ok(Fields::new()),
        Directive::Merge => retain_keys(&mut original, patch)?,
    }
    for name in patched_names(patch) {
        let shape = shape.and_then(|shape| shape.field(name).or_else(|| shape.item()));
        let found = original.remove(name);
        let merged = merge_field(found, name, patch, shape)?;
        original.extend(merged.map(|value| (name.to_owned(), value)));
    }
    Ok(original)
}

fn merge_field(
    original: Option<Value>,
    name: &str,
    patch: &Fields,
    shape: Option<Shape>,
) -> Result<Option<Value>, PatchError> {
    let directives = ListPatch::of(name, patch, shape)?;
    let order_before = match &original {
        Some(Value::Array(items)) if directives.has_order() => items.clone(),
        _ => Vec::new(),
    };
    let merged = match patch.get(name) {
        None => original,
        Some(Value::Null) => None,
        Some(value) => merge_value(original, value, shape)?,
    };
    Ok(match merged {
        Some(Value::Array(items)) => Some(Value::Array(directives.carry_out(items, &order_before)?)),
        other => other,
    })
}

fn merge_value(
    original: Option<Value>,
    patch: &Value,
    shape: Option<Shape>,
) -> Result<Option<Value>, PatchError> {
    match (original, patch) {
        (Some(Value::Object(original)), Value::Object(patch)) => {
            merge_map(original, patch, shape).map(|fields| Some(Value::Object(fields)))
        }
        (Some(Value::Array(original)), Value::Array(patch)) => {
            merge_list(original, patch, shape).map(|items| Some(Value::Array(items)))
        }
        _ => Ok(plain(patch)),
    }
}

/// A list of the object and the one of the patch, merged as the type says.
fn merge_list(original: Vec<Value>, patch: &[Value], shape: Option<Shape>) -> Result<Vec<Value>, PatchError> {
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
