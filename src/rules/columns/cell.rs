//! What the cells of many kinds share: placeholders for absent values, and shortened lists.
//!
//! The words are those of Kubernetes' printers; kubectl shows them as they are.

pub(super) const NONE: &str = "<none>";
pub(super) const UNSET: &str = "<unset>";
pub(super) const UNKNOWN: &str = "<unknown>";
/// The most items of a list that a cell shows; it counts the rest.
pub(super) const ITEMS_SHOWN: usize = 3;

/// The first items, and how many more there are.
pub(super) fn shortened(items: &[String], when_empty: &str) -> String {
    match items.len() {
        0 => when_empty.to_owned(),
        n_items if n_items > ITEMS_SHOWN => {
            format!("{} + {} more...", items[..ITEMS_SHOWN].join(","), n_items - ITEMS_SHOWN)
        }
        _ => items.join(","),
    }
}

/// The text, or the placeholder if there is none.
pub(super) fn or<'a>(text: Option<&'a str>, when_empty: &'a str) -> &'a str {
    text.filter(|text| !text.is_empty()).unwrap_or(when_empty)
}
