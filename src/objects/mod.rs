//! What there is: the table of kinds, objects, selectors, defaulting, validation, manifests.
//!
//! Everything here takes values and returns values. Nothing here knows of tasks, sockets, HTTP or
//! the store.

pub mod beyond;
pub mod events_api;
mod field;
mod kind;
pub mod labels;
pub mod names;
mod object;
pub mod quantity;
mod weight;

pub use field::{Fault, FieldError, Path};
pub use kind::{Kind, KindInfo, KubeObject, Typed};
pub use object::{Object, ObjectKey, Revision, controller_of, controller_reference, time};
