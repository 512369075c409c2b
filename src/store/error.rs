//! Errors of the store, one variant for each status reason of the Kubernetes API.

use std::error::Error;

use super::event::Gone;
use crate::objects::{FieldError, ObjectKey};

/// Why a store call failed. Nothing was changed, unless the backend cannot say.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// No such object (404 NotFound).
    #[error("{0} not found")]
    NotFound(ObjectKey),
    /// An object of that key exists (409 AlreadyExists).
    #[error("{0} already exists")]
    AlreadyExists(ObjectKey),
    /// The object is not the one, or not the version, that the caller means (409 Conflict).
    #[error("operation cannot be fulfilled on {key}: {reason}")]
    Conflict {
        /// The object.
        key: ObjectKey,
        /// What differs.
        reason: String,
    },
    /// Validation failed (422 Invalid).
    #[error("{key} is invalid: {}", join(.errors))]
    Invalid {
        /// The object.
        key: ObjectKey,
        /// What is wrong, one entry for each field.
        errors: Vec<FieldError>,
    },
    /// The write is not allowed (403 Forbidden), for example in a terminating namespace.
    #[error("{} \"{}\" is forbidden: {reason}", key.kind.resource(), key.name)]
    Forbidden {
        /// The object.
        key: ObjectKey,
        /// Why.
        reason: String,
    },
    /// The history does not reach back that far (410 Gone).
    #[error(transparent)]
    Gone(#[from] Gone),
    /// No address or port is left (500).
    #[error("{0}")]
    Exhausted(String),
    /// The backend could not write, or cannot say whether it did (500).
    #[error("the store cannot write: {0}")]
    Backend(#[source] Box<dyn Error + Send + Sync>),
}

impl StoreError {
    /// Fails if validation found errors.
    pub(super) fn unless_valid(key: &ObjectKey, errors: Vec<FieldError>) -> Result<(), Self> {
        if errors.is_empty() { Ok(()) } else { Err(Self::Invalid { key: key.clone(), errors }) }
    }

    /// Whether the object is missing.
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::NotFound(_))
    }

    /// Whether a precondition failed.
    pub fn is_conflict(&self) -> bool {
        matches!(self, Self::Conflict { .. })
    }

    /// Whether an object of that key exists.
    pub fn is_already_exists(&self) -> bool {
        matches!(self, Self::AlreadyExists(_))
    }
}

/// Several field errors as Kubernetes prints them: one plain, more than one in brackets.
fn join(errors: &[FieldError]) -> String {
    let texts: Vec<String> = errors.iter().map(ToString::to_string).collect();
    match texts.as_slice() {
        [only] => only.clone(),
        all => format!("[{}]", all.join(", ")),
    }
}
