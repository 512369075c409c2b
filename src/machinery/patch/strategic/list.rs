//! The directives that a patch has for one list: what is removed from it, and its order.
//!
//! A patch that gives an order names its items in that order; one that does not is malformed.

use serde_json::Value;

use super::directive::{DELETE_FROM_LIST, DIRECTIVE, ELEMENT_ORDER, Fields};
use super::order::{in_order, name_of, positions};
use crate::machinery::merge_keys::Shape;
use crate::machinery::patch::error::PatchError;

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
