//! Names: from services, slices, pods and sets to records, and why a name is missing.
//!
//! ```text
//!   a store ── stored ─┐
//!   any other source ──┴► publisher ──► cluster ── render ──► ledger ──► Zones (swapped whole)
//!                                         ├ index: which objects belong together
//!                                         └ explain: the same objects, asked for negative answers
//! ```
//!
//! The bridge between Kubernetes' objects and `dns`, which knows nothing of them. Nothing here
//! opens a socket, and only `stored` knows the store.

mod cluster;
pub mod explain;
mod index;
mod label;
pub mod ledger;
pub mod options;
mod published;
pub mod publisher;
pub mod render;
pub mod source;
mod stale;
pub mod stored;
