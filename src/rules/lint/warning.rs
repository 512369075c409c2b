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
    /// Whether it is about two objects and names both: then the other one has the same warning.
    pub is_mutual: bool,
}

impl std::fmt::Display for Warning {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.path, self.text)
    }
}

pub(super) fn warn(warnings: &mut Vec<Warning>, path: &str, text: String) {
    warnings.push(Warning { path: path.to_owned(), text, is_mutual: false });
}

/// A warning about two objects, in the same words whichever of the two is looked at.
pub(super) fn warn_of_pair(warnings: &mut Vec<Warning>, path: &str, text: String) {
    warnings.push(Warning { path: path.to_owned(), text, is_mutual: true });
}
