//! The order of the items of a merged list.
//!
//! Items that the patch names stand in the patch's order, items that only the object has keep
//! theirs; where the two meet, the object's order decides, and a new item goes before those that
//! only the object has. That is Kubernetes' rule, and why a container that is added by a patch
//! without `$setElementOrder` becomes the first.

use std::collections::HashMap;

use serde_json::Value;

use crate::machinery::patch::error::PatchError;

/// What tells an item from others: its key's value, or itself; numbers and texts that read alike
/// are the same.
pub(super) fn name_of(item: &Value, key: Option<&str>) -> String {
    let value = key.map_or(Some(item), |key| item.get(key));
    match value {
        Some(Value::String(text)) => text.clone(),
        Some(value) => value.to_string(),
        None => String::new(),
    }
}

pub(super) fn positions(items: &[Value], key: Option<&str>) -> HashMap<String, usize> {
    let mut positions = HashMap::with_capacity(items.len());
    for (index, item) in items.iter().enumerate() {
        positions.entry(name_of(item, key)).or_insert(index);
    }
    positions
}

/// The items, those named in `order` in that order, the others as in `before`.
pub(super) fn in_order(
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
