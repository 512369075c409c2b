//! Manifest files as a source of objects: followed, read, and applied whenever one is saved.
//!
//! Nothing here knows of HTTP; a file is applied through the store as a user's write would be.

pub mod changes;
mod reading;
pub mod source;
