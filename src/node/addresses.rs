//! Pod addresses: one per pod network, unique among the pods that hold them.
//!
//! Addresses are allocated in rotation, so that a freed one is reused last: a peer that still has it
//! cached does not reach another pod. The network's own address, the first host (the gateway) and
//! IPv4's broadcast address are never allocated. A pod gets an address of every network or none;
//! when a network is full, [`Addresses::take`] returns none.

use std::collections::{BTreeSet, HashMap};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;

/// The allocated addresses by holder.
#[derive(Debug)]
pub(super) struct Addresses {
    pools: Vec<Pool>,
    held: HashMap<String, Vec<IpAddr>>,
}

#[derive(Debug)]
struct Pool {
    network: IpNet,
    /// The first and the last offset from the network's address that may be allocated.
    offsets: std::ops::RangeInclusive<u128>,
    taken: BTreeSet<u128>,
    next: u128,
}

impl Addresses {
    /// All addresses of `networks` are free.
    pub(super) fn new(networks: &[IpNet]) -> Self {
        Self { pools: networks.iter().copied().map(Pool::new).collect(), held: HashMap::new() }
    }

    /// The addresses of a holder: those it has, or one new address of each network. `None` if one
    /// of the networks is full.
    pub(super) fn take(&mut self, holder: &str) -> Option<Vec<IpAddr>> {
        if let Some(held) = self.held.get(holder) {
            return Some(held.clone());
        }
        if self.pools.iter().any(Pool::is_full) {
            return None;
        }
        let taken: Option<Vec<IpAddr>> = self.pools.iter_mut().map(Pool::take).collect();
        let taken = taken?;
        self.held.insert(holder.to_owned(), taken.clone());
        Some(taken)
    }

    /// The addresses of a holder; empty if it has none.
    pub(super) fn held(&self, holder: &str) -> Vec<IpAddr> {
        self.held.get(holder).cloned().unwrap_or_default()
    }

    /// Marks addresses as a holder's. False if another holder has one of them.
    pub(super) fn reserve(&mut self, holder: &str, addresses: &[IpAddr]) -> bool {
        if self.pools.iter().any(|pool| addresses.iter().any(|address| pool.has_taken(*address))) {
            return false;
        }
        for pool in &mut self.pools {
            addresses.iter().for_each(|address| pool.reserve(*address));
        }
        self.held.insert(holder.to_owned(), addresses.to_vec());
        true
    }

    /// Frees the addresses of a holder.
    pub(super) fn free(&mut self, holder: &str) {
        for address in self.held.remove(holder).into_iter().flatten() {
            self.pools.iter_mut().for_each(|pool| pool.free(address));
        }
    }

    /// The full networks, for messages.
    pub(super) fn full_networks(&self) -> String {
        let full = self.pools.iter().filter(|pool| pool.is_full());
        full.map(|pool| pool.network.to_string()).collect::<Vec<_>>().join(", ")
    }
}

impl Pool {
    fn new(network: IpNet) -> Self {
        let host_bits = u32::from(network.max_prefix_len() - network.prefix_len());
        let size = 1_u128.checked_shl(host_bits).unwrap_or(u128::MAX);
        let last = match network {
            IpNet::V4(_) => size.saturating_sub(2),
            IpNet::V6(_) => size - 1,
        };
        Self { network: network.trunc(), offsets: 2..=last, taken: BTreeSet::new(), next: 2 }
    }

    fn is_full(&self) -> bool {
        let size = (self.offsets.end() + 1).saturating_sub(*self.offsets.start());
        self.taken.len() as u128 >= size
    }

    fn take(&mut self) -> Option<IpAddr> {
        if self.is_full() {
            return None;
        }
        let mut offset = self.next;
        while !self.offsets.contains(&offset) || self.taken.contains(&offset) {
            offset = if offset >= *self.offsets.end() { *self.offsets.start() } else { offset + 1 };
        }
        self.taken.insert(offset);
        self.next = offset + 1;
        Some(self.address(offset))
    }

    fn reserve(&mut self, address: IpAddr) {
        if let Some(offset) = self.offset(address) {
            self.taken.insert(offset);
            self.next = self.next.max(offset.saturating_add(1));
        }
    }

    fn free(&mut self, address: IpAddr) {
        if let Some(offset) = self.offset(address) {
            self.taken.remove(&offset);
        }
    }

    fn has_taken(&self, address: IpAddr) -> bool {
        self.offset(address).is_some_and(|offset| self.taken.contains(&offset))
    }

    fn offset(&self, address: IpAddr) -> Option<u128> {
        self.network.contains(&address).then(|| number(address) - number(self.network.network()))
    }

    fn address(&self, offset: u128) -> IpAddr {
        let number = number(self.network.network()) + offset;
        match self.network {
            IpNet::V4(_) => u32::try_from(number).map_or(Ipv4Addr::BROADCAST, Ipv4Addr::from).into(),
            IpNet::V6(_) => Ipv6Addr::from(number).into(),
        }
    }
}

fn number(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => u32::from(address).into(),
        IpAddr::V6(address) => address.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addresses(networks: &[&str]) -> Addresses {
        let networks: Vec<IpNet> = networks.iter().map(|network| network.parse().unwrap()).collect();
        Addresses::new(&networks)
    }

    fn take(addresses: &mut Addresses, holder: &str) -> String {
        let taken = addresses.take(holder).unwrap_or_default();
        taken.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn network_gateway_and_broadcast_are_never_given() {
        let mut pool = addresses(&["10.0.0.0/29"]);
        let given: Vec<String> = (0..6).map(|n| take(&mut pool, &n.to_string())).collect();
        assert_eq!(given, ["10.0.0.2", "10.0.0.3", "10.0.0.4", "10.0.0.5", "10.0.0.6", ""]);
        assert_eq!(pool.full_networks(), "10.0.0.0/29");
    }

    #[test]
    fn a_freed_address_is_the_last_to_come_again() {
        let mut pool = addresses(&["10.0.0.0/29"]);
        take(&mut pool, "a");
        pool.free("a");
        let given: Vec<String> = (0..5).map(|n| take(&mut pool, &n.to_string())).collect();
        assert_eq!(given, ["10.0.0.3", "10.0.0.4", "10.0.0.5", "10.0.0.6", "10.0.0.2"]);
    }

    #[test]
    fn a_holder_keeps_its_addresses_one_of_each_family() {
        let mut pool = addresses(&["10.0.0.0/24", "fd00::/64"]);
        assert_eq!(take(&mut pool, "a"), "10.0.0.2 fd00::2");
        assert_eq!(take(&mut pool, "b"), "10.0.0.3 fd00::3");
        assert_eq!(take(&mut pool, "a"), "10.0.0.2 fd00::2");
    }

    #[test]
    fn a_reserved_address_is_not_given_and_not_reserved_twice() {
        let mut pool = addresses(&["10.0.0.0/24"]);
        let held: IpAddr = "10.0.0.7".parse().unwrap();
        assert!(pool.reserve("old", &[held]));
        assert!(!pool.reserve("other", &[held]));
        assert_eq!(take(&mut pool, "new"), "10.0.0.8");
    }

    #[test]
    fn a_network_without_room_and_the_largest_network_are_no_special_cases() {
        assert_eq!(take(&mut addresses(&["10.0.0.1/32"]), "a"), "");
        assert_eq!(take(&mut addresses(&["::/0"]), "a"), "::2");
        assert_eq!(take(&mut addresses(&["255.255.255.248/29"]), "a"), "255.255.255.250");
    }
}
