//! Names: from services, slices, pods and sets to records, and why a name is missing.
//!
//! ```text
//!   objects ── watch ──► publisher ──► cluster ── render ──► ledger ──► Zones (swapped whole)
//!                            │            └ index: which objects belong together
//!                            └──► explain: the objects again, asked for negative answers
//! ```
//!
//! The bridge between Kubernetes' objects and `dns`, which knows nothing of them. Nothing here
//! opens a socket.

pub(crate) mod cluster;
pub mod explain;
pub(crate) mod index;
pub mod ledger;
pub mod options;
pub mod publisher;
pub mod render;
