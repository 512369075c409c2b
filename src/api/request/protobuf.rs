//! Bodies in Kubernetes' protobuf, read into the JSON form of the same object.
//!
//! ```text
//!   k8s\0 ─► Unknown { typeMeta, raw } ─► raw, field by field by the table ─► JSON
//! ```
//!
//! Typed clients, `kubectl create namespace` among them, write protobuf by default and do not fall
//! back to JSON. The names of fields are in a table (`protobuf/fields.txt`) instead of generated
//! types, since everything behind this works on JSON. Unknown fields are skipped, as protobuf
//! requires. Go encodes every scalar field, empty or not, so an empty one counts as absent unless the
//! table says otherwise. Responses are always JSON.

use std::collections::HashMap;
use std::sync::LazyLock;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

use crate::clock::Timestamp;

/// The media type.
pub(crate) const MEDIA_TYPE: &str = "application/vnd.kubernetes.protobuf";

/// The magic number of a body.
const MAGIC: &[u8] = b"k8s\0";
/// The maximum nesting of messages; no kind comes near it.
const DEPTH_MAX: usize = 32;

/// Why a body cannot be decoded.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unreadable {
    #[error("the body does not begin with k8s and a zero octet, so it is no protobuf of Kubernetes")]
    NoMagic,
    #[error("the body is encoded as \"{0}\"; send it without an encoding")]
    Encoded(String),
    #[error("protobuf of kind \"{0}\" is not read here; send it as JSON")]
    UnknownKind(String),
    #[error("the message {0} ends early or is malformed")]
    Malformed(String),
    #[error("messages stand in each other more than {DEPTH_MAX} deep")]
    TooDeep,
}

/// The object in a body.
pub(crate) fn document(body: &[u8]) -> Result<Value, Unreadable> {
    let envelope = body.strip_prefix(MAGIC).ok_or(Unreadable::NoMagic)?;
    let (mut api_version, mut kind, mut raw, mut encoding) =
        (String::new(), String::new(), &b""[..], String::new());
    for field in Fields::new(envelope, "Unknown") {
        match field? {
            (1, Wire::Octets(about)) => {
                for field in Fields::new(about, "TypeMeta") {
                    match field? {
                        (1, Wire::Octets(text)) => api_version = String::from_utf8_lossy(text).into_owned(),
                        (2, Wire::Octets(text)) => kind = String::from_utf8_lossy(text).into_owned(),
                        _ => {}
                    }
                }
            }
            (2, Wire::Octets(octets)) => raw = octets,
            (3, Wire::Octets(text)) => encoding = String::from_utf8_lossy(text).into_owned(),
            _ => {}
        }
    }
    if !encoding.is_empty() {
        return Err(Unreadable::Encoded(encoding));
    }
    let message = match (api_version.as_str(), kind.as_str()) {
        ("events.k8s.io/v1", "Event") => "events.Event",
        _ => kind.as_str(),
    };
    let (message, _) =
        MESSAGES.get_key_value(message).ok_or_else(|| Unreadable::UnknownKind(kind.clone()))?;
    let mut object = read(message, raw, 0)?;
    object.insert("apiVersion".into(), api_version.into());
    object.insert("kind".into(), kind.into());
    Ok(object.into())
}

/// The type of a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Content {
    Text,
    Integer,
    Boolean,
    Octets,
    Time,
    Quantity,
    IntOrString,
    /// JSON as it is: of a raw extension, of managed fields.
    Json,
    Message(&'static str),
}

/// The cardinality of a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shape {
    One,
    Many,
    ByName,
}

#[derive(Clone, Copy, Debug)]
struct Field {
    number: u64,
    /// `-`: its fields are inlined.
    name: &'static str,
    shape: Shape,
    content: Content,
    /// Whether zero is a value.
    has_zero: bool,
}

static MESSAGES: LazyLock<HashMap<&'static str, Vec<Field>>> = LazyLock::new(|| {
    let lines = include_str!("protobuf/fields.txt").lines().filter(|line| !line.starts_with('#'));
    lines.filter_map(|line| line.split_once(": ")).map(|(name, fields)| (name, fields_of(fields))).collect()
});

fn fields_of(text: &'static str) -> Vec<Field> {
    text.split(", ").map(|field| field_of(field).expect("the table is well-formed")).collect()
}

