//! Addresses to reverse names, networks to reverse zones.
//!
//! A reverse zone ends at an octet (IPv4) or a nibble (IPv6). A network whose prefix ends between two
//! such boundaries becomes several zones with the next longer prefix, so that no address outside it is
//! claimed. A network smaller than the smallest zone (/24, /124) gets that zone; RFC 2317 delegation of
//! parts of a /24 is not used, because it needs CNAMEs in the parent.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;

use crate::dns::message::name::{self, Octets, WireName};

/// `in-addr.arpa` in wire form (RFC 1035 section 3.5).
const V4_SUFFIX: &[u8] = b"\x07in-addr\x04arpa\0";
/// `ip6.arpa` in wire form (RFC 3596 section 2.5).
const V6_SUFFIX: &[u8] = b"\x03ip6\x04arpa\0";

/// Whether a name is at or below `in-addr.arpa` or `ip6.arpa`.
pub(crate) fn is_reverse(name: &WireName) -> bool {
    [V4_SUFFIX, V6_SUFFIX].iter().any(|above| name::is_at_or_below(name.as_bytes(), above))
}

/// The owner of the PTR records of an address.
pub(crate) fn name(address: IpAddr) -> WireName {
    let mut wire = Octets::new();
    match address {
        IpAddr::V4(address) => {
            for octet in address.octets().into_iter().rev() {
                let digits = [octet / 100, octet / 10 % 10, octet % 10].map(|digit| b'0' + digit);
                let n_zeros = usize::from(octet < 100) + usize::from(octet < 10);
                let label = &digits[n_zeros..];
                wire.push(label.len() as u8);
                wire.extend_from_slice(label);
            }
            wire.extend_from_slice(V4_SUFFIX);
        }
        IpAddr::V6(address) => {
            let nibbles = address.octets().into_iter().rev().flat_map(|octet| [octet & 15, octet >> 4]);
            wire.extend(nibbles.flat_map(|nibble| [1, b"0123456789abcdef"[usize::from(nibble)]]));
            wire.extend_from_slice(V6_SUFFIX);
        }
    }
    WireName::from(wire.as_slice())
}

/// The reverse zones of a network.
pub(crate) fn zones_of(network: IpNet) -> Vec<WireName> {
    let (step, longest) = match network {
        IpNet::V4(_) => (8, 24),
        IpNet::V6(_) => (4, 124),
    };
    let prefix = network.prefix_len().next_multiple_of(step).clamp(0, longest);
    let first = network.trunc().addr();
    // At most 2^7 zones, because the boundary is less than 8 bits away.
    let n_zones: u32 = 1 << prefix.saturating_sub(network.prefix_len());
    (0..n_zones).map(|index| suffix(&name(nth(first, prefix, index)), prefix / step)).collect()
}

/// The zone for an address if no networks are configured: its /16 or /64.
pub(crate) fn zone_around(reverse_name: &WireName) -> Option<WireName> {
    let name = reverse_name.as_bytes();
    match name::ancestors(name).count() - 1 {
        6 if name.ends_with(V4_SUFFIX) => Some(suffix(reverse_name, 2)),
        34 if name.ends_with(V6_SUFFIX) => Some(suffix(reverse_name, 16)),
        _ => None,
    }
}

/// The last labels of a reverse name: `arpa`, the tree's label, and `n_parts` of the address.
fn suffix(reverse_name: &WireName, n_parts: u8) -> WireName {
    let ancestors: Vec<&[u8]> = name::ancestors(reverse_name.as_bytes()).collect();
    let kept = usize::from(n_parts) + 3;
    WireName::from(ancestors[ancestors.len() - kept])
}

/// The first address of the network of length `prefix` that is `index` such networks further on.
fn nth(first: IpAddr, prefix: u8, index: u32) -> IpAddr {
    match first {
        IpAddr::V4(first) => {
            let offset = index.checked_shl(u32::from(32 - prefix)).unwrap_or(0);
            Ipv4Addr::from_bits(first.to_bits() | offset).into()
        }
        IpAddr::V6(first) => {
            let offset = u128::from(index).checked_shl(u32::from(128 - prefix)).unwrap_or(0);
            Ipv6Addr::from_bits(first.to_bits() | offset).into()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hickory_proto::rr::Name;

    fn check(network: &str, expected: &[&str]) {
        let zones: Vec<String> =
            zones_of(network.parse().unwrap()).iter().map(|zone| zone.to_string()).collect();
        assert_eq!(zones, expected, "{network}");
    }

    #[test]
    fn an_address_has_the_name_that_others_give_it_too() {
        for address in ["10.1.20.255", "0.0.0.0", "100.10.101.1", "fd00::1234:abcd", "::", "::ffff:1.2.3.4"] {
            let address: IpAddr = address.parse().unwrap();
            assert_eq!(name(address), WireName::of(&Name::from(address)), "{address}");
        }
    }

    #[test]
    fn a_network_becomes_the_zones_that_make_it_up() {
        check("10.0.0.0/8", &["10.in-addr.arpa."]);
        check("10.96.0.0/16", &["96.10.in-addr.arpa."]);
        check("10.0.96.0/24", &["96.0.10.in-addr.arpa."]);
        check("10.96.0.0/15", &["96.10.in-addr.arpa.", "97.10.in-addr.arpa."]);
        check("192.0.2.64/26", &["2.0.192.in-addr.arpa."]);
        check("192.0.2.1/32", &["2.0.192.in-addr.arpa."]);
        check("0.0.0.0/0", &["in-addr.arpa."]);
        check("fd00::/8", &["d.f.ip6.arpa."]);
        check("fd00::/7", &["c.f.ip6.arpa.", "d.f.ip6.arpa."]);
        check("::/0", &["ip6.arpa."]);
        check("1234:abcd::/64", &["0.0.0.0.0.0.0.0.d.c.b.a.4.3.2.1.ip6.arpa."]);
        assert_eq!(zones_of("10.96.0.0/12".parse().unwrap()).len(), 16);
        assert_eq!(zones_of("0.0.0.0/1".parse().unwrap()).len(), 128);
        assert_eq!(zones_of("fd00::1/128".parse().unwrap()).len(), 1);
    }

    #[test]
    fn an_address_without_a_network_gets_a_zone_around_it() {
        let check = |address: &str, expected: &str| {
            let zone = zone_around(&name(address.parse().unwrap())).unwrap();
            assert_eq!(zone.to_string(), expected);
        };
        check("10.1.2.3", "1.10.in-addr.arpa.");
        check("1234:abcd::1", "0.0.0.0.0.0.0.0.d.c.b.a.4.3.2.1.ip6.arpa.");
        let forward = WireName::of(&Name::from_ascii("a.b.c.d.cluster.local.").unwrap());
        assert_eq!(zone_around(&forward), None);
    }
}
