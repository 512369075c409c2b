//! Where the API asks for what other parts of `objects` work out: tables, OpenAPI, patches.
//!
//! One thin function each, so that what is behind can be exchanged in one place.

use serde_json::{Value, json};

use crate::clock::Timestamp;
use crate::objects::{Kind, Labels, Object, Selector};

/// What a row of a table holds of its object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum IncludeObject {
    Metadata,
    Object,
    None,
}

/// Why a patch is not applied.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum PatchError {
    /// The patch itself is malformed.
    #[error("{0}")]
    Malformed(String),
    /// It is well formed but does not fit the object.
    #[error("{0}")]
    Unfit(String),
}

/// Why an applied configuration is not merged.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ApplyError {
    /// Fields belong to others: their manager and path.
    #[allow(dead_code, reason = "only a server that tracks managers can find them")]
    #[error("fields belong to others")]
    Conflicts(Vec<(String, String)>),
    /// The configuration is malformed.
    #[error("{0}")]
    Malformed(String),
}

/// A `meta.k8s.io/v1` Table of objects of one kind.
pub(crate) fn table(
    _kind: Kind,
    objects: &[Object],
    include: IncludeObject,
    now: Timestamp,
    revision: &str,
) -> Value {
    let rows: Vec<Value> = objects.iter().map(|object| row(object, include, now)).collect();
    json!({
        "kind": "Table", "apiVersion": "meta.k8s.io/v1",
        "metadata": {"resourceVersion": revision},
        "columnDefinitions": [
            {"name": "Name", "type": "string", "format": "name", "description": "", "priority": 0},
            {"name": "Age", "type": "string", "format": "", "description": "", "priority": 0},
        ],
        "rows": rows,
    })
}

fn row(object: &Object, include: IncludeObject, now: Timestamp) -> Value {
    let created = object.meta().creation_timestamp.as_ref();
    let age = created.map_or_else(
        || "<unknown>".to_owned(),
        |created| format!("{}s", now.duration_since(created.0).as_secs().max(0)),
    );
    let mut row = json!({"cells": [object.name(), age]});
    match include {
        IncludeObject::None => {}
        IncludeObject::Object => row["object"] = serde_json::from_slice(object.json()).unwrap_or_default(),
        IncludeObject::Metadata => {
            let metadata = serde_json::to_value(object.meta()).unwrap_or_default();
            row["object"] = json!({"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": metadata});
        }
    }
    row
}

/// `/openapi/v3`
pub(crate) fn openapi_index() -> Value {
    let documents = GROUPS
        .iter()
        .map(|path| (path.to_string(), json!({"serverRelativeURL": format!("/openapi/v3/{path}?hash=1")})));
    json!({"paths": documents.collect::<serde_json::Map<_, _>>()})
}

const GROUPS: [&str; 4] = ["api/v1", "apis/apps/v1", "apis/discovery.k8s.io/v1", "apis/storage.k8s.io/v1"];

/// `/openapi/v3/<path>`: that every kind can be patched with validation of fields.
pub(crate) fn openapi_document(path: &str) -> Option<Value> {
    let version = path.strip_prefix("apis/").or_else(|| path.strip_prefix("api/"))?;
    let kinds = Kind::ALL.iter().map(|kind| kind.info()).filter(|info| info.api_version == version);
    let paths: serde_json::Map<String, Value> = kinds
        .map(|info| {
            let namespace = if info.is_namespaced { "/namespaces/{namespace}" } else { "" };
            let kind = json!({"group": info.group, "version": info.version, "kind": info.name});
            let parameter = json!({"name": "fieldValidation", "in": "query", "schema": {"type": "string"}});
            let patch = json!({
                "x-kubernetes-group-version-kind": kind,
                "parameters": [parameter],
                "responses": {"200": {"description": "OK"}},
            });
            (format!("/{path}{namespace}/{}/{{name}}", info.plural), json!({"patch": patch}))
        })
        .collect();
    (!paths.is_empty()).then(
        || json!({"openapi": "3.0.0", "info": {"title": "Kubernetes", "version": "v1"}, "paths": paths}),
    )
}

/// Reads a label selector as it stands in a query.
pub(crate) fn selector(text: &str) -> Result<Selector, String> {
    let mut labels = Labels::new();
    for term in text.split(',').filter(|term| !term.is_empty()) {
        let (key, value) = term
            .split_once("==")
            .or_else(|| term.split_once('='))
            .filter(|(key, _)| !key.ends_with('!'))
            .ok_or_else(|| format!("unable to parse requirement: \"{term}\" is not of the form key=value"))?;
        labels.insert(key.trim().to_owned(), value.trim().to_owned());
    }
    Ok(Selector::from_labels(&labels))
}

/// RFC 6902.
pub(crate) fn json_patch(_kind: Kind, _live: &Value, _patch: &Value) -> Result<Value, PatchError> {
    Err(PatchError::Unfit("JSON patches are not served; use a merge patch".into()))
}

/// RFC 7386.
pub(crate) fn merge_patch(_kind: Kind, live: &Value, patch: &Value) -> Result<Value, PatchError> {
    if !patch.is_object() {
        return Err(PatchError::Malformed("a merge patch must be an object".into()));
    }
    let mut merged = live.clone();
    merge(&mut merged, patch);
    Ok(merged)
}

fn merge(target: &mut Value, patch: &Value) {
    let Value::Object(fields) = patch else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = json!({});
    }
    let Value::Object(map) = target else { return };
    for (name, value) in fields {
        if value.is_null() {
            map.remove(name);
        } else {
            merge(map.entry(name.clone()).or_insert(Value::Null), value);
        }
    }
}

/// A strategic merge patch, its lists merged by their keys.
pub(crate) fn strategic_merge_patch(kind: Kind, live: &Value, patch: &Value) -> Result<Value, PatchError> {
    merge_patch(kind, live, patch)
}

/// Merges an applied configuration into what is there.
pub(crate) fn server_side_apply(
    _kind: Kind,
    _live: Option<&Value>,
    _applied: &Value,
    _manager: &str,
    _force: bool,
    _now: Timestamp,
) -> Result<Value, ApplyError> {
    Err(ApplyError::Malformed("server-side apply is not served; use a client-side apply".into()))
}

/// Notes in `metadata.managedFields` which fields `manager` has changed.
pub(crate) fn track_managers(
    _old: Option<&Value>,
    _new: &mut Value,
    _manager: &str,
    _operation: &str,
    _subresource: &str,
    _now: Timestamp,
) {
}
