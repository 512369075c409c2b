//! The settings of the node.

use std::net::IpAddr;

use ipnet::IpNet;

/// What a node is.
#[derive(Clone, Debug)]
pub struct NodeOptions {
    /// The name of its Node object.
    pub name: String,
    /// Where pod addresses come from; one network per address family.
    pub pod_networks: Vec<IpNet>,
    /// The node's own address.
    pub address: IpAddr,
}
