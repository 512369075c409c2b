//! The scheduler: gives pods without a node the cluster's one node, or reports why it cannot.
//!
//! ```text
//!   pods, claims, classes, the node ──► keys of pods without a node ──► decide (pure) ──► bind (writes)
//! ```
//!
//! It watches, decides and writes; the node's agent sees the binding as an event like everybody
//! else. A pod that waits is reconciled again when one of its claims, a class, the node or the pod
//! itself changes; nothing is polled.

mod bind;
mod controller;
mod decide;
mod waiting;

pub use controller::Scheduler;
