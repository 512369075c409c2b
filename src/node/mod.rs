//! The node: turns pods into running things through a runtime and reports their status.
//!
//! ```text
//!   store ── watch ──► agent ── scheduling (pure): may this pod be bound, and if not, why
//!     ▲                  │
//!     │                  ├── containers (pure): what each container does, what must happen next
//!     │                  ├── runtime: start, stop, report     (simulated, later processes, docker)
//!     │                  └── status (pure): the pod's status as a kubelet writes it
//!     └── bind, status, confirm a deletion, events ◄──┘
//! ```
//!
//! One task serves the whole node. Every pod that has something due later has one entry in one
//! ordered agenda, so an idle pod costs nothing and a change costs O(log pods). Nothing here knows
//! of StatefulSets or DNS. When the server stops, pods are left as they are; the next start adopts
//! them from their status.

mod addresses;
mod agenda;
mod agent;
mod backoff;
mod containers;
mod registration;
mod resident;
pub mod runtime;
mod status;

pub use agent::{Agent, NodeOptions};
