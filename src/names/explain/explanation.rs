//! An explanation: a cause, a sentence, and the objects that it is about.
//!
//! The sentence is for people, the cause for metrics, the objects for tools.

use super::cause::Cause;
use crate::objects::ObjectKey;

/// Why a name has no records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// The kind of cause.
    pub cause: Cause,
    /// The sentence, of any length.
    pub text: String,
    /// The objects that it is about, whether they exist or not.
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
