//! The trait that every runtime implements.
//!
//! Every call ends by itself within a bounded time; the agent awaits the calls of one pod in order
//! and those of different pods concurrently. The agent reads a report again at
//! [`PodReport::next_change`] and whenever [`Runtime::changed`] names the pod.

use std::time::Duration;

use async_trait::async_trait;
use k8s_openapi::api::core::v1::Pod;

use super::error::RuntimeError;
use super::order::{Sandbox, StartContainer, Survivor};
use super::probe::{ProbeReply, ProbeRequest};
use super::report::PodReport;
use crate::streaming::{LogQuery, LogStream, PortStream, Session, Wanted};

/// Runs pods: a sandbox each, and containers in it.
#[async_trait]
pub trait Runtime: Send + Sync + 'static {
    /// Name and version as nodes report them, for example `containerd://2.0.0`.
    fn version(&self) -> String;

    /// What in the pod is meant for this runtime and cannot be used, one sentence each. The agent
    /// records them as events; the runtime uses its defaults instead.
    fn complaints(&self, pod: &Pod) -> Vec<String>;

    /// Creates the pod's sandbox, or takes the one that is there.
    async fn ensure_sandbox(&self, sandbox: Sandbox<'_>) -> Result<(), RuntimeError>;

    /// Frees what a pod whose containers have all ended holds, except its logs.
    async fn stop_sandbox(&self, pod_uid: &str) -> Result<(), RuntimeError>;

    /// Kills what is left of a pod and forgets it. Once this succeeds nothing of the pod runs.
    async fn remove_sandbox(&self, pod_uid: &str) -> Result<(), RuntimeError>;

    /// The uids of all pods of which something is left, also from before this process began. A
    /// runtime proves that what it finds is its own; a stored pid or id alone is no proof.
    async fn sandboxes(&self) -> Result<Vec<String>, RuntimeError>;

    /// Adopts a pod that ran before this process began. Survivors that do not run any more are
    /// absent from the following reports.
    async fn adopt(&self, pod: &Pod, survivors: &[Survivor]) -> Result<(), RuntimeError>;

    /// Begins to run a container; the run before, if any, has ended. The container may still be
    /// being created when this returns.
    async fn start(&self, order: StartContainer<'_>) -> Result<(), RuntimeError>;

    /// Asks a container to stop; it is killed when `grace` has passed. Asked again, the shorter
    /// time counts. Does not wait for the end.
    async fn stop(&self, pod_uid: &str, container: &str, grace: Duration) -> Result<(), RuntimeError>;

    /// What the containers of a pod do now. An error means unknown, not gone; a container that is
    /// absent from a report is gone.
    async fn report(&self, pod_uid: &str) -> Result<PodReport, RuntimeError>;

    /// Waits for a change that no report has announced; returns the uid of the pod. Cancel safe.
    async fn changed(&self) -> String;

    /// Carries one probe out, within its timeout. An error says nothing about the container.
    async fn probe(&self, request: ProbeRequest<'_>) -> Result<ProbeReply, RuntimeError>;

    /// Why neither exec, attach nor port-forward can work, in words that continue "cannot run
    /// commands in pod default/web-0: "; `None` if they can.
    fn refuses_streams(&self) -> Option<&'static str> {
        None
    }

    /// Reads the log of a container. A runtime whose containers write none has none.
    async fn log(&self, _: &str, _: &str, _: LogQuery) -> Result<LogStream, RuntimeError> {
        Err(RuntimeError::Unsupported)
    }

    /// Runs a command in a running container.
    async fn exec(&self, _: &str, _: &str, _: &[String], _: Wanted) -> Result<Session, RuntimeError> {
        Err(RuntimeError::Unsupported)
    }

    /// Attaches to the main process of a running container.
    async fn attach(&self, _: &str, _: &str, _: Wanted) -> Result<Session, RuntimeError> {
        Err(RuntimeError::Unsupported)
    }

    /// Connects to a port of a pod.
    async fn dial(&self, _: &str, _: u16) -> Result<PortStream, RuntimeError> {
        Err(RuntimeError::Unsupported)
    }
}
