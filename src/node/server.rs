//! What the API asks of a node: logs, exec, attach, port-forward; as a kubelet's server answers them.
//!
//! A runtime whose containers write no log has the log of [`log`](super::log) instead: the events of
//! the pod.

use std::sync::Arc;

use async_trait::async_trait;
use k8s_openapi::api::core::v1::Pod;

use super::log;
use super::runtime::{Runtime, RuntimeError};
use crate::store::Store;
use crate::streaming::{ContainerStreams, LogQuery, LogStream, PortStream, Session, Wanted};

/// Gives the API its way into the containers of this node.
pub struct NodeServer {
    store: Store,
    runtime: Arc<dyn Runtime>,
}

impl NodeServer {
    /// A server for the pods that `runtime` runs.
    pub fn new(store: Store, runtime: Arc<dyn Runtime>) -> Self {
        Self { store, runtime }
    }
}

#[async_trait]
impl ContainerStreams for NodeServer {
    fn refuses(&self, _: &Pod) -> Option<String> {
        self.runtime.refuses_streams().map(str::to_owned)
    }

    async fn exec(
        &self,
        pod: &Pod,
        container: &str,
        command: &[String],
        wanted: Wanted,
    ) -> Result<Session, String> {
        self.runtime.exec(uid(pod), container, command, wanted).await.map_err(|error| error.to_string())
    }

    async fn attach(&self, pod: &Pod, container: &str, wanted: Wanted) -> Result<Session, String> {
        self.runtime.attach(uid(pod), container, wanted).await.map_err(|error| error.to_string())
    }

    async fn connect(&self, pod: &Pod, port: u16) -> Result<PortStream, String> {
        self.runtime.dial(uid(pod), port).await.map_err(|error| error.to_string())
    }

    async fn log(&self, pod: &Pod, container: &str, query: LogQuery) -> Result<LogStream, String> {
        log::check(pod, container, query)?;
        match self.runtime.log(uid(pod), container, query).await {
            Err(RuntimeError::Unsupported) => Ok(log::of_events(&self.store, pod, container, query)),
            other => other.map_err(|error| error.to_string()),
        }
    }
}

fn uid(pod: &Pod) -> &str {
    pod.metadata.uid.as_deref().unwrap_or_default()
}
