//! The structure of an object against the schema of its kind: unknown fields, wrong types.
//!
//! A misspelled field is read as the one that was probably meant, and a value of the wrong type is
//! left out, so that the rest of the object can still be validated.

use std::rc::Rc;

use k8s_openapi::ByteString;
use serde_json::{Map, Number, Value};

use super::kinds;
use super::path::join;
use super::tree::{self, Flaw, Form, Node};
use crate::clock::Timestamp;
use crate::machinery::schema::{self, Type};
use crate::objects::Kind;
use crate::objects::quantity::Amount;

/// The message for a string that is not a quantity.
pub(super) const NO_QUANTITY: &str = "is not a quantity";
/// How far below the root a misplaced field is searched for.
const SEARCH_DEPTH_MAX: usize = 5;

/// An object as far as its structure fits.
pub(super) struct Checked {
    /// The object as it was probably meant: misspelled fields under their right names, values of the
    /// wrong type left out.
    pub(super) value: Value,
    /// The paths of what was left out.
    pub(super) left_out: Vec<String>,
}

/// Reports every mistake in the structure of an object.
pub(super) fn check(kind: Kind, node: &Node, is_strict: bool, mistakes: &mut Vec<Flaw>) -> Checked {
    let root = schema::of(kind);
    let mut walk = Walk { root: Type::of(root), is_strict, mistakes, left_out: Vec::new() };
    let value = walk.visit(node, node.line, &Type::of(root), "").unwrap_or_default();
    Checked { value, left_out: walk.left_out }
}

/// A walk over a node and the schema of its kind. The depth of a tree is bounded
/// (see [`NESTING_MAX`](super::limits::NESTING_MAX)). Values that do not fit are `None`.
struct Walk<'a> {
    root: Type<'a>,
    /// Whether unknown fields and unreadable quantities are mistakes.
    is_strict: bool,
    mistakes: &'a mut Vec<Flaw>,
    left_out: Vec<String>,
}

