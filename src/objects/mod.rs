//! What there is: the table of kinds, objects, selectors, defaulting, validation, manifests.
//!
//! Everything here takes values and returns values. Nothing here knows of tasks, sockets, HTTP or
//! the store.

pub mod apply;
pub mod beyond;
pub mod columns;
pub mod defaulting;
pub mod events_api;
mod field;
pub mod fields;
mod kind;
pub mod labels;
pub mod lint;
pub mod manifest;
pub mod merge_keys;
pub mod names;
mod object;
pub mod openapi;
pub mod patch;
pub mod quantity;
mod schema;
mod selector;
pub mod semantic;
pub mod strategy;
mod unknown;
pub mod validation;
mod weight;

pub use field::{Fault, FieldError, Path};
pub use kind::{Kind, KindInfo, KubeObject, Typed};
pub use object::{Object, ObjectKey, Revision, controller_of, controller_reference, time};
pub use selector::{Labels, Selector, SelectorError};
pub use unknown::{unknown_fields, unknown_fields_of};
