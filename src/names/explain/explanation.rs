//! What comes out: a cause, a sentence, and the objects that it is about.
//!
//! The sentence is for people, the cause for counting, the objects for following up.

use super::cause::Cause;
use crate::objects::ObjectKey;

/// Why a name has no records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// The kind of cause.
    pub cause: Cause,
    /// The sentence, not cut.
    pub text: String,
    /// The objects that were looked at, and of which there may be none.
    pub looked_at: Vec<ObjectKey>,
}

impl Explanation {
    pub(super) fn new(cause: Cause, text: impl Into<String>) -> Self {
        Self { cause, text: text.into(), looked_at: Vec::new() }
    }

    pub(super) fn after(mut self, keys: &[ObjectKey]) -> Self {
        self.looked_at = keys.iter().chain(&self.looked_at).cloned().collect();
        self
    }
}
