//! What a runtime is told: sandboxes, containers to start, containers to adopt.
//!
//! Everything that stands elsewhere in the store (configuration, secrets, claims, other pods'
//! addresses) is resolved before an order is given.

use std::net::IpAddr;

use k8s_openapi::api::core::v1::{Container, Pod};

use crate::clock::Timestamp;

/// The sandbox of a pod: what its containers share.
#[derive(Clone, Copy, Debug)]
pub struct Sandbox<'a> {
    /// The pod.
    pub pod: &'a Pod,
    /// Its host name.
    pub hostname: &'a str,
    /// Its addresses.
    pub addresses: &'a [IpAddr],
    /// The text of its `/etc/resolv.conf`; `None` if it has the node's.
    pub resolv_conf: Option<&'a str>,
}

/// The order to run one container.
#[derive(Clone, Copy, Debug)]
pub struct StartContainer<'a> {
    /// The pod, as it is now.
    pub pod: &'a Pod,
    /// The container's spec: image, command, ports, resources, security context.
    pub container: &'a Container,
    /// What sort of container it is.
    pub role: Role,
    /// How often it was started before: the restart count this run will have.
    pub attempt: u32,
    /// Its whole environment, in order and resolved.
    pub environment: &'a [(String, String)],
    /// Its mounts, resolved.
    pub mounts: &'a [Mount],
}

/// A folder or file of the node, and where a container sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mount {
    /// Where it is on the node.
    pub source: std::path::PathBuf,
    /// Where the container sees it.
    pub target: std::path::PathBuf,
    /// Whether the container may only read it.
    pub is_read_only: bool,
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
