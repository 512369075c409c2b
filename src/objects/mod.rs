//! What there is: the table of kinds, an object and its metadata, names, labels, quantities, names of images.
//!
//! [`pod`], [`service`], [`namespace`], [`claim`], [`storage_class`] and [`taint`] are the words of
//! Kubernetes as predicates, each once.
//! Everything here takes values and returns values. Nothing here knows of tasks, sockets, HTTP or
//! the store.

pub mod beyond;
pub mod claim;
pub mod events_api;
mod field;
pub mod image;
mod kind;
pub mod labels;
pub mod names;
pub mod namespace;
mod object;
pub mod pod;
pub mod probe;
pub mod quality;
pub mod quantity;
pub mod service;
pub mod storage_class;
pub mod taint;
pub mod version;
mod weight;

pub use field::{Fault, FieldError, Path};
pub use kind::{Kind, KindInfo, KubeObject, Typed};
pub use object::{
    Object, ObjectKey, Revision, controller_of, controller_reference, name_of, namespace_of, time,
};
