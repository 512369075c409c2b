//! Trees from the events of the YAML parser.
//!
//! The builder has an explicit stack, so deep nesting does not overflow the thread's, and gives up as
//! soon as a tree is too deep or expands to too many nodes. An alias shares the anchored node; merge
//! keys (`<<`) are resolved when their map ends.

use std::collections::HashMap;
use std::rc::Rc;

use saphyr_parser::{Event, Marker, Parser, ScalarStyle, Span, StrInput};
use serde_json::Value;

use super::limits::{NESTING_MAX, NODES_MAX};
use super::scalar;
use super::tree::{Fault, Form, Map, Node};

/// The documents of a piece of text that begins on line `first_line` of the whole. The number of
/// nodes they expand to is subtracted from `n_nodes_left`.
pub(super) fn read(text: &str, first_line: usize, n_nodes_left: &mut usize) -> Vec<Result<Rc<Node>, Fault>> {
    let mut builder = Builder { first_line, n_nodes_left: *n_nodes_left, ..Builder::default() };
    let mut parser = Parser::new_from_str(text);
    let mut documents = Vec::new();
    loop {
        match builder.step(&mut parser) {
            Ok(Step::More) => {}
            Ok(Step::Document(root)) => {
                *n_nodes_left = n_nodes_left.saturating_sub(root.n_nodes);
                builder.n_nodes_left = *n_nodes_left;
                documents.push(Ok(root));
            }
            Ok(Step::End) => return documents,
            Err(fault) => {
                documents.push(Err(fault));
                return documents;
            }
        }
    }
}

enum Step {
    More,
    Document(Rc<Node>),
    End,
}

/// A list or a map that has begun.
struct Open {
    line: usize,
    anchor: usize,
    content: Content,
}

enum Content {
    List(Vec<Rc<Node>>),
    Map { map: Map, key: Option<Key>, merges: Vec<(usize, Rc<Node>)> },
}

/// A key whose value has not come yet, and its line.
enum Key {
    Name(String, usize),
    Merge(usize),
}

#[derive(Default)]
struct Builder {
    first_line: usize,
    n_nodes_left: usize,
    open: Vec<Open>,
    anchors: HashMap<usize, Rc<Node>>,
    root: Option<Rc<Node>>,
}

impl Builder {
    fn step(&mut self, parser: &mut Parser<'_, StrInput<'_>>) -> Result<Step, Fault> {
        let (event, span) = match parser.next_event() {
            None => return Ok(Step::End),
            Some(Ok(event)) => event,
            Some(Err(error)) => {
                return Err((self.line(error.marker()), format!("this is not YAML: {}", error.info())));
            }
        };
        match event {
            Event::StreamEnd => return Ok(Step::End),
            Event::DocumentStart(_) => self.anchors.clear(),
            Event::DocumentEnd => {
                let empty = || Rc::new(Node::new(self.first_line, Form::Scalar(Value::Null)));
                return Ok(Step::Document(self.root.take().unwrap_or_else(empty)));
            }
            event => self.take(event, span)?,
        }
        Ok(Step::More)
    }

    fn line(&self, marker: &Marker) -> usize {
        self.first_line + marker.line().saturating_sub(1)
    }

    fn take(&mut self, event: Event<'_>, span: Span) -> Result<(), Fault> {
        let line = self.line(&span.start);
        match event {
            Event::SequenceStart(anchor, _) => self.begin(line, anchor, Content::List(Vec::new())),
            Event::MappingStart(anchor, _) => {
                let content = Content::Map { map: Map::default(), key: None, merges: Vec::new() };
                self.begin(line, anchor, content)
            }
            Event::SequenceEnd | Event::MappingEnd => self.end(),
            Event::Alias(anchor) => match self.anchors.get(&anchor).cloned() {
                Some(node) => self.attach(node, line, false),
                None => Err((line, "an alias cannot refer to a node that contains it".into())),
            },
            Event::Scalar(text, style, anchor, tag) => {
                let is_core = tag.as_ref().is_none_or(|tag| tag.is_yaml_core_schema());
                let kind = tag.as_ref().map(|tag| tag.suffix.as_str());
                if !is_core && kind != Some("!") {
                    return Err((line, format!("the tag !{} is not supported", kind.unwrap_or_default())));
                }
                let is_plain = matches!(style, ScalarStyle::Plain);
                let value = match kind {
                    None if is_plain => scalar::plain(&text),
                    Some("int" | "float" | "bool" | "null") => scalar::plain(&text),
                    _ => Value::from(text.as_ref()),
                };
                let is_merge = is_plain && text == "<<" && tag.is_none();
                let node = if self.wants_key() {
                    Node::new(line, Form::Scalar(Value::from(text.as_ref())))
                } else {
                    Node::new(line, Form::Scalar(value))
                };
                let node = Rc::new(node);
                self.remember(anchor, &node);
                self.attach(node, line, is_merge)
            }
            _ => Ok(()),
        }
    }

    fn wants_key(&self) -> bool {
        matches!(self.open.last(), Some(Open { content: Content::Map { key: None, .. }, .. }))
    }

    fn begin(&mut self, line: usize, anchor: usize, content: Content) -> Result<(), Fault> {
        if self.open.len() >= NESTING_MAX {
            return Err((line, format!("lists and maps are nested more than {NESTING_MAX} deep")));
        }
        if self.wants_key() {
            return Err((line, "the keys of a map must be strings".into()));
        }
        self.open.push(Open { line, anchor, content });
        Ok(())
    }

    fn end(&mut self) -> Result<(), Fault> {
        let Some(open) = self.open.pop() else { return Ok(()) };
        let form = match open.content {
            Content::List(items) => Form::List(items),
            Content::Map { mut map, merges, .. } => {
                for (line, source) in merges {
                    map.merge(line, &source)?;
                }
                Form::Map(Box::new(map))
            }
        };
        let node = Rc::new(Node::new(open.line, form));
        if node.n_nodes > self.n_nodes_left {
            return Err((open.line, format!("the text expands to more than {NODES_MAX} values")));
        }
        if self.open.len() + node.height > NESTING_MAX + 1 {
            return Err((open.line, format!("lists and maps are nested more than {NESTING_MAX} deep")));
        }
        self.remember(open.anchor, &node);
        let line = open.line;
        self.attach(node, line, false)
    }

    /// Anchors are counted from 1; 0 is none.
    fn remember(&mut self, anchor: usize, node: &Rc<Node>) {
        if anchor > 0 {
            self.anchors.insert(anchor, node.clone());
        }
    }

    /// Adds a complete node to the list or map that contains it.
    fn attach(&mut self, node: Rc<Node>, line: usize, is_merge: bool) -> Result<(), Fault> {
        let Some(open) = self.open.last_mut() else {
            self.root = Some(node);
            return Ok(());
        };
        match &mut open.content {
            Content::List(items) => items.push(node),
            Content::Map { map, key, merges } => match key.take() {
                None => match &node.form {
                    _ if is_merge => *key = Some(Key::Merge(line)),
                    Form::Scalar(Value::String(text)) => *key = Some(Key::Name(text.clone(), line)),
                    _ => return Err((line, "the keys of a map must be strings".into())),
                },
                Some(Key::Merge(line)) => merges.push((line, node)),
                Some(Key::Name(name, line)) => map.add(name, line, node),
            },
        }
        Ok(())
    }
}
