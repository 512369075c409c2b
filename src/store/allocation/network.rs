//! The ranges of cluster addresses and node ports.

use std::net::IpAddr;

use ipnet::IpNet;

use super::band::{self, Band};

/// The ranges of cluster addresses and node ports.
#[derive(Clone, Debug)]
pub struct ServiceNetwork {
    /// The address ranges, the primary family first; at most one of each family.
    pub ranges: Vec<IpNet>,
    /// The first and the last node port.
    pub node_ports: (u16, u16),
}

impl Default for ServiceNetwork {
    /// 10.96.0.0/16 and 30000 to 32767, the defaults of kubeadm.
    fn default() -> Self {
        let range = IpNet::new([10, 96, 0, 0].into(), 16).expect("16 is a prefix length of IPv4");
        Self { ranges: vec![range], node_ports: (30_000, 32_767) }
    }
}

impl ServiceNetwork {
    /// The address with this offset in the primary range: 1 is that of the API server's service, 10
    /// that of the DNS server's. `None` beyond the range.
    pub fn address(&self, place: u32) -> Option<IpAddr> {
        let range = self.ranges.first()?;
        let number = band::number(range.network()).checked_add(place.into())?;
        Band::of_network(range).contains(number).then(|| band::address(range, number))
    }
}
