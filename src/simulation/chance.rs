//! Randomness without a sequence: the same question gets the same answer, whatever was asked before.
//!
//! Dropping an entry from a history therefore leaves all other random choices as they were, which is
//! what makes shrinking work.

use std::hash::{DefaultHasher, Hash, Hasher};

/// A number that follows from `what`; the same in every run of the same build.
pub(super) fn number(what: &impl Hash) -> u64 {
    // The keys of this hasher are fixed, unlike those of `RandomState`.
    let mut hasher = DefaultHasher::new();
    what.hash(&mut hasher);
    hasher.finish()
}

/// True for `permille` of a thousand.
pub(super) fn chance(what: &impl Hash, permille: u64) -> bool {
    number(what) % 1000 < permille
}
