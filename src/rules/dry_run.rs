//! The errors that the API would report for a new object, without a server.
//!
//! The steps are those of a create: defaulting, strategy and validation, on a copy. What depends on
//! other objects (does the namespace exist, is the address free) is not checked.

use crate::objects::{FieldError, Typed};
use crate::rules::{defaulting, strategy, validation};

/// The rules that creating `new`, as its user wrote it, would break.
pub fn create(new: &Typed) -> Vec<FieldError> {
    let mut copy = new.clone();
    defaulting::default(&mut copy);
    strategy::prepare_for_create(&mut copy);
    validation::validate_create(&copy)
}
