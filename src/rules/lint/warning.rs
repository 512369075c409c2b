//! A warning: the field it is about, what will happen, and how to fix it.
//!
//! Clients see it as a `Warning` header, `check` prints it with its file and line.

/// One warning.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    /// The field it is about (`spec.serviceName`).
    pub path: String,
    /// What will happen, and how to fix it.
    pub text: String,
}

impl std::fmt::Display for Warning {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.path, self.text)
    }
}

pub(super) fn warn(warnings: &mut Vec<Warning>, path: &str, text: String) {
    warnings.push(Warning { path: path.to_owned(), text });
}
