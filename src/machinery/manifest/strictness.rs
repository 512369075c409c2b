//! How strictly a manifest is read.
//!
//! Manifests know no rules of single kinds: the caller brings the function that checks an object, such
//! as `rules::dry_run::create` for the errors that the API would report.

use crate::objects::{FieldError, Typed};

/// The rules that an object breaks, with the paths of its fields.
pub type Check = fn(&Typed) -> Vec<FieldError>;

/// How strictly a manifest is read.
#[derive(Clone, Copy, Debug)]
pub enum Strictness {
    /// Unknown fields and whatever the check reports are mistakes.
    Strict(Check),
    /// Only the structure must decode; for objects that come from another source of truth.
    AsIs,
}

impl Strictness {
    pub(super) fn is_strict(self) -> bool {
        matches!(self, Self::Strict(_))
    }
}
