//! What cells of many kinds share: what stands for nothing, and lists that are cut.
//!
//! The words are those of Kubernetes' printers; kubectl shows them as they are.

pub(super) const NONE: &str = "<none>";
pub(super) const UNSET: &str = "<unset>";
pub(super) const UNKNOWN: &str = "<unknown>";
/// Lists in cells show so many items and count the rest.
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

/// The text, or what stands for there being none.
pub(super) fn or<'a>(text: Option<&'a str>, when_empty: &'a str) -> &'a str {
    text.filter(|text| !text.is_empty()).unwrap_or(when_empty)
}
