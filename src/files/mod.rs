//! Manifest files as a source of objects: followed, read, and applied whenever one is saved.
//!
//! ```text
//!   walk ─► reading ─► manifest::parse ─► wanted (each object once) ─► applying ─► store
//!     changes, reload ─► source ──────────────────────────────────────────┘  │
//!                          └─► report: changes, what was taken back, problems, remarks
//! ```
//!
//! Nothing here knows HTTP: files are applied through the store, like the writes of a user.
//! [`check`](check::check) applies them to a store of its own, so that it finds what a server would.

mod applying;
pub mod changes;
pub mod check;
mod export;
pub mod manifests;
pub mod once;
pub mod problem;
mod reading;
pub mod reload;
pub mod remark;
pub mod report;
pub mod source;
mod told;
mod walk;
mod wanted;
