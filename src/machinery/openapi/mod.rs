//! The OpenAPI v3 documents: one per group and version, and the index of them.
//!
//! kubectl uses them to explain fields, to choose how to validate, and to merge. The schemas are
//! those the Rust types were generated from, with what [`merge_keys`](super::merge_keys) adds; the
//! paths are those the API serves. Everything is made once, at first use; the hash in a URL changes
//! with the content, so clients can cache a document for as long as they like.

mod components;
mod paths;
mod resource;
pub mod v2;

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::LazyLock;

use bytes::Bytes;
use serde_json::{Map, Value, json};

use resource::Resource;

/// One document: its text, and the hash of it.
struct Document {
    json: Bytes,
    hash: String,
}

/// By path: `api/v1`, `apis/apps/v1`.
static DOCUMENTS: LazyLock<BTreeMap<String, Document>> = LazyLock::new(|| {
    let mut groups: BTreeMap<String, Vec<Resource>> = BTreeMap::new();
    for resource in resource::all() {
        groups.entry(resource.root()).or_default().push(resource);
    }
    groups.into_iter().map(|(path, resources)| (path, made(&resources))).collect()
});

/// The index at `/openapi/v3`: where each document is.
pub fn index() -> Value {
    let address = |(path, document): (&String, &Document)| {
        let url = format!("/openapi/v3/{path}?hash={}", document.hash);
        (path.clone(), json!({"serverRelativeURL": url}))
    };
    json!({"paths": DOCUMENTS.iter().map(address).collect::<Map<_, _>>()})
}

/// The document at `/openapi/v3/{path}`, for `api/v1` or `apis/apps/v1`.
pub fn document(path: &str) -> Option<Value> {
    let (json, _) = serialized(path)?;
    Some(serde_json::from_slice(json).expect("serialized JSON is JSON"))
}

/// The text of the document at `path`, and its hash.
pub fn serialized(path: &str) -> Option<(&'static Bytes, &'static str)> {
    let document = DOCUMENTS.get(path)?;
    Some((&document.json, &document.hash))
}

fn made(resources: &[Resource]) -> Document {
    let paths = paths::of(resources);
    let value = json!({
        "openapi": "3.0.0",
        "info": {"title": "Kubernetes", "version": env!("CARGO_PKG_VERSION")},
        "paths": paths,
        "components": {"schemas": components::of(resources, &paths)},
    });
    let json = Bytes::from(value.to_string());
    let hash = hash_of(&json);
    Document { json, hash }
}

/// Identifies content and protects nothing; 64 bits are enough for the contents of one path.
pub fn hash_of(content: &[u8]) -> String {
    let mut hasher = DefaultHasher::new();
    content.hash(&mut hasher);
    format!("{:016X}", hasher.finish())
}

#[cfg(test)]
mod tests;