fn field_of(text: &'static str) -> Option<Field> {
    let mut words = text.split(' ');
    let (number, name, written) = (words.next()?.parse().ok()?, words.next()?, words.next()?);
    let (has_zero, written) = written.strip_prefix('*').map_or((false, written), |rest| (true, rest));
    let (shape, written) = match (written.strip_prefix("[]"), written.strip_prefix("{}")) {
        (Some(rest), _) => (Shape::Many, rest),
        (_, Some(rest)) => (Shape::ByName, rest),
        _ => (Shape::One, written),
    };
    let content = match written {
        "s" => Content::Text,
        "i" => Content::Integer,
        "b" => Content::Boolean,
        "y" => Content::Octets,
        "Time" | "MicroTime" => Content::Time,
        "Quantity" => Content::Quantity,
        "IntOrString" => Content::IntOrString,
        "RawExtension" | "FieldsV1" => Content::Json,
        message => Content::Message(message),
    };
    Some(Field { number, name, shape, content, has_zero })
}

/// The JSON form of a message.
fn read(message: &'static str, octets: &[u8], depth: usize) -> Result<Map<String, Value>, Unreadable> {
    if depth > DEPTH_MAX {
        return Err(Unreadable::TooDeep);
    }
    let fields = MESSAGES.get(message).map(Vec::as_slice).unwrap_or_default();
    let mut object = Map::new();
    for found in Fields::new(octets, message) {
        let (number, wire) = found?;
        let Some(field) = fields.iter().find(|field| field.number == number) else { continue };
        match (field.shape, field.content) {
            (Shape::One, Content::Message(inner)) if field.name == "-" => {
                object.append(&mut read(inner, wire.octets(message)?, depth + 1)?);
            }
            (Shape::One, _) => {
                let value = value(message, field, wire, depth)?;
                if field.has_zero || !is_zero(&value) {
                    object.insert(field.name.to_owned(), value);
                }
            }
            (Shape::Many, Content::Integer) if matches!(wire, Wire::Octets(_)) => {
                let mut packed = wire.octets(message)?;
                while !packed.is_empty() {
                    let number = varint(&mut packed).ok_or_else(|| malformed(message))?;
                    list(&mut object, field.name).push(number.cast_signed().into());
                }
            }
            (Shape::Many, _) => {
                let value = value(message, field, wire, depth)?;
                list(&mut object, field.name).push(value);
            }
            (Shape::ByName, _) => {
                let (key, value) = entry(message, field, wire.octets(message)?, depth)?;
                let entries = object.entry(field.name).or_insert_with(|| json!({}));
                entries[key] = value;
            }
        }
    }
    Ok(object)
}

fn list<'a>(object: &'a mut Map<String, Value>, name: &str) -> &'a mut Vec<Value> {
    let list = object.entry(name).or_insert_with(|| json!([]));
    list.as_array_mut().expect("a repeated field is always a list")
}

/// One entry of a map: the name is field 1, the value field 2.
fn entry(
    message: &'static str,
    field: &Field,
    octets: &[u8],
    depth: usize,
) -> Result<(String, Value), Unreadable> {
    let mut key = String::new();
    let mut found = None;
    for part in Fields::new(octets, message) {
        match part? {
            (1, wire) => key = text(message, wire)?,
            (2, wire) => found = Some(value(message, field, wire, depth)?),
            _ => {}
        }
    }
    let empty = || if field.content == Content::Text { json!("") } else { Value::Null };
    Ok((key, found.unwrap_or_else(empty)))
}

fn value(message: &'static str, field: &Field, wire: Wire<'_>, depth: usize) -> Result<Value, Unreadable> {
    Ok(match field.content {
        Content::Text => text(message, wire)?.into(),
        Content::Integer => wire.number(message)?.cast_signed().into(),
        Content::Boolean => (wire.number(message)? != 0).into(),
        Content::Octets => STANDARD.encode(wire.octets(message)?).into(),
        Content::Message(inner) => read(inner, wire.octets(message)?, depth + 1)?.into(),
        Content::Time => time(wire.octets(message)?)?,
        Content::Quantity => match part(wire.octets(message)?, "Quantity", 1)? {
            Some(wire) => text("Quantity", wire)?.into(),
            None => json!("0"),
        },
        Content::IntOrString => int_or_string(wire.octets(message)?)?,
        Content::Json => match part(wire.octets(message)?, message, 1)? {
            Some(wire) => serde_json::from_slice(wire.octets(message)?).map_err(|_| malformed(message))?,
            None => Value::Null,
        },
    })
}

