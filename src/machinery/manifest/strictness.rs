//! How strictly a manifest is read.
//!
//! What the fields of a kind may say is not known here: the caller brings the function that checks
//! an object, `rules::dry_run::create` for what the API would refuse.

use crate::objects::{FieldError, Typed};

/// The rules that an object breaks, with the paths of its fields.
pub type Check = fn(&Typed) -> Vec<FieldError>;

/// How strictly a manifest is read.
#[derive(Clone, Copy, Debug)]
pub enum Strictness {
    /// Unknown fields are mistakes, and so is what the check reports.
    Strict(Check),
    /// Only the structure must decode; for objects that come from another source of truth.
    AsIs,
}

impl Strictness {
    pub(super) fn is_strict(self) -> bool {
        matches!(self, Self::Strict(_))
    }
}
