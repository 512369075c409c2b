//! Validation, as the Kubernetes API does it after defaulting.

use super::{FieldError, Typed};

/// The rules a new object breaks.
pub fn validate_create(_new: &Typed) -> Vec<FieldError> {
    Vec::new()
}

/// The rules that changing `old` to `new` breaks, those of `new` itself included.
pub fn validate_update(_new: &Typed, _old: &Typed) -> Vec<FieldError> {
    Vec::new()
}

/// The rules that changing the status of `old` to that of `new` breaks.
pub fn validate_status_update(_new: &Typed, _old: &Typed) -> Vec<FieldError> {
    Vec::new()
}
