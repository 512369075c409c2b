//! Machinery: what works on any object, whatever its kind.
//!
//! Selectors, schemas, merge keys, patches (JSON, merge, strategic, server-side apply), manifests and
//! OpenAPI documents. Values go in and come out; nothing here knows the rules of a single kind, or of
//! tasks, sockets, HTTP or the store.

pub mod apply;
pub mod fields;
pub mod manifest;
pub mod merge_keys;
pub mod openapi;
pub mod patch;
pub(crate) mod schema;
pub mod selector;
pub mod semantic;
pub mod unknown;
