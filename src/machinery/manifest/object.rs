//! One object of a manifest: what it is, whether its structure fits, and whether it is valid.
//!
//! It knows nothing of files and documents: a mistake is a line and a text, and the caller adds the
//! rest. Mistakes that only follow from another one are not reported.

use std::rc::Rc;

use serde_json::Value;

use super::content::Title;
use super::kinds::Found;
use super::strictness::{Check, Strictness};
use super::tree::{Flaw, Form, Node};
use super::{kinds, path, structure};
use crate::objects::{Fault, FieldError, Kind, Typed};

/// The result of reading one object.
pub(super) struct Read {
    /// The object as in messages.
    pub(super) title: Title,
    /// The object, if it could be decoded.
    pub(super) typed: Option<Typed>,
    /// The version and the line of the kind, if it is one that is not served.
    pub(super) skipped: Option<(String, usize)>,
    /// What is wrong.
    pub(super) mistakes: Vec<Flaw>,
}

/// The `apiVersion` and kind of a list's items, if the list says so, and the items.
type Items<'a> = (Option<(String, String)>, &'a [Rc<Node>]);

/// The items, if the node is a list of objects (`List`, `StatefulSetList`).
pub(super) fn list_items(node: &Node) -> Option<Result<Items<'_>, (usize, String)>> {
    let kind = text_at(node, "kind")?;
    let item_kind = kind.strip_suffix("List")?;
    let within = match item_kind {
        "" => None,
        _ => Some((text_at(node, "apiVersion").unwrap_or_default().to_owned(), item_kind.to_owned())),
    };
    let Some(items) = node.get("items") else { return Some(Ok((within, &[]))) };
    Some(match &items.value.form {
        Form::List(list) => Ok((within, list)),
        Form::Scalar(Value::Null) => Ok((within, &[])),
        other => Err((items.line, format!("{kind}: items: expected a list, got {}", other.what()))),
    })
}

/// Reads an object. `within` is the `apiVersion` and kind that a typed list gives its items.
pub(super) fn read(
    node: &Node,
    within: Option<&(String, String)>,
    default_namespace: &str,
    strictness: Strictness,
) -> Read {
    let mut mistakes = Vec::new();
    let found = find_kind(node, within, &mut mistakes);
    let mut read =
        Read { title: title(node, within, default_namespace), typed: None, skipped: None, mistakes };
    if let Some((api_version, Found::NotServed)) = found {
        let line = node.get("kind").map_or(node.line, |entry| entry.line);
        return Read { skipped: Some((api_version, line)), ..read };
    }
    read.mistakes.extend(path::duplicate_keys(node));
    let Some((_, Found::Served(kind))) = found else { return read };
    let mut checked = structure::check(kind, node, strictness.is_strict(), &mut read.mistakes);
    check_name(node, &mut read.mistakes);
    let is_named = text_of_name(node).is_some();
    if !is_named {
        checked.left_out.push("metadata.name".into());
    }
    match decode(kind, checked.value, default_namespace) {
        Ok(typed) => {
            if let Strictness::Strict(check) = strictness {
                check_fields(check, &typed, node, &checked.left_out, &mut read.mistakes);
            }
            read.typed = Some(typed).filter(|_| is_named);
        }
        Err(error) => read.mistakes.push(Flaw::new(node.line, "", error.to_string())),
    }
    read
}

fn text_at<'a>(node: &'a Node, key: &str) -> Option<&'a str> {
    node.get(key)?.value.as_text()
}

fn text_of_name(node: &Node) -> Option<&str> {
    text_at(&node.get("metadata")?.value, "name").filter(|name| !name.is_empty())
}

fn title(node: &Node, within: Option<&(String, String)>, default_namespace: &str) -> Title {
    let kind = text_at(node, "kind").or(within.map(|(_, kind)| kind.as_str()));
    let info = Kind::ALL.iter().map(|known| known.info()).find(|info| Some(info.name) == kind);
    let written = node.get("metadata").and_then(|metadata| text_at(&metadata.value, "namespace"));
    let namespace = match info.map(|info| info.is_namespaced) {
        Some(true) => written.filter(|written| !written.is_empty()).or(Some(default_namespace)),
        Some(false) => None,
        None => written,
    };
    let owned = |text: Option<&str>| text.map(str::to_owned);
    Title { kind: owned(kind), namespace: owned(namespace), name: owned(text_of_name(node)) }
}

