//! A range of numbers in two bands.
//!
//! Statically requested numbers are usually low (the tenth address, port 30000), so Kubernetes
//! allocates dynamically from the upper band first (documents "Service ClusterIP allocation" and
//! "Avoid collisions assigning ports to NodePort services"). Kubernetes picks at random within a band;
//! here it is the lowest free number, so that the same services always get the same numbers.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;

/// An inclusive range of numbers; empty if `last < first`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Band {
    first: u128,
    last: u128,
    /// The size of the lower band.
    offset: u128,
}

impl Band {
    /// The usable addresses of a network: neither its own address nor, for IPv4, the broadcast
    /// address.
    pub(super) fn of_network(network: &IpNet) -> Self {
        let (first, last) = (number(network.network()), number(network.broadcast()));
        let size = (last - first).saturating_add(1);
        let offset = if size <= 16 { 0 } else { (size / 16).clamp(16, 256) };
        let last = if network.addr().is_ipv4() { last.saturating_sub(1) } else { last };
        Self { first: first + 1, last, offset }
    }

    /// The ports from `first` to `last`.
    pub(super) fn of_ports((first, last): (u16, u16)) -> Self {
        let (first, last) = (u128::from(first), u128::from(last));
        let size = (last + 1).saturating_sub(first);
        let offset = if size <= 16 { 0 } else { (size / 32).clamp(16, 128) };
        Self { first, last, offset }
    }

    pub(super) fn contains(&self, number: u128) -> bool {
        (self.first..=self.last).contains(&number)
    }

    /// The lowest free number of the upper band, else of the lower one. `taken_from(n)` returns the
    /// allocated numbers from `n` on, ascending.
    pub(super) fn lowest_free<I>(&self, taken_from: impl Fn(u128) -> I) -> Option<u128>
    where
        I: Iterator<Item = u128>,
    {
        let middle = self.first.saturating_add(self.offset);
        let below = self.last.min(middle.saturating_sub(1));
        gap(middle, self.last, &taken_from).or_else(|| gap(self.first, below, &taken_from))
    }
}

/// The first number from `first` to `last` that is not taken.
fn gap<I>(first: u128, last: u128, taken_from: impl Fn(u128) -> I) -> Option<u128>
where
    I: Iterator<Item = u128>,
{
    if first > last {
        return None;
    }
    let mut candidate = first;
    for number in taken_from(first) {
        if number > candidate || candidate > last {
            break;
        }
        candidate = number.saturating_add(1);
    }
    (candidate <= last).then_some(candidate)
}

/// An address as a number of its family.
pub(super) fn number(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => u128::from(address.to_bits()),
        IpAddr::V6(address) => address.to_bits(),
    }
}

/// The address that a number of `network`'s family stands for.
pub(super) fn address(network: &IpNet, number: u128) -> IpAddr {
    match network {
        IpNet::V4(_) => {
            let bits = u32::try_from(number).expect("a number of an IPv4 network has 32 bits");
            Ipv4Addr::from_bits(bits).into()
        }
        IpNet::V6(_) => Ipv6Addr::from_bits(number).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(network: &str, taken: &[&str], expected: Option<&str>) {
        let network: IpNet = network.parse().unwrap();
        let mut taken: Vec<u128> = taken.iter().map(|text| number(text.parse().unwrap())).collect();
        taken.sort_unstable();
        let found = Band::of_network(&network)
            .lowest_free(|from| taken.clone().into_iter().filter(move |number| *number >= from))
            .map(|number| address(&network, number).to_string());
        assert_eq!(found.as_deref(), expected, "{network} without {taken:?}");
    }

    #[test]
    fn the_upper_band_is_given_out_first_and_in_order() {
        check("10.96.0.0/16", &[], Some("10.96.1.1"));
        check("10.96.0.0/16", &["10.96.1.1", "10.96.1.2", "10.96.1.4"], Some("10.96.1.3"));
        check("10.96.0.0/16", &["10.96.0.1", "10.96.0.10"], Some("10.96.1.1"));
        check("10.0.0.0/24", &[], Some("10.0.0.17"));
        check("fd00::/108", &[], Some("fd00::101"));
    }

    #[test]
    fn neither_network_nor_broadcast_address_is_given_out() {
        check("10.0.0.0/30", &[], Some("10.0.0.1"));
        check("10.0.0.0/30", &["10.0.0.1"], Some("10.0.0.2"));
        check("10.0.0.0/30", &["10.0.0.1", "10.0.0.2"], None);
        check("10.0.0.0/32", &[], None);
        check("fd00::/127", &[], Some("fd00::1"));
    }

    #[test]
    fn a_full_upper_band_falls_back_on_the_lower_one() {
        let upper: Vec<String> = (17..=30).map(|octet| format!("10.0.0.{octet}")).collect();
        let upper: Vec<&str> = upper.iter().map(String::as_str).collect();
        check("10.0.0.0/27", &upper, Some("10.0.0.1"));
        let all: Vec<String> = (1..=30).map(|octet| format!("10.0.0.{octet}")).collect();
        let all: Vec<&str> = all.iter().map(String::as_str).collect();
        check("10.0.0.0/27", &all, None);
    }

    #[test]
    fn dynamic_node_ports_start_above_the_static_band() {
        let lowest = |ports| Band::of_ports(ports).lowest_free(|_| std::iter::empty());
        assert_eq!(lowest((30_000, 32_767)), Some(30_086));
        assert_eq!(lowest((30_000, 30_015)), Some(30_000));
        assert_eq!(lowest((30_001, 30_000)), None);
    }
}
