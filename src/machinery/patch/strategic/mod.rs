//! Strategic merge patch: a merge patch in which lists merge item by item.
//!
//! Which lists do, and by which field their items are told apart, the types say
//! ([`Shape`]); other lists are replaced. Directives in the patch say what a value cannot:
//!
//! - `$patch: replace | delete | merge` in a map or in an item of a list;
//! - `$retainKeys: [a, b]`: the map loses all other keys;
//! - `$deleteFromPrimitiveList/x: [v]`: the list `x` loses these values;
//! - `$setElementOrder/x: [...]`: the order of the list `x` after the merge.
//!
//! At its limits: fields that the type does not have are merged as in a merge patch; a directive
//! of the wrong form is an error. Nulls and directives never reach the result.

use serde_json::{Map, Value};

use self::list::ListPatch;
use super::PatchError;
use crate::machinery::merge_keys::Shape;
use crate::objects::Kind;

mod list;
#[cfg(test)]
mod tests;

type Fields = Map<String, Value>;

const DIRECTIVE: &str = "$patch";
const RETAIN_KEYS: &str = "$retainKeys";
const DELETE_FROM_LIST: &str = "$deleteFromPrimitiveList/";
const ELEMENT_ORDER: &str = "$setElementOrder/";

/// The object of `kind` that results from a strategic merge patch.
pub fn strategic_merge_patch(kind: Kind, live: &Value, patch: &Value) -> Result<Value, PatchError> {
    match (live, patch) {
        (Value::Object(live), Value::Object(patch)) => {
            merge_map(live.clone(), patch, Some(Shape::of(kind))).map(Value::Object)
        }
        _ => Err(PatchError::Malformed("invalid JSON document".to_owned())),
    }
}

/// What a `$patch` directive says.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Directive {
    Merge,
    Replace,
    Delete,
}

impl Directive {
    fn of(patch: &Fields) -> Result<Self, PatchError> {
        match patch.get(DIRECTIVE) {
            None => Ok(Self::Merge),
            Some(Value::String(text)) if text == "merge" => Ok(Self::Merge),
            Some(Value::String(text)) if text == "replace" => Ok(Self::Replace),
            Some(Value::String(text)) if text == "delete" => Ok(Self::Delete),
            Some(other) => Err(PatchError::Malformed(format!(
                "unknown patch type {} in map: {}",
                other.as_str().map_or_else(|| other.to_string(), str::to_owned),
                Value::Object(patch.clone()),
            ))),
        }
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

/// The fields that a patch says something about, by value or by directive, each once.
fn patched_names(patch: &Fields) -> impl Iterator<Item = &str> {
    let named = |key: &str, prefix: &str| patch.contains_key(&format!("{prefix}{key}"));
    patch.keys().filter_map(move |key| match key.as_str() {
        DIRECTIVE | RETAIN_KEYS => None,
        key => match (key.strip_prefix(DELETE_FROM_LIST), key.strip_prefix(ELEMENT_ORDER)) {
            (Some(name), _) => (!named(name, "")).then_some(name),
            (_, Some(name)) => (!named(name, "") && !named(name, DELETE_FROM_LIST)).then_some(name),
            (None, None) => Some(key),
        },
    })
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
            list::merge(original, patch, shape).map(|items| Some(Value::Array(items)))
        }
        _ => Ok(plain(patch)),
    }
}

/// Keeps in `original` what the patch's `$retainKeys` names, if it has one.
fn retain_keys(original: &mut Fields, patch: &Fields) -> Result<(), PatchError> {
    let malformed = || PatchError::Malformed("invalid patch format of retainKeys".to_owned());
    let Some(retained) = patch.get(RETAIN_KEYS) else { return Ok(()) };
    let retained = retained.as_array().ok_or_else(malformed)?;
    let is_retained = |key: &str| retained.iter().any(|name| name.as_str() == Some(key));
    let is_stray =
        |(key, value): (&String, &Value)| !key.starts_with('$') && !value.is_null() && !is_retained(key);
    if patch.iter().any(is_stray) {
        return Err(malformed());
    }
    original.retain(|key, _| is_retained(key));
    Ok(())
}

/// A value of a patch as it stands where there was none: without nulls and directives; `None` if
/// it only says that something shall not be.
fn plain(patch: &Value) -> Option<Value> {
    match patch {
        Value::Null => None,
        Value::Object(fields) if fields.get(DIRECTIVE).is_some_and(|directive| directive == "delete") => None,
        Value::Object(fields) => Some(Value::Object(plain_fields(fields))),
        Value::Array(items) => Some(items.iter().filter_map(plain).collect()),
        other => Some(other.clone()),
    }
}

fn plain_fields(patch: &Fields) -> Fields {
    let is_directive = |key: &str| {
        key == DIRECTIVE
            || key == RETAIN_KEYS
            || key.starts_with(DELETE_FROM_LIST)
            || key.starts_with(ELEMENT_ORDER)
    };
    let fields = patch.iter().filter(|(key, _)| !is_directive(key));
    fields.filter_map(|(key, value)| Some((key.clone(), plain(value)?))).collect()
}
