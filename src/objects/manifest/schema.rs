//! The structure of an object against the schema of its kind: unknown fields, wrong types.
//!
//! The schemas are those that `k8s-openapi` generates its types from, so that what fits here can
//! be decoded. A field that is wrong is told once and not looked into any further.

use std::sync::LazyLock;

use k8s_openapi::ByteString;
use k8s_openapi::schemars::{JsonSchema, SchemaGenerator, generate::SchemaSettings};
use serde_json::{Map, Value};

use super::kinds::suggestion;
use super::place::join;
use super::tree::{self, Form, Node};
use super::{NESTING_MAX, Rules};
use crate::clock::Timestamp;
use crate::objects::Kind;
use crate::objects::quantity::Amount;

/// The schema of every kind, with those of all types in them.
static SCHEMAS: LazyLock<Map<String, Value>> = LazyLock::new(|| {
    let mut generator = SchemaSettings::draft2020_12().into_generator();
    for kind in Kind::ALL {
        kind.add_schema(&mut generator);
    }
    generator.take_definitions(true)
});

/// Where the definitions are that schemas refer to.
const DEFINITIONS: &str = "#/$defs/";
/// What is said of a text that is no quantity.
pub(super) const NO_QUANTITY: &str = "is not a quantity";
const QUANTITY: &str = "io.k8s.apimachinery.pkg.api.resource.Quantity";

/// Tells every mistake in the structure of an object; whether it can be decoded nevertheless.
pub(super) fn check(kind: Kind, node: &Node, rules: Rules, mistakes: &mut Vec<(usize, String)>) -> bool {
    let mut walk = Walk { rules, mistakes, fits: true };
    if let Some(schema) = SCHEMAS.get(kind.schema_name().as_ref()) {
        walk.visit(node, node.line, &Type::of(schema), "", NESTING_MAX);
    }
    walk.fits
}

impl Kind {
    fn add_schema(self, generator: &mut SchemaGenerator) {
        with_type(self, Add(generator));
    }

    fn schema_name(self) -> std::borrow::Cow<'static, str> {
        with_type(self, Name)
    }
}

/// Something to do with the Rust type of a kind.
trait Visit {
    type Output;
    fn visit<T: JsonSchema>(self) -> Self::Output;
}

struct Add<'a>(&'a mut SchemaGenerator);

impl Visit for Add<'_> {
    type Output = ();
    fn visit<T: JsonSchema>(self) {
        self.0.subschema_for::<T>();
    }
}

struct Name;

impl Visit for Name {
    type Output = std::borrow::Cow<'static, str>;
    fn visit<T: JsonSchema>(self) -> Self::Output {
        T::schema_name()
    }
}

fn with_type<V: Visit>(kind: Kind, visit: V) -> V::Output {
    use k8s_openapi::api::{
        apps::v1 as apps, core::v1 as core, discovery::v1 as discovery, storage::v1 as storage,
    };
    match kind {
        Kind::Namespace => visit.visit::<core::Namespace>(),
        Kind::Node => visit.visit::<core::Node>(),
        Kind::PersistentVolume => visit.visit::<core::PersistentVolume>(),
        Kind::StorageClass => visit.visit::<storage::StorageClass>(),
        Kind::ConfigMap => visit.visit::<core::ConfigMap>(),
        Kind::Secret => visit.visit::<core::Secret>(),
        Kind::Service => visit.visit::<core::Service>(),
        Kind::PersistentVolumeClaim => visit.visit::<core::PersistentVolumeClaim>(),
        Kind::Pod => visit.visit::<core::Pod>(),
        Kind::StatefulSet => visit.visit::<apps::StatefulSet>(),
        Kind::ControllerRevision => visit.visit::<apps::ControllerRevision>(),
        Kind::EndpointSlice => visit.visit::<discovery::EndpointSlice>(),
        Kind::Event => visit.visit::<core::Event>(),
    }
}

