//! The schemas of the kinds: which fields there are, and the type of each.
//!
//! They are those that `k8s-openapi` generates its types from, so whatever fits a schema can be
//! decoded. All are made once, at first use.

use std::sync::LazyLock;

use k8s_openapi::schemars::generate::SchemaSettings;
use k8s_openapi::schemars::{JsonSchema, SchemaGenerator};
use serde_json::{Map, Value};

use crate::objects::Kind;

/// The schema of every kind, with those of all types in them.
static SCHEMAS: LazyLock<Map<String, Value>> = LazyLock::new(|| {
    let mut generator = SchemaSettings::draft2020_12().into_generator();
    for kind in Kind::ALL {
        kind.add_schema(&mut generator);
    }
    add_companions(&mut generator);
    generator.take_definitions(true)
});

/// The types that requests and answers hold besides the kinds.
fn add_companions(generator: &mut SchemaGenerator) {
    use k8s_openapi::api::autoscaling::v1::Scale;
    use k8s_openapi::api::events::v1::Event;
    use k8s_openapi::api::policy::v1::Eviction;
    use k8s_openapi::apimachinery::pkg::apis::meta::v1 as meta;
    generator.subschema_for::<Scale>();
    generator.subschema_for::<Event>();
    generator.subschema_for::<Eviction>();
    generator.subschema_for::<meta::DeleteOptions>();
    generator.subschema_for::<meta::ListMeta>();
    generator.subschema_for::<meta::Patch>();
    generator.subschema_for::<meta::Status>();
}

/// Where the definitions are that schemas refer to.
pub(super) const DEFINITIONS: &str = "#/$defs/";
pub(super) const QUANTITY: &str = "io.k8s.apimachinery.pkg.api.resource.Quantity";

/// The schema that a schema refers to, with its name; a schema that refers to none is itself.
pub(super) fn resolve(schema: &'static Value) -> (&'static str, &'static Value) {
    let name = schema.get("$ref").and_then(Value::as_str).and_then(|name| name.strip_prefix(DEFINITIONS));
    match name.and_then(|name| SCHEMAS.get_key_value(name)) {
        Some((name, schema)) => (name, schema),
        None => ("", schema),
    }
}

/// The schema of the type with that name (`io.k8s.api.core.v1.PodSpec`).
pub(super) fn definition(name: &str) -> Option<&'static Value> {
    SCHEMAS.get(name)
}

/// The schema of a kind; null, which accepts anything, if there were none.
pub(super) fn of(kind: Kind) -> &'static Value {
    named(kind).1
}

/// The schema of a kind, with the name of its type.
pub(super) fn named(kind: Kind) -> (&'static str, &'static Value) {
    match SCHEMAS.get_key_value(kind.schema_name().as_ref()) {
        Some((name, schema)) => (name, schema),
        None => ("", &Value::Null),
    }
}

impl Kind {
    fn add_schema(self, generator: &mut SchemaGenerator) {
        with_type(self, Add(generator));
    }

    fn schema_name(self) -> std::borrow::Cow<'static, str> {
        with_type(self, Name)
    }
}

/// An operation on the Rust type of a kind.
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
        apps::v1 as apps, coordination::v1 as coordination, core::v1 as core, discovery::v1 as discovery,
        node::v1 as node, storage::v1 as storage,
    };
    match kind {
        Kind::Namespace => visit.visit::<core::Namespace>(),
        Kind::Node => visit.visit::<core::Node>(),
        Kind::PersistentVolume => visit.visit::<core::PersistentVolume>(),
        Kind::StorageClass => visit.visit::<storage::StorageClass>(),
        Kind::RuntimeClass => visit.visit::<node::RuntimeClass>(),
        Kind::ServiceAccount => visit.visit::<core::ServiceAccount>(),
        Kind::ConfigMap => visit.visit::<core::ConfigMap>(),
        Kind::Secret => visit.visit::<core::Secret>(),
        Kind::Service => visit.visit::<core::Service>(),
        Kind::PersistentVolumeClaim => visit.visit::<core::PersistentVolumeClaim>(),
        Kind::Pod => visit.visit::<core::Pod>(),
        Kind::StatefulSet => visit.visit::<apps::StatefulSet>(),
        Kind::ControllerRevision => visit.visit::<apps::ControllerRevision>(),
        Kind::EndpointSlice => visit.visit::<discovery::EndpointSlice>(),
        Kind::Endpoints => visit.visit::<core::Endpoints>(),
        Kind::Lease => visit.visit::<coordination::Lease>(),
        Kind::Event => visit.visit::<core::Event>(),
    }
}

/// The type that a schema wants.
pub(super) enum Type<'a> {
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
    pub(super) fn of(schema: &'a Value) -> Type<'a> {
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

    /// The value that replaces an item that does not fit, so that the others keep their indices.
    pub(super) fn nothing(&self) -> Value {
        match self {
            Type::Fields(_) | Type::MapOf(_) | Type::AnyObject => Value::Object(Map::new()),
            Type::ListOf(_) => Value::Array(Vec::new()),
            Type::Integer { .. } | Type::Number | Type::IntegerOrText => Value::from(0),
            Type::Boolean => Value::from(false),
            Type::Text(_) | Type::Quantity | Type::Anything => Value::from(""),
        }
    }

    /// What is wanted, in words.
    pub(super) fn what(&self) -> &'static str {
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
