//! What a runtime reports of one pod.
//!
//! A report is a value: the agent compares it with the one before and derives everything else.

use std::collections::BTreeMap;

use crate::clock::Timestamp;

/// What the containers of one pod do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PodReport {
    /// The containers by name; one that was never started is absent.
    pub containers: BTreeMap<String, ContainerReport>,
    /// The pod is over, whatever its restart policy says.
    pub ended: Option<Ended>,
    /// When this report will be out of date without [`Runtime::changed`](super::Runtime::changed)
    /// naming the pod.
    pub next_change: Option<Timestamp>,
}

/// What one container does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContainerReport {
    /// The run this is about, as in [`StartContainer::attempt`](super::StartContainer::attempt).
    pub attempt: u32,
    /// The container's id with its runtime's scheme.
    pub id: String,
    /// What exactly the image's name stood for.
    pub image_id: String,
    /// What it does.
    pub state: ContainerState,
}

/// The states of one run of a container.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ContainerState {
    /// Ordered, not running yet.
    Creating,
    /// Running.
    Running {
        /// Since when.
        since: Timestamp,
        /// What the runtime itself says of its health.
        health: Health,
    },
    /// Ended.
    Exited(Exit),
}

/// What a runtime itself says of a running container, besides what probes find: Docker's
/// HEALTHCHECK, or the annotations of a simulated pod. A container is ready only if its probes
/// succeed and its runtime does not object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Health {
    /// It is healthy, or the runtime does not judge.
    Healthy,
    /// It is not known yet.
    Starting,
    /// It is not; what was found.
    Unhealthy(String),
}

/// The end of one run of a container.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exit {
    /// When it began to run.
    pub started_at: Timestamp,
    /// When it ended.
    pub finished_at: Timestamp,
    /// The exit code; 128 + the signal's number after a signal.
    pub code: i32,
    /// A word other than `Completed` and `Error`, if there is a better one (`OOMKilled`).
    pub reason: Option<String>,
    /// What happened, if something is known.
    pub message: Option<String>,
}

/// The end of a whole pod, decided by the runtime.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ended {
    /// Whether it ends as Succeeded, otherwise as Failed.
    pub is_success: bool,
    /// The status' reason, for example `Evicted`.
    pub reason: Option<String>,
    /// The status' message.
    pub message: Option<String>,
}
