//! What is observed of containers, and what must be done about them.

use crate::node::runtime::{ProbeKind, Role};

/// Something that becomes an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::node) enum Observation {
    /// The container began to run.
    Started { container: String, image: String },
    /// A probe of it failed.
    Unhealthy { kind: ProbeKind, message: String },
    /// A probe of it could not be carried out.
    ProbeErrored { kind: ProbeKind, message: String },
    /// It has ended too often and waits.
    BackingOff { container: String },
    /// It could not be created.
    Refused { reason: String, message: String },
    /// It is asked to stop.
    Stopping { container: String, reason: StopReason },
}

/// Something that must be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::node) enum Action {
    /// Start a container.
    Start { container: String, role: Role, attempt: u32 },
    /// Stop a container.
    Stop { container: String, reason: StopReason },
}

/// Why a container is stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::node) enum StopReason {
    /// The pod ends.
    PodEnds,
    /// Its image has changed.
    DefinitionChanged,
    /// Its startup or liveness probe has failed too often.
    ProbeFailed(ProbeKind),
}
