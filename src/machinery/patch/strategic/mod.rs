//! Strategic merge patch: a merge patch in which lists merge item by item.
//!
//! The types say which lists do, and which field identifies their items (see
//! [`merge_keys`](crate::machinery::merge_keys)); other lists are replaced. Directives in the patch
//! say what values cannot:
//!
//! - `$patch: replace | delete | merge` in a map or in an item of a list;
//! - `$retainKeys: [a, b]`: the map loses all other keys;
//! - `$deleteFromPrimitiveList/x: [v]`: the list `x` loses these values;
//! - `$setElementOrder/x: [...]`: the order of the list `x` after the merge.
//!
//! At its limits: fields that the type does not have are merged as in a merge patch; a directive
//! of the wrong form is an error. Nulls and directives never reach the result.

mod directive;
mod list;
mod merge;
mod order;

pub use merge::strategic_merge_patch;

#[cfg(test)]
mod tests;
