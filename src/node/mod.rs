//! The node: turns pods into running things through a runtime and reports their status.
//!
//! ```text
//!   store ── watch ──► agent ── one turn of one pod ──► pod (pure step) ── containers, probes, status
//!     ▲                  │                               │
//!     │                  ├── recorder: events, beside    ▼
//!     └── status, confirmed deletions ◄──────────── runtime: sandboxes, containers, reports
//!   api ── logs, exec, attach, port-forward ──► server ──┘
//! ```
//!
//! What a kubelet is. One task drives all pods concurrently. Every pod that has something due later
//! has one entry in one ordered agenda, so an idle pod costs nothing and a change costs O(log pods).
//! Nothing here knows of StatefulSets or DNS. When the server stops, pods are left as they are; the
//! next start adopts them.

mod addresses;
mod agenda;
mod agent;
mod backoff;
mod containers;
mod context;
mod hosts;
mod identity;
mod lease;
mod log;
mod options;
mod pod;
mod recorder;
mod registration;
pub mod runtime;
mod server;
mod slot;
mod status;
mod waiting;

pub use agent::Agent;
pub use options::{LEASE_RENEWAL, NodeOptions, NodeSize};
pub use server::NodeServer;
