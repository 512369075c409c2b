//! What a text holds: objects and where they are, mistakes, and objects that are skipped.

use std::fmt;

use crate::objects::{ObjectKey, Typed};

/// Where an object was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// The name of the file.
    pub file: String,
    /// The document within the file, counted from 1.
    pub document: usize,
    /// The first line of the object, counted from 1.
    pub line: usize,
}

/// An object and where it was written.
#[derive(Clone, Debug, PartialEq)]
pub struct Located {
    /// The object as written, with the namespace filled in if its kind has one; not defaulted.
    pub typed: Typed,
    /// Where it was written.
    pub source: Source,
}

/// What an object is called, as far as its text says so.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Title {
    /// Its kind.
    pub kind: Option<String>,
    /// Its namespace, if it has one.
    pub namespace: Option<String>,
    /// Its name.
    pub name: Option<String>,
}

impl fmt::Display for Title {
    /// `StatefulSet "web"`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind.as_deref().unwrap_or("object"))?;
        self.name.as_ref().map_or(Ok(()), |name| write!(f, " \"{name}\""))
    }
}

impl From<&ObjectKey> for Title {
    fn from(key: &ObjectKey) -> Self {
        let namespace = Some(key.namespace.clone()).filter(|namespace| !namespace.is_empty());
        Self { kind: Some(key.kind.to_string()), namespace, name: Some(key.name.clone()) }
    }
}

/// Something wrong in a manifest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// The name of the file.
    pub file: String,
    /// The document within the file, counted from 1.
    pub document: usize,
    /// The line, counted from 1.
    pub line: usize,
    /// The object; `None` if it is about none.
    pub object: Option<Box<Title>>,
    /// The field; empty if it is about more than one.
    pub path: String,
    /// What is wrong, beginning with the object and the field.
    pub message: String,
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.file, self.line, self.message)
    }
}

impl std::error::Error for Mistake {}

/// An object of a kind that Kubernetes has and this server does not serve.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Skipped {
    /// Where it was written; the line is that of its kind.
    pub source: Source,
    /// The object.
    pub object: Title,
    /// Its `apiVersion`.
    pub api_version: String,
}

impl fmt::Display for Skipped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Source { file, line, .. } = &self.source;
        write!(f, "{file}:{line}: {}", self.message())
    }
}

impl Skipped {
    /// What is told of it, without its place.
    pub fn message(&self) -> String {
        format!("{} ({}) is not served here; skipped", self.object, self.api_version)
    }
}

impl From<Skipped> for Mistake {
    /// For those who want every object to be served.
    fn from(skipped: Skipped) -> Self {
        let Skipped { source: Source { file, document, line }, object, api_version } = skipped;
        let message = format!("{object} ({api_version}) is not served here");
        Self { file, document, line, object: Some(Box::new(object)), path: "kind".to_owned(), message }
    }
}

/// The content of a text.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Manifest {
    /// The objects without a mistake, in the order of the text.
    pub objects: Vec<Located>,
    /// The objects of kinds that are not served, in the order of the text.
    pub skipped: Vec<Skipped>,
    /// Every mistake, in the order of the lines.
    pub mistakes: Vec<Mistake>,
}