/// What a schema wants.
enum Type<'a> {
    Fields(&'a Map<String, Value>),
    MapOf(&'a Value),
    ListOf(&'a Value),
    Text(Option<&'a str>),
    Integer { is_short: bool },
    Number,
    Boolean,
    Quantity,
    IntegerOrText,
    Anything,
    AnyObject,
}

impl<'a> Type<'a> {
    fn of(schema: &'a Value) -> Type<'a> {
        if let Some(name) =
            schema.get("$ref").and_then(Value::as_str).and_then(|name| name.strip_prefix(DEFINITIONS))
        {
            return match SCHEMAS.get(name) {
                Some(_) if name == QUANTITY => Type::Quantity,
                Some(schema) => Type::of(schema),
                None => Type::Anything,
            };
        }
        if schema.get("x-kubernetes-int-or-string").is_some() {
            return Type::IntegerOrText;
        }
        let format = schema.get("format").and_then(Value::as_str);
        match schema.get("type").and_then(Value::as_str) {
            Some("object") => match (schema.get("properties"), schema.get("additionalProperties")) {
                (Some(Value::Object(fields)), _) => Type::Fields(fields),
                (_, Some(of @ Value::Object(_))) => Type::MapOf(of),
                _ => Type::AnyObject,
            },
            Some("array") => schema.get("items").map_or(Type::Anything, Type::ListOf),
            Some("string") => Type::Text(format),
            Some("integer") => Type::Integer { is_short: format == Some("int32") },
            Some("number") => Type::Number,
            Some("boolean") => Type::Boolean,
            _ => Type::Anything,
        }
    }

    /// What is wanted, in words.
    fn what(&self) -> &'static str {
        match self {
            Type::Fields(_) | Type::MapOf(_) | Type::AnyObject => "a map",
            Type::ListOf(_) => "a list",
            Type::Text(_) => "a string",
            Type::Integer { .. } => "an integer",
            Type::Number => "a number",
            Type::Boolean => "a boolean",
            Type::Quantity => "a quantity",
            Type::IntegerOrText => "an integer or a string",
            Type::Anything => "anything",
        }
    }
}

struct Walk<'a> {
    rules: Rules,
    mistakes: &'a mut Vec<(usize, String)>,
    fits: bool,
}

impl Walk<'_> {
    /// Looks at a node whose key, if it has one, is on `line`. Goes down as deep as a tree can be.
    fn visit(&mut self, node: &Node, line: usize, wanted: &Type<'_>, path: &str, depth: usize) {
        if depth == 0 {
            return;
        }
        match (wanted, &node.form) {
            (Type::Fields(fields), Form::Map(map)) => self.visit_fields(map, fields, path, depth),
            (Type::MapOf(of), Form::Map(map)) => {
                for entry in &map.entries {
                    let path = join(path, &entry.key);
                    self.visit_item(&entry.value, entry.line, &Type::of(of), &path, depth - 1);
                }
            }
            (Type::ListOf(of), Form::List(items)) => {
                for (index, item) in items.iter().enumerate() {
                    let path = format!("{path}[{index}]");
                    self.visit_item(item, item.line, &Type::of(of), &path, depth - 1);
                }
            }
            (Type::AnyObject, Form::Map(_)) | (Type::Anything, _) => {}
            (_, Form::Scalar(value)) => self.visit_scalar(value, node, line, wanted, path),
            _ => self.wrong_type(node, line, wanted, path),
        }
    }

    /// The value of a map's key or of a list's place must be there.
    fn visit_item(&mut self, node: &Node, line: usize, wanted: &Type<'_>, path: &str, depth: usize) {
        if node.is_null() && !matches!(wanted, Type::Anything) {
            self.wrong_type(node, line, wanted, path);
        } else {
            self.visit(node, line, wanted, path, depth);
        }
    }

    fn visit_fields(&mut self, map: &tree::Map, fields: &Map<String, Value>, path: &str, depth: usize) {
        for entry in &map.entries {
            let path = join(path, &entry.key);
            match fields.get(&entry.key) {
                Some(_) if entry.value.is_null() => {}
                Some(schema) => self.visit(&entry.value, entry.line, &Type::of(schema), &path, depth - 1),
                None if self.rules == Rules::Strict => {
                    let unwritten = fields.keys().filter(|field| map.get(field).is_none());
                    let hint = suggestion(&entry.key, unwritten.map(String::as_str));
                    self.mistakes.push((entry.line, format!("unknown field \"{path}\"{hint}")));
                }
                None => {}
            }
        }
    }

    fn visit_scalar(&mut self, value: &Value, node: &Node, line: usize, wanted: &Type<'_>, path: &str) {
        match (wanted, value) {
            (Type::Text(format), Value::String(text)) => self.visit_text(text, *format, node.line, path),
            (Type::Integer { is_short }, Value::Number(number)) if !number.is_f64() => {
                let fits = number.as_i64().is_some_and(|number| !is_short || i32::try_from(number).is_ok());
                if !fits {
                    let n_bits = if *is_short { 32 } else { 64 };
                    self.wrong(
                        node.line,
                        format!("{path}: {number} is too large for an integer of {n_bits} bits"),
                    );
                }
            }
            (Type::IntegerOrText, Value::Number(number)) if !number.is_f64() => {
                if number.as_i64().is_none_or(|number| i32::try_from(number).is_err()) {
                    self.wrong(node.line, format!("{path}: {number} is too large for an integer of 32 bits"));
                }
            }
            (Type::IntegerOrText, Value::String(_))
            | (Type::Number | Type::Quantity, Value::Number(_))
            | (Type::Boolean, Value::Bool(_)) => {}
            (Type::Quantity, Value::String(text)) => self.visit_quantity(text, node.line, path),
            _ => self.wrong_type(node, line, wanted, path),
        }
    }

    fn visit_text(&mut self, text: &str, format: Option<&str>, line: usize, path: &str) {
        match format {
            Some("date-time") if text.parse::<Timestamp>().is_err() => {
                self.wrong(
                    line,
                    format!("{path}: \"{text}\" is not a time such as \"2006-01-02T15:04:05Z\""),
                );
            }
            Some("byte") if serde_json::from_value::<ByteString>(Value::from(text)).is_err() => {
                self.wrong(
                    line,
                    format!("{path}: the text is not base64 (plain text belongs into stringData)"),
                );
            }
            _ => {}
        }
    }

    /// A quantity that is none can be decoded, but nothing can be done with it.
    fn visit_quantity(&mut self, text: &str, line: usize, path: &str) {
        if let (Rules::Strict, Err(error)) = (self.rules, Amount::parse(text)) {
            let hint = similar_quantity(text).map(|known| format!(" (did you mean \"{known}\"?)"));
            let hint = hint.unwrap_or_default();
            self.mistakes.push((line, format!("{path}: \"{text}\" {NO_QUANTITY}: {error}{hint}")));
        }
    }

    fn wrong_type(&mut self, node: &Node, line: usize, wanted: &Type<'_>, path: &str) {
        let is_unquoted =
            matches!((wanted, &node.form), (Type::Text(_), Form::Scalar(Value::Number(_) | Value::Bool(_))));
        let hint = if is_unquoted { " (put it into quotes)" } else { "" };
        let place = if path.is_empty() { String::new() } else { format!("{path}: ") };
        self.wrong(line, format!("{place}expected {}, got {}{hint}", wanted.what(), node.form.what()));
    }

    fn wrong(&mut self, line: usize, message: String) {
        self.fits = false;
        self.mistakes.push((line, message));
    }
}

/// The quantity that somebody meant who wrote a unit (`10GB`, `1gi`, `5 Gi`).
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
