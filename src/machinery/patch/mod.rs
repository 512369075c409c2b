//! Patches: JSON patch, JSON merge patch, strategic merge patch, server-side apply, and the owners
//! of fields.
//!
//! ```text
//!   json_patch, merge_patch          RFC 6902, RFC 7386
//!   strategic_merge_patch            lists merge by the keys of their types; directives `$patch` ...
//!   server_side_apply                what a manager applied before, applies now, and others own
//!   track_managers                   after every other write: who changed what
//! ```
//!
//! All take JSON values and return JSON values. Nothing here sets defaults, validates, or knows of
//! versions and preconditions: the result is handled like a complete object that was sent.
//!
//! At its limits: a patch that does not fit is an error that says where; a live object that does
//! not fit its own schema (items without their key, duplicate items) is merged as far as possible.

mod apply;
mod conflict;
mod error;
mod faults;
mod field_set;
mod json;
mod last_applied;
mod managed;
mod strategic;
mod structure;
mod track;

pub use apply::{server_side_apply, server_side_apply_status};
pub use conflict::{ApplyConflict, ApplyError};
pub use error::PatchError;
pub use json::{json_patch, merge_patch};
pub use strategic::strategic_merge_patch;
pub use track::track_managers;

#[cfg(test)]
mod tests;
