//! What runs containers, behind one trait close to the kubelet's CRI.
//!
//! The agent decides what must run, when it is probed and restarted, and how long it may take to
//! stop; a runtime carries single orders out and reports what it sees. A runtime knows nothing of
//! the store. What it holds is bounded by the pods it was given and has not been told to remove.

mod error;
mod interface;
mod order;
mod probe;
mod report;
pub mod simulated;

pub use error::RuntimeError;
pub use interface::Runtime;
pub use order::{Mount, Role, Sandbox, StartContainer, Survivor};
pub use probe::{ProbeKind, ProbeOutcome, ProbeReply, ProbeRequest};
pub use report::{ContainerReport, ContainerState, Ended, Exit, Health, PodReport};
