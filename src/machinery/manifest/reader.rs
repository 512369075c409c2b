//! The objects and mistakes of the documents of a text, gathered within their bounds.
//!
//! Beyond [`MISTAKES_MAX`] mistakes are only counted, beyond [`OBJECTS_MAX`] objects nothing is read.
//! Of a template that was not rendered one mistake is told, since the others follow from it.

use std::collections::HashMap;

use super::content::{Located, Manifest, Mistake, Skipped, Source, Title};
use super::documents::{Document, too_many};
use super::limits::{MESSAGE_LENGTH_MAX, MISTAKES_MAX, OBJECTS_MAX};
use super::object::{self, Read};
use super::strictness::Strictness;
use super::template;
use super::tree::{Flaw, Form, Node};
use crate::objects::ObjectKey;

/// Collects the objects and mistakes of the documents of a text.
pub(super) struct Reader<'a> {
    file: &'a str,
    default_namespace: &'a str,
    strictness: Strictness,
    /// The line on which each object was first written.
    known: HashMap<ObjectKey, usize>,
    n_objects: usize,
    n_more_mistakes: usize,
    is_template: bool,
    manifest: Manifest,
}

impl<'a> Reader<'a> {
    pub(super) fn new(file: &'a str, default_namespace: &'a str, strictness: Strictness) -> Self {
        Self {
            file,
            default_namespace,
            strictness,
            known: HashMap::new(),
            n_objects: 0,
            n_more_mistakes: 0,
            is_template: false,
            manifest: Manifest::default(),
        }
    }

    /// What the text holds.
    pub(super) fn finish(mut self) -> Manifest {
        let mistakes = &mut self.manifest.mistakes;
        mistakes.sort_by_key(|mistake| mistake.line);
        if let (1.., Some(last)) = (self.n_more_mistakes, mistakes.last().cloned()) {
            let message = format!("there are {} more mistakes", self.n_more_mistakes);
            mistakes.push(Mistake { object: None, path: String::new(), message, ..last });
        }
        self.manifest
    }

    /// Reports a mistake that is not about an object.
    pub(super) fn report(&mut self, document: usize, line: usize, message: String) {
        self.report_flaw(document, None, Flaw::new(line, "", message));
    }

    fn report_flaw(&mut self, document: usize, object: Option<&Title>, flaw: Flaw) {
        let Flaw { line, path, message } = flaw;
        if self.manifest.mistakes.len() >= MISTAKES_MAX {
            self.n_more_mistakes += 1;
            return;
        }
        let message = object.map_or(message.clone(), |object| format!("{object}: {message}"));
        let (file, object, message) =
            (self.file.to_owned(), object.cloned().map(Box::new), shortened(message));
        self.manifest.mistakes.push(Mistake { file, document, line, object, path, message });
    }

    fn report_template(&mut self, document: usize, line: usize) {
        if !std::mem::replace(&mut self.is_template, true) {
            self.report(document, line, template::MESSAGE.to_owned());
        }
    }

    /// Takes in what a document holds.
    pub(super) fn read(&mut self, document: Document<'_>) {
        match (&document.root, document.template_lines) {
            (Err(_), [line, ..]) => self.report_template(document.number, *line),
            (Err((line, message)), []) => self.report(document.number, *line, message.clone()),
            (Ok(root), _) => self.read_root(&document, root, None),
        }
    }

    /// Reads an object, or a list of objects, which may be lists again. `within` is the `apiVersion`
    /// and the kind that the enclosing list gives its items.
    fn read_root(&mut self, document: &Document<'_>, node: &Node, within: Option<&(String, String)>) {
        let Form::Map(_) = &node.form else {
            let message = format!("expected an object, got {}", node.form.what());
            return self.report(document.number, node.line, message);
        };
        match object::list_items(node) {
            None => self.read_object(document, node, within),
            Some(Err((line, message))) => self.report(document.number, line, message),
            Some(Ok((within, items))) => {
                for item in items {
                    self.read_root(document, item, within.as_ref());
                }
            }
        }
    }

    fn read_object(&mut self, document: &Document<'_>, node: &Node, within: Option<&(String, String)>) {
        self.n_objects += 1;
        if self.n_objects > OBJECTS_MAX {
            if self.n_objects == OBJECTS_MAX + 1 {
                self.report(document.number, node.line, too_many());
            }
            return;
        }
        let read = object::read(node, within, self.default_namespace, self.strictness);
        let is_flawless = read.mistakes.is_empty();
        let Read { title, typed, skipped, mistakes } = read;
        for flaw in mistakes {
            match document.template_lines.contains(&flaw.line) {
                true => self.report_template(document.number, flaw.line),
                false => self.report_flaw(document.number, Some(&title), flaw),
            }
        }
        let source = |line| Source { file: self.file.to_owned(), document: document.number, line };
        if let Some((api_version, line)) = skipped {
            let skipped = Skipped { source: source(line), object: title, api_version };
            return self.manifest.skipped.push(skipped);
        }
        let Some(typed) = typed else { return };
        let source = source(node.line);
        if let Some(first) = self.known.get(&ObjectKey::of(&typed)) {
            let message = format!("is defined twice (first on line {first})");
            return self.report_flaw(document.number, Some(&title), Flaw::new(node.line, "", message));
        }
        self.known.insert(ObjectKey::of(&typed), node.line);
        if is_flawless {
            self.manifest.objects.push(Located { typed, source });
        }
    }
}

fn shortened(mut message: String) -> String {
    if message.len() > MESSAGE_LENGTH_MAX {
        let is_boundary = |end: &usize| message.is_char_boundary(*end);
        let end = (0..=MESSAGE_LENGTH_MAX).rev().find(is_boundary).unwrap_or_default();
        message.truncate(end);
        message.push('…');
    }
    message
}
