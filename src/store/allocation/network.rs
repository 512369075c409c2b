//! Where cluster addresses and node ports come from.

use std::net::IpAddr;

use ipnet::IpNet;

use super::band::{self, Band};

/// Where cluster addresses and node ports come from.
#[derive(Clone, Debug)]
pub struct ServiceNetwork {
    /// The address ranges, the primary family first; at most one of each family.
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

impl ServiceNetwork {
    /// The address at a place of the primary range: 1 is the first usable one, where Kubernetes
    /// puts the API server's service, 10 the one of the DNS server. `None` if there is none.
    pub fn address(&self, place: u32) -> Option<IpAddr> {
        let range = self.ranges.first()?;
        let number = band::number(range.network()).checked_add(place.into())?;
        Band::of_network(range).contains(number).then(|| band::address(range, number))
    }
}
