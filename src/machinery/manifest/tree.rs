//! A document as a tree of nodes that know their lines.
//!
//! A node knows how many nodes it expands to and its height, so the cost of a walk over a tree is
//! bounded before it begins. Aliases share nodes.

use std::collections::HashMap;
use std::rc::Rc;

use serde_json::Value;

/// A node of a document.
#[derive(Debug)]
pub(super) struct Node {
    /// The line it begins on.
    pub(super) line: usize,
    pub(super) form: Form,
    /// How many nodes it expands to, including itself.
    pub(super) n_nodes: usize,
    /// The height of the tree below it, including itself.
    pub(super) height: usize,
}

/// What a node is.
#[derive(Debug)]
pub(super) enum Form {
    Scalar(Value),
    List(Vec<Rc<Node>>),
    Map(Box<Map>),
}

/// The entries of a map in the order of the text.
#[derive(Debug, Default)]
pub(super) struct Map {
    pub(super) entries: Vec<Entry>,
    /// Duplicate keys: the key, its line, and the line of the first.
    pub(super) duplicates: Vec<(String, usize, usize)>,
    /// The index of each key in the entries.
    indices: HashMap<String, usize>,
}

/// A key with its value.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) key: String,
    /// The line of the key.
    pub(super) line: usize,
    pub(super) value: Rc<Node>,
}

/// A line and what is wrong there.
pub(super) type Fault = (usize, String);

/// Something wrong in an object.
pub(super) struct Flaw {
    pub(super) line: usize,
    /// The field; empty if it is about the object as a whole.
    pub(super) path: String,
    /// What is wrong, with the path.
    pub(super) message: String,
}

impl Flaw {
    pub(super) fn new(line: usize, path: &str, message: String) -> Self {
        Self { line, path: path.to_owned(), message }
    }
}

impl Node {
    pub(super) fn new(line: usize, form: Form) -> Self {
        let children: Vec<&Rc<Node>> = match &form {
            Form::Scalar(_) => Vec::new(),
            Form::List(items) => items.iter().collect(),
            Form::Map(map) => map.entries.iter().map(|entry| &entry.value).collect(),
        };
        let n_nodes = children.iter().fold(1_usize, |sum, child| sum.saturating_add(child.n_nodes));
        let height = 1 + children.iter().map(|child| child.height).max().unwrap_or_default();
        Self { line, form, n_nodes, height }
    }

    pub(super) fn is_null(&self) -> bool {
        matches!(&self.form, Form::Scalar(Value::Null))
    }

    /// The value of a key, if this is a map that has it.
    pub(super) fn get(&self, key: &str) -> Option<&Entry> {
        match &self.form {
            Form::Map(map) => map.get(key),
            _ => None,
        }
    }

    /// The text, if this is one.
    pub(super) fn as_text(&self) -> Option<&str> {
        match &self.form {
            Form::Scalar(Value::String(text)) => Some(text),
            _ => None,
        }
    }

    pub(super) fn to_value(&self) -> Value {
        match &self.form {
            Form::Scalar(value) => value.clone(),
            Form::List(items) => items.iter().map(|item| item.to_value()).collect(),
            Form::Map(map) => {
                map.entries.iter().map(|entry| (entry.key.clone(), entry.value.to_value())).collect()
            }
        }
    }
}

impl Form {
    /// What it is, in words.
    pub(super) fn what(&self) -> &'static str {
        match self {
            Form::Scalar(Value::Null) => "nothing",
            Form::Scalar(Value::Bool(_)) => "a boolean",
            Form::Scalar(Value::Number(number)) if number.is_f64() => "a number",
            Form::Scalar(Value::Number(_)) => "an integer",
            Form::Scalar(_) => "a string",
            Form::List(_) => "a list",
            Form::Map(_) => "a map",
        }
    }
}

impl Map {
    pub(super) fn get(&self, key: &str) -> Option<&Entry> {
        self.indices.get(key).map(|index| &self.entries[*index])
    }

    pub(super) fn add(&mut self, key: String, line: usize, value: Rc<Node>) {
        if let Some(first) = self.get(&key) {
            let first = first.line;
            self.duplicates.push((key, line, first));
        } else {
            self.indices.insert(key.clone(), self.entries.len());
            self.entries.push(Entry { key, line, value });
        }
    }

    /// Adds the entries of the map that `<<` names: the map's own take precedence, then earlier ones.
    pub(super) fn merge(&mut self, line: usize, source: &Node) -> Result<(), Fault> {
        match &source.form {
            Form::Map(source) => {
                for entry in &source.entries {
                    if !self.indices.contains_key(&entry.key) {
                        self.add(entry.key.clone(), entry.line, entry.value.clone());
                    }
                }
                Ok(())
            }
            Form::List(sources) if sources.iter().all(|source| matches!(source.form, Form::Map(_))) => {
                sources.iter().try_for_each(|source| self.merge(line, source))
            }
            other => Err((line, format!("a merge key needs a map or a list of maps, got {}", other.what()))),
        }
    }
}
