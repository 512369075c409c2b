//! Cluster addresses and node ports of services.

use ipnet::IpNet;

/// Where cluster addresses and node ports come from.
#[derive(Clone, Debug)]
pub struct ServiceNetwork {
    /// The address ranges, the primary family first.
    pub ranges: Vec<IpNet>,
    /// The first and the last node port.
    pub node_ports: (u16, u16),
}

impl Default for ServiceNetwork {
    /// 10.96.0.0/16 and 30000 to 32767, as kubeadm sets a cluster up.
    fn default() -> Self {
        let range = IpNet::new([10, 96, 0, 0].into(), 16).expect("16 is a prefix length of IPv4");
        Self { ranges: vec![range], node_ports: (30_000, 32_767) }
    }
}
