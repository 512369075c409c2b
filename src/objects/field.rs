//! Validation errors as values: the path of the field, what is wrong with it, and what to do.
//!
//! The texts are those of Kubernetes' `field.Error`
//! (apimachinery, `pkg/util/validation/field`). A [`Path`] is a chain of borrowed steps that is
//! only written out when an error is made, so that checking a good object costs no memory.

use serde_json::Value;

/// One broken rule of one field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldError {
    /// The path, for example `spec.template.spec.containers[0].name`.
    pub path: String,
    /// The type of the error.
    pub fault: Fault,
    /// What is wrong, in words; may be empty.
    pub detail: String,
}

/// The type of an error, with the offending value where Kubernetes prints it (already as JSON:
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

/// The path of a field: a chain of names, list indices and map keys.
#[derive(Clone, Copy, Debug)]
pub struct Path<'a> {
    parent: Option<&'a Path<'a>>,
    step: Step<'a>,
}

#[derive(Clone, Copy, Debug)]
enum Step<'a> {
    Name(&'a str),
    Index(usize),
    Key(&'a str),
}

impl<'a> Path<'a> {
    /// The path of a top-level field; dotted names are several steps at once.
    pub const fn root(name: &'a str) -> Self {
        Self { parent: None, step: Step::Name(name) }
    }

    /// The path of a field; dotted names are several steps at once.
    pub const fn child(&'a self, name: &'a str) -> Path<'a> {
        Path { parent: Some(self), step: Step::Name(name) }
    }

    /// The path of a list's item.
    pub const fn index(&'a self, index: usize) -> Path<'a> {
        Path { parent: Some(self), step: Step::Index(index) }
    }

    /// The path of a map's entry.
    pub const fn key(&'a self, key: &'a str) -> Path<'a> {
        Path { parent: Some(self), step: Step::Key(key) }
    }

    /// `Required value`
    pub fn required(&self, detail: &str) -> FieldError {
        self.error(Fault::Required, detail)
    }

    /// `Invalid value: …`
    pub fn invalid(&self, value: impl Into<Value>, detail: &str) -> FieldError {
        self.error(Fault::Invalid(value.into().to_string()), detail)
    }

    /// `Unsupported value: …: supported values: …`
    pub fn not_supported(&self, value: &str, supported: &[&str]) -> FieldError {
        let supported: Vec<String> = supported.iter().map(|value| format!("\"{value}\"")).collect();
        let detail = format!("supported values: {}", supported.join(", "));
        self.error(Fault::NotSupported(Value::from(value).to_string()), &detail)
    }

    /// `Forbidden`
    pub fn forbidden(&self, detail: &str) -> FieldError {
        self.error(Fault::Forbidden, detail)
    }

    /// `Duplicate value: …`
    pub fn duplicate(&self, value: impl Into<Value>) -> FieldError {
        self.error(Fault::Duplicate(value.into().to_string()), "")
    }

    /// `Too long: may not be more than … bytes`
    pub fn too_long(&self, n_bytes_max: usize) -> FieldError {
        self.error(Fault::TooLong, &format!("may not be more than {n_bytes_max} bytes"))
    }

    /// `Not found: …`
    pub fn not_found(&self, value: &str) -> FieldError {
        self.error(Fault::NotFound(Value::from(value).to_string()), "")
    }

    fn error(&self, fault: Fault, detail: &str) -> FieldError {
        FieldError { path: self.to_string(), fault, detail: detail.to_owned() }
    }
}

impl std::fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if let Some(parent) = self.parent {
            write!(f, "{parent}")?;
        }
        match self.step {
            Step::Name(name) if self.parent.is_some() => write!(f, ".{name}"),
            Step::Name(name) => f.write_str(name),
            Step::Index(index) => write!(f, "[{index}]"),
            Step::Key(key) => write!(f, "[{key}]"),
        }
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_read_as_kubernetes_prints_them() {
        let spec = Path::root("spec");
        let containers = spec.child("template.spec.containers");
        let container = containers.index(0);
        let cases = [
            (
                spec.child("replicas").invalid(-1, "must be greater than or equal to 0"),
                "spec.replicas: Invalid value: -1: must be greater than or equal to 0",
            ),
            (container.child("name").required(""), "spec.template.spec.containers[0].name: Required value"),
            (
                spec.child("type").not_supported("X", &["A", "B"]),
                "spec.type: Unsupported value: \"X\": supported values: \"A\", \"B\"",
            ),
            (spec.key("a/b").duplicate("x"), "spec[a/b]: Duplicate value: \"x\""),
            (spec.forbidden("no"), "spec: Forbidden: no"),
            (spec.too_long(63), "spec: Too long: may not be more than 63 bytes"),
            (spec.not_found("data"), "spec: Not found: \"data\""),
        ];
        for (error, expected) in cases {
            assert_eq!(error.to_string(), expected);
        }
    }
}