/// Go encodes the zero time as an empty message.
fn time(octets: &[u8]) -> Result<Value, Unreadable> {
    let number = |index| -> Result<i64, Unreadable> {
        let found = part(octets, "Time", index)?.map(|wire| wire.number("Time")).transpose()?;
        Ok(found.unwrap_or_default().cast_signed())
    };
    if octets.is_empty() {
        return Ok(Value::Null);
    }
    let nanoseconds = i32::try_from(number(2)?).map_err(|_| malformed("Time"))?;
    let time = Timestamp::new(number(1)?, nanoseconds).map_err(|_| malformed("Time"))?;
    Ok(time.to_string().into())
}

fn int_or_string(octets: &[u8]) -> Result<Value, Unreadable> {
    const NAME: &str = "IntOrString";
    let kind = part(octets, NAME, 1)?.map(|wire| wire.number(NAME)).transpose()?;
    Ok(if kind == Some(1) {
        part(octets, NAME, 3)?.map(|wire| text(NAME, wire)).transpose()?.unwrap_or_default().into()
    } else {
        let number = part(octets, NAME, 2)?.map(|wire| wire.number(NAME)).transpose()?;
        number.unwrap_or_default().cast_signed().into()
    })
}

/// The last field of that number: in protobuf the last one wins.
fn part<'a>(octets: &'a [u8], message: &'static str, number: u64) -> Result<Option<Wire<'a>>, Unreadable> {
    let mut found = None;
    for field in Fields::new(octets, message) {
        let (is, wire) = field?;
        if is == number {
            found = Some(wire);
        }
    }
    Ok(found)
}

fn text(message: &str, wire: Wire<'_>) -> Result<String, Unreadable> {
    String::from_utf8(wire.octets(message)?.to_vec()).map_err(|_| malformed(message))
}

fn is_zero(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::Number(number) => number.as_i64() == Some(0),
        Value::String(text) => text.is_empty(),
        _ => false,
    }
}

fn malformed(message: &str) -> Unreadable {
    Unreadable::Malformed(message.to_owned())
}

/// A field on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wire<'a> {
    Number(u64),
    Octets(&'a [u8]),
}

impl<'a> Wire<'a> {
    fn number(self, message: &str) -> Result<u64, Unreadable> {
        match self {
            Self::Number(number) => Ok(number),
            Self::Octets(_) => Err(malformed(message)),
        }
    }

    fn octets(self, message: &str) -> Result<&'a [u8], Unreadable> {
        match self {
            Self::Octets(octets) => Ok(octets),
            Self::Number(_) => Err(malformed(message)),
        }
    }
}

/// The fields of a message as numbers and values. Ends after the first error.
struct Fields<'a> {
    rest: &'a [u8],
    message: &'a str,
}

impl<'a> Fields<'a> {
    fn new(octets: &'a [u8], message: &'a str) -> Self {
        Self { rest: octets, message }
    }

    fn take(&mut self) -> Option<(u64, Wire<'a>)> {
        let key = varint(&mut self.rest)?;
        let wire = match key & 7 {
            0 => Wire::Number(varint(&mut self.rest)?),
            1 => Wire::Octets(split(&mut self.rest, 8)?),
            2 => {
                let length = usize::try_from(varint(&mut self.rest)?).ok()?;
                Wire::Octets(split(&mut self.rest, length)?)
            }
            5 => Wire::Octets(split(&mut self.rest, 4)?),
            _ => return None,
        };
        Some((key >> 3, wire))
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = Result<(u64, Wire<'a>), Unreadable>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let taken = self.take().ok_or_else(|| malformed(self.message));
        if taken.is_err() {
            self.rest = &[];
        }
        Some(taken)
    }
}

fn split<'a>(octets: &mut &'a [u8], length: usize) -> Option<&'a [u8]> {
    let (taken, rest) = octets.split_at_checked(length)?;
    *octets = rest;
    Some(taken)
}

/// A varint: seven bits per octet, lowest first, at most ten octets.
fn varint(octets: &mut &[u8]) -> Option<u64> {
    let mut number = 0;
    for shift in (0..64).step_by(7) {
        let (octet, rest) = octets.split_first()?;
        *octets = rest;
        number |= u64::from(octet & 0x7f) << shift;
        if octet & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

#[cfg(test)]
mod tests;
