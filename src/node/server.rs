//! What the API asks of a node: logs, exec, attach, port-forward; as a kubelet's server answers them.
//!
//! A runtime whose containers write no log has the log of [`log`](super::log) instead: the events of
//! the pod. A node that is down is not asked: its kubelet would not answer either.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use async_trait::async_trait;
use k8s_openapi::api::core::v1::{Node, Pod};

use super::hosts::is_taken_down;
use super::log;
use super::registration;
use super::runtime::{Runtime, RuntimeError};
use crate::objects::pod;
use crate::store::Store;
use crate::streaming::{ContainerStreams, LogQuery, LogStream, PortStream, Session, Wanted};

/// The port of a kubelet's server.
const KUBELET_PORT: u16 = 10250;

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

    fn unreachable(&self, pod: &Pod) -> Option<SocketAddr> {
        let node = self.store.get(&registration::key(pod::node_name(pod)?))?;
        let address = internal_address(node.get::<Node>()?)?;
        is_taken_down(&node).then(|| SocketAddr::new(address, KUBELET_PORT))
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

/// The address at which an API server looks for a kubelet.
fn internal_address(node: &Node) -> Option<IpAddr> {
    let addresses = node.status.as_ref()?.addresses.as_deref()?;
    addresses.iter().find(|address| address.type_ == "InternalIP")?.address.parse().ok()
}