impl Walk<'_> {
    /// Looks at a node whose key, if it has one, is on `line`.
    fn visit(&mut self, node: &Node, line: usize, wanted: &Type<'_>, path: &str) -> Option<Value> {
        match (wanted, &node.form) {
            (Type::Fields(fields), Form::Map(map)) => Some(self.visit_fields(map, fields, path)),
            (Type::MapOf(of), Form::Map(map)) => {
                let mut values = Map::new();
                for entry in &map.entries {
                    let path = join(path, &entry.key);
                    let value = self.visit_item(&entry.value, entry.line, &Type::of(of), &path);
                    values.extend(value.map(|value| (entry.key.clone(), value)));
                }
                Some(Value::Object(values))
            }
            (Type::ListOf(of), Form::List(items)) => {
                let of = Type::of(of);
                let mut value = |(index, item): (usize, &Rc<Node>)| {
                    let path = format!("{path}[{index}]");
                    self.visit_item(item, item.line, &of, &path).unwrap_or_else(|| of.nothing())
                };
                Some(items.iter().enumerate().map(&mut value).collect())
            }
            (Type::AnyObject, Form::Map(_)) | (Type::Anything, _) => Some(node.to_value()),
            (_, Form::Scalar(value)) => self.visit_scalar(value, node, line, wanted, path),
            _ => self.wrong_type(node, line, wanted, path),
        }
    }

    /// An entry of a map or an item of a list must not be null.
    fn visit_item(&mut self, node: &Node, line: usize, wanted: &Type<'_>, path: &str) -> Option<Value> {
        if node.is_null() && !matches!(wanted, Type::Anything) {
            self.wrong_type(node, line, wanted, path)
        } else {
            self.visit(node, line, wanted, path)
        }
    }

    /// A misspelled field is checked as the one that was probably meant.
    fn visit_fields(&mut self, map: &tree::Map, fields: &Map<String, Value>, path: &str) -> Value {
        let mut values = Map::new();
        for entry in &map.entries {
            let path = join(path, &entry.key);
            let name = match fields.contains_key(&entry.key) {
                true => Some(entry.key.as_str()),
                false if self.is_strict => {
                    let unwritten = fields.keys().filter(|field| map.get(field).is_none());
                    let meant = kinds::most_like(&entry.key, unwritten.map(String::as_str));
                    let hint = meant.map(str::to_owned).or_else(|| self.path_of(&entry.key));
                    let hint = kinds::hint(hint.as_deref());
                    self.mistakes.push(Flaw::new(
                        entry.line,
                        &path,
                        format!("unknown field \"{path}\"{hint}"),
                    ));
                    meant
                }
                false => None,
            };
            let Some((name, schema)) = name.and_then(|name| Some((name, fields.get(name)?))) else {
                continue;
            };
            if !entry.value.is_null() {
                let value = self.visit(&entry.value, entry.line, &Type::of(schema), &path);
                values.extend(value.map(|value| (name.to_owned(), value)));
            }
        }
        Value::Object(values)
    }

    /// The path of the nearest field of that name below the root of the object, not through lists.
    fn path_of(&self, name: &str) -> Option<String> {
        let Type::Fields(root) = self.root else { return None };
        let mut level = vec![(String::new(), root)];
        for _ in 0..SEARCH_DEPTH_MAX {
            let found = level.iter().find(|(path, fields)| !path.is_empty() && fields.contains_key(name));
            if let Some((path, _)) = found {
                return Some(join(path, name));
            }
            let below = level.iter().flat_map(|(path, fields)| {
                fields.iter().filter(|(field, _)| *field != "status").filter_map(move |(field, schema)| {
                    match Type::of(schema) {
                        Type::Fields(below) => Some((join(path, field), below)),
                        _ => None,
                    }
                })
            });
            level = below.collect();
        }
        None
    }

    fn visit_scalar(
        &mut self,
        value: &Value,
        node: &Node,
        line: usize,
        wanted: &Type<'_>,
        path: &str,
    ) -> Option<Value> {
        let wrong = match (wanted, value) {
            (Type::Text(format), Value::String(text)) => wrong_text(text, *format),
            (Type::Integer { is_short }, Value::Number(number)) if !number.is_f64() => {
                wrong_integer(number, *is_short)
            }
            (Type::IntegerOrText, Value::Number(number)) if !number.is_f64() => wrong_integer(number, true),
            (Type::Quantity, Value::String(text)) => {
                self.check_quantity(text, node.line, path);
                None
            }
            (Type::IntegerOrText, Value::String(_))
            | (Type::Number | Type::Quantity, Value::Number(_))
            | (Type::Boolean, Value::Bool(_)) => None,
            _ => return self.wrong_type(node, line, wanted, path),
        };
        match wrong {
            None => Some(value.clone()),
            Some(message) => self.wrong(node.line, path, &message),
        }
    }

    /// An invalid quantity can be decoded, so it is checked here.
    fn check_quantity(&mut self, text: &str, line: usize, path: &str) {
        if let (true, Err(error)) = (self.is_strict, Amount::parse(text)) {
            let hint = kinds::hint(similar_quantity(text).as_deref());
            let message = format!("{path}: \"{text}\" {NO_QUANTITY}: {error}{hint}");
            self.mistakes.push(Flaw::new(line, path, message));
        }
    }

    fn wrong_type(&mut self, node: &Node, line: usize, wanted: &Type<'_>, path: &str) -> Option<Value> {
        let is_unquoted =
            matches!((wanted, &node.form), (Type::Text(_), Form::Scalar(Value::Number(_) | Value::Bool(_))));
        let hint = if is_unquoted { " (put it into quotes)" } else { "" };
        self.wrong(line, path, &format!("expected {}, got {}{hint}", wanted.what(), node.form.what()))
    }

    fn wrong(&mut self, line: usize, path: &str, message: &str) -> Option<Value> {
        self.left_out.push(path.to_owned());
        self.mistakes.push(Flaw::new(line, path, format!("{path}: {message}")));
        None
    }
}

fn wrong_integer(number: &Number, is_short: bool) -> Option<String> {
    let fits = number.as_i64().is_some_and(|number| !is_short || i32::try_from(number).is_ok());
    let n_bits = if is_short { 32 } else { 64 };
    (!fits).then(|| format!("{number} is too large for an integer of {n_bits} bits"))
}

fn wrong_text(text: &str, format: Option<&str>) -> Option<String> {
    match format {
        Some("date-time") if text.parse::<Timestamp>().is_err() => {
            Some(format!("\"{text}\" is not a time such as \"2006-01-02T15:04:05Z\""))
        }
        Some("byte") if serde_json::from_value::<ByteString>(Value::from(text)).is_err() => {
            Some("the text is not base64 (write plain text to stringData)".into())
        }
        _ => None,
    }
}

/// The quantity that was probably meant by a text with a unit (`10GB`, `1gi`, `5 Gi`).
fn similar_quantity(text: &str) -> Option<String> {
    let text = text.replace(' ', "");
    let (number, unit) = text.split_at(text.find(|c: char| c.is_ascii_alphabetic())?);
    let unit = unit.trim_end_matches(['b', 'B']);
    let mut letters = unit.chars();
    let first = letters.next()?;
    let rest = letters.as_str().to_lowercase();
    let candidates = [first.to_ascii_uppercase(), first.to_ascii_lowercase()];
    let mut candidates = candidates.iter().map(|first| format!("{number}{first}{rest}"));
    candidates.find(|candidate| Amount::parse(candidate).is_ok())
}
