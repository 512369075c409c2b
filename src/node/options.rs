//! The settings of a node.

use std::net::IpAddr;
use std::time::Duration;

use ipnet::IpNet;

/// What a node is.
#[derive(Clone, Debug)]
pub struct NodeOptions {
    /// The name of its Node object.
    pub name: String,
    /// Where pod addresses come from; one network per address family. Nodes share none.
    pub pod_networks: Vec<IpNet>,
    /// The node's own address.
    pub address: IpAddr,
    /// What it has room for.
    pub size: NodeSize,
    /// The topology zone that it is in.
    pub zone: Option<String>,
    /// How often its lease is renewed; `None` where nobody would miss it.
    pub renews_lease_every: Option<Duration>,
}

/// What a node has room for. The node itself counts nothing against it; schedulers do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeSize {
    /// Processor cores, as a Kubernetes quantity.
    pub cpu: String,
    /// Octets of memory, as a Kubernetes quantity.
    pub memory: String,
    /// Octets of storage for what pods write outside of volumes, as a Kubernetes quantity.
    pub ephemeral_storage: String,
    /// How many pods.
    pub pods: u32,
}

/// How often a kubelet renews its lease: a quarter of the lease's duration of 40 s
/// (`nodeLeaseDurationSeconds` of the kubelet's configuration).
pub const LEASE_RENEWAL: Duration = Duration::from_secs(10);

impl NodeSize {
    /// Room for whatever a test, a benchmark or a simulation runs.
    pub fn ample() -> Self {
        let (cpu, memory) = ("1M".to_owned(), "1Pi".to_owned());
        Self { cpu, ephemeral_storage: memory.clone(), memory, pods: 1_000_000 }
    }
}
