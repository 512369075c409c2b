//! The directives that a map of a patch has, and what is left of a patch without them.
//!
//! Nulls and directives say what shall become of a value; neither stands in the result.

use serde_json::{Map, Value};

use crate::machinery::patch::error::PatchError;

pub(super) type Fields = Map<String, Value>;

pub(super) const DIRECTIVE: &str = "$patch";
pub(super) const RETAIN_KEYS: &str = "$retainKeys";
pub(super) const DELETE_FROM_LIST: &str = "$deleteFromPrimitiveList/";
pub(super) const ELEMENT_ORDER: &str = "$setElementOrder/";

/// What a `$patch` directive says.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Directive {
    Merge,
    Replace,
    Delete,
}

impl Directive {
    pub(super) fn of(patch: &Fields) -> Result<Self, PatchError> {
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

/// The fields that a patch says something about, by value or by directive, each once.
pub(super) fn patched_names(patch: &Fields) -> impl Iterator<Item = &str> {
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

/// Keeps in `original` what the patch's `$retainKeys` names, if it has one.
pub(super) fn retain_keys(original: &mut Fields, patch: &Fields) -> Result<(), PatchError> {
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
pub(super) fn plain(patch: &Value) -> Option<Value> {
    match patch {
        Value::Null => None,
        Value::Object(fields) if fields.get(DIRECTIVE).is_some_and(|directive| directive == "delete") => None,
        Value::Object(fields) => Some(Value::Object(plain_fields(fields))),
        Value::Array(items) => Some(items.iter().filter_map(plain).collect()),
        other => Some(other.clone()),
    }
}

pub(super) fn plain_fields(patch: &Fields) -> Fields {
    let is_directive = |key: &str| {
        key == DIRECTIVE
            || key == RETAIN_KEYS
            || key.starts_with(DELETE_FROM_LIST)
            || key.starts_with(ELEMENT_ORDER)
    };
    let fields = patch.iter().filter(|(key, _)| !is_directive(key));
    fields.filter_map(|(key, value)| Some((key.clone(), plain(value)?))).collect()
}
