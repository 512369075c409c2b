//! Manifest files as a source of objects: followed, read, and applied whenever one is saved.
//!
//! Nothing here knows of HTTP; a file is applied through the store as a user's write would be.
//! [`check`](check::check) reads files without a store.

pub mod changes;
pub mod check;
pub mod problem;
mod reading;
pub mod source;
mod wanted;
