//! The `meta.k8s.io` Table of objects.
//!
//! Rows are computed while they are written, one after the other: a table of ten thousand pods is
//! never in memory in another form than its text.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde::ser::{Serialize, SerializeStruct, Serializer};
use serde_json::Value;
use serde_json::value::RawValue;

use super::column::Column;
use super::kinds::{cells, columns};
use super::pod;
use crate::clock::Timestamp;
use crate::objects::{Kind, Object};

/// How much of the object its row contains (the query parameter `includeObject`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum IncludeObject {
    /// Its metadata: kubectl takes the namespace and the labels from there.
    #[default]
    Metadata,
    /// All of it.
    Object,
    /// Nothing.
    None,
}

impl IncludeObject {
    /// Parses the query parameter; absent and empty mean the default. `None` if the value is unknown.
    pub fn parse(text: Option<&str>) -> Option<Self> {
        match text {
            None | Some("" | "Metadata") => Some(Self::Metadata),
            Some("Object") => Some(Self::Object),
            Some("None") => Some(Self::None),
            Some(_) => None,
        }
    }
}

/// The table of some objects of one kind, with the columns of that kind.
#[derive(Clone, Copy, Debug)]
pub struct Table<'a> {
    /// The kind of the objects.
    pub kind: Kind,
    /// The version of `meta.k8s.io` that was asked for: `v1` or `v1beta1`.
    pub version: &'a str,
    /// The metadata of the list: its `resourceVersion` and `continue` token.
    pub metadata: &'a Value,
    /// The objects, in the order of their rows.
    pub objects: &'a [Object],
    /// How much of each object its row contains.
    pub include: IncludeObject,
    /// The time at which ages are computed.
    pub now: Timestamp,
}

impl Serialize for Table<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut table = serializer.serialize_struct("Table", 5)?;
        table.serialize_field("kind", "Table")?;
        table.serialize_field("apiVersion", &format_args!("meta.k8s.io/{}", self.version))?;
        table.serialize_field("metadata", self.metadata)?;
        table.serialize_field("columnDefinitions", columns(self.kind))?;
        table.serialize_field("rows", &Rows(self))?;
        table.end()
    }
}

impl Serialize for Column {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut definition = serializer.serialize_struct("TableColumnDefinition", 5)?;
        definition.serialize_field("name", self.name)?;
        definition.serialize_field("type", self.cell_type)?;
        definition.serialize_field("format", self.format)?;
        definition.serialize_field("description", self.description)?;
        definition.serialize_field("priority", &self.priority)?;
        definition.end()
    }
}

struct Rows<'a>(&'a Table<'a>);

impl Serialize for Rows<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Table { include, now, .. } = *self.0;
        serializer.collect_seq(self.0.objects.iter().map(|object| Row { object, include, now }))
    }
}

struct Row<'a> {
    object: &'a Object,
    include: IncludeObject,
    now: Timestamp,
}

impl Serialize for Row<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut row = serializer.serialize_struct("TableRow", 3)?;
        row.serialize_field("cells", &cells(self.object.typed(), self.now))?;
        if let Some(condition) = self.object.get().and_then(pod::completion) {
            row.serialize_field("conditions", &[condition])?;
        }
        match self.include {
            IncludeObject::Metadata => row.serialize_field("object", &Partial(self.object.meta()))?,
            IncludeObject::Object => row.serialize_field("object", whole(self.object))?,
            IncludeObject::None => row.serialize_field("object", &())?,
        }
        row.end()
    }
}

fn whole(object: &Object) -> &RawValue {
    serde_json::from_slice(object.json()).expect("the JSON form of an object is JSON")
}

/// The metadata of an object, as the `PartialObjectMetadata` of `meta.k8s.io/v1`.
pub struct Partial<'a>(pub &'a ObjectMeta);

impl Serialize for Partial<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut partial = serializer.serialize_struct("PartialObjectMetadata", 3)?;
        partial.serialize_field("kind", "PartialObjectMetadata")?;
        partial.serialize_field("apiVersion", "meta.k8s.io/v1")?;
        partial.serialize_field("metadata", self.0)?;
        partial.end()
    }
}
