//! The schemas of a document: every type that its paths refer to, in the dialect of OpenAPI 3.0.
//!
//! In that dialect a reference has no siblings, so the description of a field with a type of its own
//! wraps the reference (`allOf`), as Kubernetes writes it.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::resource::Resource;
use crate::machinery::merge_keys::{self, MergeStrategy};
use crate::machinery::schema;

/// Where a document keeps its schemas.
const PREFIX: &str = "#/components/schemas/";
const QUANTITY: &str = "io.k8s.apimachinery.pkg.api.resource.Quantity";
const INT_OR_STRING: &str = "io.k8s.apimachinery.pkg.util.intstr.IntOrString";
const LIST_META: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.ListMeta";

/// The reference to a schema.
pub(super) fn reference(definition: &str) -> Value {
    json!({"$ref": format!("{PREFIX}{definition}")})
}

/// The schemas of `resources` and their lists, and of all that these and `paths` refer to.
pub(super) fn of(resources: &[Resource], paths: &Map<String, Value>) -> Map<String, Value> {
    let mut schemas: BTreeMap<String, Value> =
        resources.iter().map(|resource| (resource.list_definition(), list(resource))).collect();
    let mut wanted = Vec::new();
    paths.values().chain(schemas.values()).for_each(|value| collect(value, &mut wanted));
    while let Some(name) = wanted.pop() {
        if !schemas.contains_key(&name)
            && let Some(found) = schema::definition(&name)
        {
            let converted = component(&name, found);
            collect(&converted, &mut wanted);
            schemas.insert(name, converted);
        }
    }
    for resource in resources {
        if let Some(schema) = schemas.get_mut(resource.definition) {
            schema["x-kubernetes-group-version-kind"] = json!([resource.group_version_kind("")]);
        }
    }
    schemas.into_iter().collect()
}

/// The names of the types that a value refers to.
fn collect(value: &Value, names: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            let name = fields.get("$ref").and_then(Value::as_str).and_then(|name| name.strip_prefix(PREFIX));
            names.extend(name.map(str::to_owned));
            fields.values().for_each(|field| collect(field, names));
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, names)),
        _ => {}
    }
}

/// The type of a list of objects.
fn list(resource: &Resource) -> Value {
    let properties = schema::definition(resource.definition).and_then(|item| item.get("properties"));
    let said = |field: &str| properties.and_then(|properties| properties.get(field)).cloned();
    json!({
        "description": format!("{}List is a list of objects of kind {}.", resource.kind, resource.kind),
        "type": "object",
        "required": ["items"],
        "properties": {
            "apiVersion": said("apiVersion").unwrap_or_else(|| json!({"type": "string"})),
            "kind": said("kind").unwrap_or_else(|| json!({"type": "string"})),
            "items": {
                "description": "The objects.",
                "type": "array",
                "items": reference(resource.definition),
            },
            "metadata": around(reference(LIST_META), json!({"description": "Standard list metadata."})),
        },
        "x-kubernetes-group-version-kind": [resource.group_version_kind("List")],
    })
}

/// A type, with how its fields merge.
fn component(definition: &str, schema: &Value) -> Value {
    let mut converted = match definition {
        QUANTITY => scalar_of_two(schema, "number", None),
        INT_OR_STRING => scalar_of_two(schema, "integer", Some("int-or-string")),
        _ => converted(schema),
    };
    if merge_keys::is_atomic_struct(definition) {
        converted["x-kubernetes-map-type"] = "atomic".into();
    }
    for (field, property) in converted["properties"].as_object_mut().into_iter().flatten() {
        extend(definition, field, property);
    }
    if converted["properties"].is_null()
        && let Some(fields) = converted.as_object_mut()
    {
        fields.remove("properties");
    }
    converted
}

/// A string that may be written as a number, too.
fn scalar_of_two(schema: &Value, number: &str, format: Option<&str>) -> Value {
    let mut converted = json!({"oneOf": [{"type": number}, {"type": "string"}]});
    for (name, value) in
        [("description", schema.get("description").cloned()), ("format", format.map(Into::into))]
    {
        if let Some(value) = value {
            converted[name] = value;
        }
    }
    converted
}

/// References point into the document, and have no siblings.
fn converted(schema: &Value) -> Value {
    match schema {
        Value::Object(fields) => {
            let name = fields.get("$ref").and_then(Value::as_str);
            if let Some(name) = name.and_then(|name| name.strip_prefix(schema::DEFINITIONS)) {
                let mut others = fields.clone();
                others.remove("$ref");
                return around(reference(name), Value::Object(others));
            }
            Value::Object(fields.iter().map(|(name, field)| (name.clone(), converted(field))).collect())
        }
        Value::Array(items) => Value::Array(items.iter().map(converted).collect()),
        other => other.clone(),
    }
}

/// A reference with a description.
fn around(reference: Value, said: Value) -> Value {
    match said {
        Value::Object(fields) if fields.is_empty() => reference,
        mut said => {
            said["allOf"] = json!([reference]);
            said
        }
    }
}

/// How a field of the type merges.
fn extend(definition: &str, field: &str, property: &mut Value) {
    let strategy = merge_keys::strategy(definition, field);
    if property.get("type").and_then(Value::as_str) == Some("array") {
        let list_type = match strategy {
            Some(MergeStrategy::Map { keys }) => {
                property["x-kubernetes-list-map-keys"] = json!(keys);
                "map"
            }
            Some(MergeStrategy::Set) => "set",
            Some(MergeStrategy::Atomic) | None => "atomic",
        };
        property["x-kubernetes-list-type"] = list_type.into();
    } else if strategy == Some(MergeStrategy::Atomic) {
        property["x-kubernetes-map-type"] = "atomic".into();
    } else if merge_keys::is_granular_field(definition, field) {
        property["x-kubernetes-map-type"] = "granular".into();
    }
    if let Some(patch) = merge_keys::patch_strategy(definition, field) {
        let strategy = if patch.retain_keys { "merge,retainKeys" } else { "merge" };
        property["x-kubernetes-patch-strategy"] = strategy.into();
        if let Some(key) = patch.merge_key {
            property["x-kubernetes-patch-merge-key"] = key.into();
        }
    }
    // Items are identified by keys that may be left out; then the key has its default.
    if is_port(definition)
        && let Some(default) = merge_keys::key_default(field)
    {
        property["default"] = default.into();
    }
}

/// The types whose items are identified by their protocol, among other keys.
fn is_port(definition: &str) -> bool {
    matches!(definition, "io.k8s.api.core.v1.ContainerPort" | "io.k8s.api.core.v1.ServicePort")
}
