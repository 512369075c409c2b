//! What runs containers, behind one trait.
//!
//! The agent decides what must run, when it is started again and for how long it may take to stop;
//! a runtime starts and stops single containers and reports what they do. Every call returns at
//! once: a container that is being fetched, started or stopped is seen in the next [`Report`]. The
//! agent reads a report again at [`Report::next_change`] and whenever [`Runtime::changed`] names
//! the pod. A runtime knows nothing of the store; what it holds is bounded by the pods it was given
//! and has not been told to remove.

pub mod simulated;

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use async_trait::async_trait;
use k8s_openapi::api::core::v1::Pod;

use crate::clock::Timestamp;

/// Starts, stops and reports containers.
#[async_trait]
pub trait Runtime: Send + Sync + 'static {
    /// Name and version as nodes report them, for example `containerd://2.0.0`.
    fn version(&self) -> String;

    /// What in the pod is meant for this runtime and cannot be used, one sentence each. The agent
    /// records them on the pod; the runtime uses its defaults instead.
    fn complaints(&self, pod: &Pod) -> Vec<String>;

    /// Begins to run a container of a pod. The one of the attempt before, if any, has ended.
    async fn start(&self, order: Start<'_>);

    /// Asks a container to stop; it is killed when `grace` has passed. Asked again, the shorter
    /// time counts.
    async fn stop(&self, pod_uid: &str, container: &str, grace: Duration);

    /// Forgets a pod and kills what is left of it.
    async fn remove(&self, pod_uid: &str);

    /// Takes up a pod that ran before this process began. Survivors that do not run any more are
    /// left out of the following reports.
    async fn adopt(&self, pod: &Pod, survivors: &[Survivor]);

    /// What the containers of a pod do now; empty for an unknown pod.
    async fn report(&self, pod_uid: &str) -> Report;

    /// Waits for a change that no report has announced; returns the uid of the pod. Cancel safe.
    async fn changed(&self) -> String;
}

/// The order to run one container.
#[derive(Clone, Copy, Debug)]
pub struct Start<'a> {
    /// The pod, as it is now.
    pub pod: &'a Pod,
    /// The name of the container.
    pub container: &'a str,
    /// What sort of container it is.
    pub role: Role,
    /// How often it was started before: the restart count this run will have.
    pub attempt: u32,
    /// The addresses of the pod.
    pub addresses: &'a [IpAddr],
}

/// What sort of container one is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Runs to its end before the next one starts.
    Init,
    /// An init container with `restartPolicy: Always`: has started before the next one starts, and
    /// runs as long as the pod.
    Sidecar,
    /// An ordinary container.
    Main,
}

/// A container that ran when the last status of its pod was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Survivor {
    /// The name of the container.
    pub container: String,
    /// What sort of container it is.
    pub role: Role,
    /// Its restart count.
    pub attempt: u32,
    /// Since when it runs.
    pub since: Timestamp,
    /// Whether it was ready.
    pub is_ready: bool,
}

/// What the containers of one pod do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// The containers by name; one that was never started is absent.
    pub containers: BTreeMap<String, ContainerReport>,
    /// The pod is over, whatever its restart policy says.
    pub ended: Option<Ended>,
    /// When this report is out of date without [`Runtime::changed`] telling.
    pub next_change: Option<Timestamp>,
}

/// What one container does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContainerReport {
    /// The run this is about, as in [`Start::attempt`].
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
    /// Fetched, created, not running yet.
    Creating,
    /// Cannot be created now; the agent tries again.
    Refused {
        /// A word as kubelets use, for example `ErrImagePull`.
        reason: String,
        /// What happened.
        message: String,
    },
    /// Running.
    Running {
        /// Since when.
        since: Timestamp,
        /// Its startup probe, if any, has succeeded.
        is_started: bool,
        /// Whether it is ready.
        readiness: Readiness,
    },
    /// Ended.
    Exited(Exit),
}

/// Whether a running container is ready.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Readiness {
    /// It is.
    Ready,
    /// It was not probed yet.
    Unknown,
    /// It is not; what the probe said.
    Unready(String),
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