/// The version and kind of an object; `None`, after reporting why, if it has none.
fn find_kind(
    node: &Node,
    within: Option<&(String, String)>,
    mistakes: &mut Vec<Flaw>,
) -> Option<(String, Found)> {
    let kind = required_text(node, "kind", within.map(|(_, kind)| kind.as_str()), "", mistakes);
    let known = kind.as_deref().and_then(kinds::api_version_of);
    let hint = known.map(|known| format!(" (write apiVersion: {known})")).unwrap_or_default();
    let of_list = within.map(|(api_version, _)| api_version.as_str());
    let api_version = required_text(node, "apiVersion", of_list, &hint, mistakes);
    let api_version = api_version?;
    match kinds::find(&api_version, &kind?) {
        Ok(found) => Some((api_version, found)),
        Err(not_found) => {
            let line = node.get(not_found.field).map_or(node.line, |entry| entry.line);
            mistakes.push(Flaw::new(line, not_found.field, not_found.message));
            None
        }
    }
}

/// A string that every object must have.
fn required_text(
    node: &Node,
    key: &str,
    of_list: Option<&str>,
    hint: &str,
    mistakes: &mut Vec<Flaw>,
) -> Option<String> {
    match (node.get(key).filter(|entry| !entry.value.is_null()), of_list) {
        (None, Some(of_list)) => return Some(of_list.to_owned()),
        (None, None) => mistakes.push(Flaw::new(node.line, key, format!("{key} is missing{hint}"))),
        (Some(entry), _) => match entry.value.as_text() {
            Some(text) if !text.is_empty() => return Some(text.to_owned()),
            Some(_) => mistakes.push(Flaw::new(entry.line, key, format!("{key} is empty{hint}"))),
            None => {
                let what = entry.value.form.what();
                mistakes.push(Flaw::new(entry.line, key, format!("{key}: expected a string, got {what}")));
            }
        },
    }
    None
}

/// Objects of a manifest must have a name, by which they are found when the file changes.
fn check_name(node: &Node, mistakes: &mut Vec<Flaw>) {
    let metadata = node.get("metadata");
    let name = metadata.and_then(|metadata| metadata.value.get("name"));
    let (line, what) = match (metadata, name) {
        (None, _) => (node.line, "missing"),
        (Some(metadata), None) if matches!(metadata.value.form, Form::Map(_)) || metadata.value.is_null() => {
            (metadata.line, "missing")
        }
        (Some(_), Some(name)) if name.value.is_null() || name.value.as_text() == Some("") => {
            (name.line, "empty")
        }
        _ => return,
    };
    mistakes.push(Flaw::new(line, "metadata.name", format!("metadata.name is {what}")));
}

fn decode(kind: Kind, mut value: Value, default_namespace: &str) -> Result<Typed, serde_json::Error> {
    if let Value::Object(fields) = &mut value {
        // Items of typed lists may have neither; the list has them.
        fields.insert("apiVersion".into(), kind.info().api_version.into());
        fields.insert("kind".into(), kind.name().into());
    }
    let mut typed = Typed::from_value(kind, value)?;
    let meta = typed.meta_mut();
    if kind.info().is_namespaced && meta.namespace.as_deref().unwrap_or_default().is_empty() {
        meta.namespace = Some(default_namespace.to_owned());
    }
    Ok(typed)
}

/// Reports what the caller's check finds, each on the line of its field.
fn check_fields(check: Check, typed: &Typed, node: &Node, left_out: &[String], mistakes: &mut Vec<Flaw>) {
    let n_structural = mistakes.len();
    for error in check(typed) {
        let field = path::find(node, &error.path);
        let reported = &mistakes[..n_structural];
        let is_reported =
            reported.iter().any(|flaw| flaw.line == field.line && reports(&flaw.message, &error));
        let is_unwritten = !field.is_written && matches!(error.fault, Fault::Invalid(_));
        if !is_reported && !left_out.iter().any(|left_out| follows(&error.path, is_unwritten, left_out)) {
            mistakes.push(Flaw::new(field.line, &error.path, error.to_string()));
        }
    }
}

/// Whether the check of the structure has reported already what the caller's check finds on the same
/// line.
fn reports(message: &str, error: &FieldError) -> bool {
    matches!(error.fault, Fault::Invalid(_)) && message.contains(structure::NO_QUANTITY)
}

/// Whether `path` is only wrong because of something that was left out: one contains the other, or
/// `path` is a default next to it.
fn follows(path: &str, is_unwritten: bool, left_out: &str) -> bool {
    let parent = |path: &str| path.rfind(['.', '[']).map_or("", |end| &path[..end]).to_owned();
    is_within(path, left_out)
        || is_within(left_out, path)
        || (is_unwritten && is_within(left_out, &parent(path)))
}

fn is_within(path: &str, around: &str) -> bool {
    path.strip_prefix(around).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
}
