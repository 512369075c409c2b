//! Manifests: YAML and JSON text to objects, every mistake with its file and line.
//!
//! ```text
//!  text ─► split ─► tree (nodes with lines) ─► object: kind, schema, decode ─► check of the caller
//!                     │ scalar                     │ mistakes                    │ mistakes
//! ```
//!
//! One mistake never hides another: a document that is not YAML is skipped up to the next `---`, and
//! the rest of an object with a wrong field is still checked. Objects of kinds that Kubernetes has and
//! this server does not serve are no mistakes: they are listed apart ([`Skipped`]). The structure and the lines come from
//! `saphyr-parser`; `serde_yaml`, which is used nowhere else, decides what a plain scalar means. As
//! kubectl does, a number with a leading zero is read as octal.
//!
//! Text is not trusted: [`TEXT_LENGTH_MAX`] and the other bounds limit what is read of it, and going
//! beyond one of them is a mistake like others.

mod builder;
mod kinds;
mod known;
mod limits;
mod object;
mod path;
mod reader;
mod scalar;
mod split;
mod strictness;
mod structure;
mod template;
mod tree;

pub use limits::{MESSAGE_LENGTH_MAX, MISTAKES_MAX, NESTING_MAX, NODES_MAX, OBJECTS_MAX, TEXT_LENGTH_MAX};
pub use strictness::{Check, Strictness};

use std::fmt;
use std::rc::Rc;

use serde_json::Value;

use crate::objects::Typed;
use reader::Reader;
use split::Chunk;
use tree::{Fault, Flaw, Node};

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

/// Something wrong in a manifest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// The name of the file.
    pub file: String,
    /// The document within the file, counted from 1.
    pub document: usize,
    /// The line, counted from 1.
    pub line: usize,
    /// The object, as `StatefulSet "web"`; empty if it is not known.
    pub object: String,
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
    /// The object, as `PodDisruptionBudget "web"`.
    pub object: String,
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
        Self { file, document, line, object, path: "kind".to_owned(), message }
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

/// Reads all objects of a text: several documents, JSON, lists. Objects of namespaced kinds that
/// name no namespace are put into `default_namespace`.
pub fn parse(file: &str, text: &str, default_namespace: &str, strictness: Strictness) -> Manifest {
    let mut reader = Reader::new(file, default_namespace, strictness);
    if let Err(message) = each_document(text, |document| reader.read(document)) {
        reader.report(1, 1, message);
    }
    reader.finish()
}

/// Reads a text that holds one document, for example a configuration file. An empty text is null.
pub fn yaml_to_value(file: &str, text: &str) -> Result<Value, Mistake> {
    let mistake = |document, line, path, message| {
        let (file, object) = (file.to_owned(), String::new());
        Mistake { file, document, line, object, path, message }
    };
    let mut read = Ok(None);
    let ended = each_document(text, |document| {
        let before = std::mem::replace(&mut read, Ok(None));
        read = before.and_then(|before| {
            let number = document.number;
            let root = document.root.map_err(|(line, message)| mistake(number, line, "".into(), message))?;
            if before.is_some() {
                let message = "there must be only one document".into();
                return Err(mistake(number, root.line, "".into(), message));
            }
            match path::duplicate_keys(&root).into_iter().next() {
                Some(Flaw { line, path, message }) => Err(mistake(number, line, path, message)),
                None => Ok(Some(root.to_value())),
            }
        });
    });
    ended.map_err(|message| mistake(1, 1, "".into(), message))?;
    Ok(read?.unwrap_or_default())
}

/// One document that is not empty.
struct Document<'a> {
    number: usize,
    root: Result<Rc<Node>, Fault>,
    /// Its lines that may be those of a template.
    template_lines: &'a [usize],
}

/// Reads one document of a text after another, without those that are empty, each or the mistake that
/// prevents it.
fn each_document(text: &str, mut take: impl FnMut(Document<'_>)) -> Result<(), String> {
    if text.len() > TEXT_LENGTH_MAX {
        return Err(format!("the text has {} bytes, at most {TEXT_LENGTH_MAX} are read", text.len()));
    }
    let text = split::normalize(text);
    let (mut number, mut n_nodes_left) = (0, NODES_MAX);
    for Chunk { line, text } in split::chunks(&text) {
        let template_lines = template::lines(&text, line);
        for root in builder::read(&text, line, &mut n_nodes_left) {
            number += 1;
            if number > OBJECTS_MAX {
                return Err(too_many());
            }
            if !root.as_ref().is_ok_and(|root| root.is_null()) {
                take(Document { number, root, template_lines: &template_lines });
            }
        }
    }
    Ok(())
}

fn too_many() -> String {
    format!("there are more than {OBJECTS_MAX} objects, the most that is read of one file; split it")
}

#[cfg(test)]
mod tests;
