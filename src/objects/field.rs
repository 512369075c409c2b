//! Input errors as values: a path into the object, what is wrong there, and what to do.
//!
//! The texts are those of Kubernetes' `field.Error`
//! (apimachinery, `pkg/util/validation/field`).

/// One broken rule of one field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldError {
    /// The path, for example `spec.template.spec.containers[0].name`.
    pub path: String,
    /// The sort of mistake.
    pub fault: Fault,
    /// What is wrong, in words; may be empty.
    pub detail: String,
}

/// The sort of mistake, with the offending value where Kubernetes prints it (already as JSON:
/// strings quoted, numbers bare).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// `Required value`
    Required,
    /// `Invalid value: …`
    Invalid(String),
    /// `Unsupported value: …`
    NotSupported(String),
    /// `Forbidden`
    Forbidden,
    /// `Duplicate value: …`
    Duplicate(String),
    /// `Too long`
    TooLong,
    /// `Not found: …`
    NotFound(String),
}

impl std::fmt::Display for FieldError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: ", self.path)?;
        match &self.fault {
            Fault::Required => f.write_str("Required value")?,
            Fault::Invalid(value) => write!(f, "Invalid value: {value}")?,
            Fault::NotSupported(value) => write!(f, "Unsupported value: {value}")?,
            Fault::Forbidden => f.write_str("Forbidden")?,
            Fault::Duplicate(value) => write!(f, "Duplicate value: {value}")?,
            Fault::TooLong => f.write_str("Too long")?,
            Fault::NotFound(value) => write!(f, "Not found: {value}")?,
        }
        if self.detail.is_empty() { Ok(()) } else { write!(f, ": {}", self.detail) }
    }
}
