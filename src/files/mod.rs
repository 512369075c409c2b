//! Manifest files as a source of objects: followed, read, and applied whenever one is saved.
//!
//! Nothing here knows HTTP: files are applied through the store, like the writes of a user.
//! [`check`](check::check) needs no store.

pub mod changes;
pub mod check;
pub mod problem;
mod reading;
pub mod reload;
pub mod source;
mod wanted;
