//! The documents of a text, read one after another: only one of them is held as a tree.

use std::rc::Rc;

use super::limits::{NODES_MAX, OBJECTS_MAX, TEXT_LENGTH_MAX};
use super::split::{Chunk, chunks, normalize};
use super::tree::{Fault, Node};
use super::{builder, template};

/// One document that is not empty.
pub(super) struct Document<'a> {
    pub(super) number: usize,
    pub(super) root: Result<Rc<Node>, Fault>,
    /// Its lines that may be those of a template.
    pub(super) template_lines: &'a [usize],
}

/// Reads one document of a text after another, without those that are empty, each or the mistake that
/// prevents it.
pub(super) fn each_document(text: &str, mut take: impl FnMut(Document<'_>)) -> Result<(), String> {
    if text.len() > TEXT_LENGTH_MAX {
        return Err(format!("the text has {} bytes, at most {TEXT_LENGTH_MAX} are read", text.len()));
    }
    let text = normalize(text);
    let (mut number, mut n_nodes_left) = (0, NODES_MAX);
    for Chunk { line, text } in chunks(&text) {
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

pub(super) fn too_many() -> String {
    format!("there are more than {OBJECTS_MAX} objects, the most that is read of one file; split it")
}
