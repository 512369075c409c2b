//! Paths within a tree: the line of a path in a message, and duplicate keys.
//!
//! A path that leads nowhere gives the nearest node above it; nothing here fails.

use super::kinds;
use super::tree::{Flaw, Form, Node};

/// Where a path leads.
pub(super) struct Location {
    /// The line of the node, or of the nearest one above it that there is.
    pub(super) line: usize,
    /// Whether the node itself was written.
    pub(super) is_written: bool,
}

/// The location of the node at `path`.
///
/// Paths are those of Kubernetes' messages, which do not always spell a field as it is written:
/// `spec.template.labels` is in `metadata`, some begin with a capital letter, and the writer may have
/// misspelled the field.
pub(super) fn find(root: &Node, path: &str) -> Location {
    let mut node = root;
    let mut line = root.line;
    for step in steps(path) {
        let next = match &node.form {
            Form::List(items) => {
                step.parse().ok().and_then(|index: usize| items.get(index)).map(|item| (item.line, item))
            }
            Form::Map(_) => entry(node, step).map(|entry| (entry.line, &entry.value)),
            Form::Scalar(_) => None,
        };
        let Some((next_line, next)) = next else { return Location { line, is_written: false } };
        (node, line) = (next, next_line);
    }
    Location { line, is_written: true }
}

fn entry<'a>(node: &'a Node, key: &str) -> Option<&'a super::tree::Entry> {
    let in_metadata = || node.get("metadata").and_then(|metadata| metadata.value.get(key));
    let in_requests = || node.get("requests").and_then(|requests| requests.value.get(key));
    let lower = || {
        let mut letters = key.chars();
        let first = letters.next()?.to_ascii_lowercase();
        node.get(&format!("{first}{}", letters.as_str()))
    };
    let misspelled = || {
        let Form::Map(map) = &node.form else { return None };
        let written = kinds::most_like(key, map.entries.iter().map(|entry| entry.key.as_str()))?;
        map.get(written)
    };
    node.get(key).or_else(lower).or_else(in_metadata).or_else(in_requests).or_else(misspelled)
}

/// `a.b[0].c[x.y/z]` as `a`, `b`, `0`, `c`, `x.y/z`.
fn steps(path: &str) -> impl Iterator<Item = &str> {
    let mut rest = path;
    std::iter::from_fn(move || {
        rest = rest.trim_start_matches('.');
        if rest.is_empty() {
            return None;
        }
        let (step, after) = match rest.strip_prefix('[') {
            Some(inner) => inner.split_once(']').unwrap_or((inner, "")),
            None => rest.split_at(rest.find(['.', '[']).unwrap_or(rest.len())),
        };
        rest = after;
        Some(step)
    })
}

/// A flaw for every duplicate key.
pub(super) fn duplicate_keys(root: &Node) -> Vec<Flaw> {
    let mut found = Vec::new();
    search(root, "", &mut found);
    // A node that aliases repeat is written once.
    found.sort_by_key(|flaw| flaw.line);
    found.dedup_by_key(|flaw| flaw.line);
    found
}

fn search(node: &Node, path: &str, found: &mut Vec<Flaw>) {
    match &node.form {
        Form::Scalar(_) => {}
        Form::List(items) => {
            for (index, item) in items.iter().enumerate() {
                search(item, &format!("{path}[{index}]"), found);
            }
        }
        Form::Map(map) => {
            for (key, line, first_line) in &map.duplicates {
                let path = join(path, key);
                let message = format!("duplicate field \"{path}\" (it is on line {first_line} already)");
                found.push(Flaw { line: *line, path, message });
            }
            for entry in &map.entries {
                search(&entry.value, &join(path, &entry.key), found);
            }
        }
    }
}

/// The path of a field.
pub(super) fn join(path: &str, key: &str) -> String {
    if path.is_empty() {
        key.to_owned()
    } else if key.contains(['.', '/']) {
        format!("{path}[{key}]")
    } else {
        format!("{path}.{key}")
    }
}
