//! Manifests: YAML and JSON text to objects, every mistake with its file and line.
//!
//! ```text
//!  text ─► split ─► tree (nodes with lines) ─► object: kind, schema, decode ─► check of the caller
//!                     │ scalar                     │ mistakes                    │ mistakes
//! ```
//!
//! One mistake never hides another: a document that is not YAML is skipped up to the next `---`, and
//! the rest of an object with a wrong field is still checked. Objects of kinds that Kubernetes has and
//! this server does not serve are no mistakes: they are listed apart ([`Skipped`]). The structure and
//! the lines come from `saphyr-parser`; `serde_yaml`, which is used nowhere else, decides what a plain
//! scalar means. As kubectl does, a number with a leading zero is read as octal.
//!
//! Text is not trusted: [`TEXT_LENGTH_MAX`] and the other bounds limit what is read of it, and going
//! beyond one of them is a mistake like others.

mod builder;
mod content;
mod documents;
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

pub use content::{Located, Manifest, Mistake, Skipped, Source, Title};
pub use limits::{MESSAGE_LENGTH_MAX, MISTAKES_MAX, NESTING_MAX, NODES_MAX, OBJECTS_MAX, TEXT_LENGTH_MAX};
pub use strictness::{Check, Strictness};

use serde_json::Value;

use documents::each_document;
use reader::Reader;
use tree::Flaw;

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
    let mistake = |document, line, path, message| Mistake {
        file: file.to_owned(),
        document,
        line,
        object: None,
        path,
        message,
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

#[cfg(test)]
mod tests;
