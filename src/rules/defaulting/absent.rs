//! Fields that are absent, or have a value that the API does not distinguish from absent.
//!
//! Kubernetes keeps many fields as plain values, for which empty and zero mean "not set".

/// Sets a string that is absent or empty.
pub(super) fn set(field: &mut Option<String>, value: &str) {
    if field.as_deref().is_none_or(str::is_empty) {
        *field = Some(value.to_owned());
    }
}

/// Sets a number that is absent or zero, which Kubernetes does not distinguish in this field.
pub(super) fn set_number(field: &mut Option<i32>, value: i32) {
    if field.is_none_or(|present| present == 0) {
        *field = Some(value);
    }
}

/// Unsets a value that the API does not distinguish from absent.
pub(super) fn drop_zero<T: Default + PartialEq>(field: &mut Option<T>) {
    if field.as_ref() == Some(&T::default()) {
        *field = None;
    }
}
