//! Manifests: YAML and JSON text to objects, every mistake with its file and line.
//!
//! ```text
//!  text ─► split ─► tree (nodes with lines) ─► object: kind, schema, decode ─► check of the caller
//!                     │ scalar                     │ mistakes                    │ mistakes
//! ```
//!
//! One mistake never hides another: a document that is not YAML is skipped up to the next `---`, and
//! the rest of an object with a wrong field is still checked. The structure and the lines come from
//! `saphyr-parser`; `serde_yaml`, which is used nowhere else, decides what a plain scalar means. As
//! kubectl does, a number with a leading zero is read as octal.
//!
//! Text is not trusted: [`TEXT_LENGTH_MAX`] and the other bounds limit what is read of it, and going
//! beyond one of them is a mistake like others.

mod builder;
mod kinds;
mod limits;
mod object;
mod path;
mod scalar;
mod split;
mod strictness;
mod structure;
mod tree;

pub use limits::{DOCUMENTS_MAX, MESSAGE_LENGTH_MAX, MISTAKES_MAX, NESTING_MAX, NODES_MAX, TEXT_LENGTH_MAX};
pub use strictness::{Check, Strictness};

use std::collections::HashMap;
use std::fmt;

use serde_json::Value;

use crate::objects::{ObjectKey, Typed};
use split::Chunk;
use tree::{Form, Node};

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
    /// What is wrong, beginning with the object.
    pub message: String,
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.file, self.line, self.message)
    }
}

impl std::error::Error for Mistake {}

/// The content of a text.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Manifest {
    /// The objects without a mistake, in the order of the text.
    pub objects: Vec<Located>,
    /// Every mistake, in the order of the lines.
    pub mistakes: Vec<Mistake>,
}

/// Reads all objects of a text: several documents, JSON, lists. Objects of namespaced kinds that
/// name no namespace are put into `default_namespace`.
pub fn parse(file: &str, text: &str, default_namespace: &str, strictness: Strictness) -> Manifest {
    let mut reader =
        Reader { file, default_namespace, strictness, known: HashMap::new(), manifest: Manifest::default() };
    match documents(text) {
        Ok(documents) => documents.into_iter().for_each(|document| reader.read(document)),
        Err(message) => reader.report(1, 1, message),
    }
    let mut manifest = reader.manifest;
    manifest.mistakes.sort_by_key(|mistake| mistake.line);
    shorten(&mut manifest.mistakes);
    manifest
}

/// Reads a text that holds one document, for example a configuration file. An empty text is null.
pub fn yaml_to_value(file: &str, text: &str) -> Result<Value, Mistake> {
    let mistake = |document, line, message| Mistake { file: file.to_owned(), document, line, message };
    let documents = documents(text).map_err(|message| mistake(1, 1, message))?;
    let mut value = Value::Null;
    for (index, document) in documents.into_iter().enumerate() {
        let root = document.root.map_err(|(line, message)| mistake(document.number, line, message))?;
        if index > 0 {
            return Err(mistake(document.number, root.line, "there must be only one document".into()));
        }
        if let Some((line, message)) = path::duplicate_keys(&root).into_iter().next() {
            return Err(mistake(document.number, line, message));
        }
        value = root.to_value();
    }
    Ok(value)
}

/// One document that is not empty.
struct Document {
    number: usize,
    root: Result<std::rc::Rc<Node>, (usize, String)>,
}

/// The documents of a text that are not empty, each read or with the mistake that prevents it.
fn documents(text: &str) -> Result<Vec<Document>, String> {
    if text.len() > TEXT_LENGTH_MAX {
        return Err(format!("the text has {} bytes, at most {TEXT_LENGTH_MAX} are read", text.len()));
    }
    let text = split::normalize(text);
    let mut documents = Vec::new();
    let (mut number, mut n_nodes_left) = (0, NODES_MAX);
    for Chunk { line, text } in split::chunks(&text) {
        for root in builder::read(&text, line, &mut n_nodes_left) {
            number += 1;
            if number > DOCUMENTS_MAX {
                return Err(format!("there are more than {DOCUMENTS_MAX} documents"));
            }
            if !root.as_ref().is_ok_and(|root| root.is_null()) {
                documents.push(Document { number, root });
            }
        }
    }
    Ok(documents)
}

fn shorten(mistakes: &mut Vec<Mistake>) {
    let n_more = mistakes.len().saturating_sub(MISTAKES_MAX);
    if n_more > 0 {
        mistakes.truncate(MISTAKES_MAX);
        let mut last = mistakes[MISTAKES_MAX - 1].clone();
        last.message = format!("there are {n_more} more mistakes");
        mistakes.push(last);
    }
}

/// Collects the objects and mistakes of the documents of a text.
struct Reader<'a> {
    file: &'a str,
    default_namespace: &'a str,
    strictness: Strictness,
    /// The line on which each object was first written.
    known: HashMap<ObjectKey, usize>,
    manifest: Manifest,
}

impl Reader<'_> {
    fn report(&mut self, document: usize, line: usize, mut message: String) {
        if message.len() > MESSAGE_LENGTH_MAX {
            let is_boundary = |end: &usize| message.is_char_boundary(*end);
            let end = (0..=MESSAGE_LENGTH_MAX).rev().find(is_boundary).unwrap_or_default();
            message.truncate(end);
            message.push('…');
        }
        self.manifest.mistakes.push(Mistake { file: self.file.to_owned(), document, line, message });
    }

    fn read(&mut self, document: Document) {
        match document.root {
            Err((line, message)) => self.report(document.number, line, message),
            Ok(root) => self.read_root(document.number, &root, None),
        }
    }

    /// Reads an object, or a list of objects, which may be lists again. `within` is the `apiVersion`
    /// and the kind that the enclosing list gives its items.
    fn read_root(&mut self, document: usize, node: &Node, within: Option<&(String, String)>) {
        let Form::Map(_) = &node.form else {
            let message = format!("expected an object, got {}", node.form.what());
            return self.report(document, node.line, message);
        };
        match object::list_items(node) {
            None => self.read_object(document, node, within),
            Some(Err((line, message))) => self.report(document, line, message),
            Some(Ok((within, items))) => {
                for item in items {
                    self.read_root(document, item, within.as_ref());
                }
            }
        }
    }

    fn read_object(&mut self, document: usize, node: &Node, within: Option<&(String, String)>) {
        let read = object::read(node, within, self.default_namespace, self.strictness);
        let is_flawless = read.mistakes.is_empty();
        for (line, message) in read.mistakes {
            self.report(document, line, format!("{}: {message}", read.title));
        }
        let Some(typed) = read.typed else { return };
        if let Some(first) = self.known.get(&ObjectKey::of(&typed)) {
            let message = format!("{}: is defined twice (first on line {first})", read.title);
            return self.report(document, node.line, message);
        }
        self.known.insert(ObjectKey::of(&typed), node.line);
        if is_flawless {
            let source = Source { file: self.file.to_owned(), document, line: node.line };
            self.manifest.objects.push(Located { typed, source });
        }
    }
}

#[cfg(test)]
mod tests;
