//! Names made of addresses: `10-0-0-1` for 10.0.0.1.
//!
//! Such names need no node each: a rule says what an address label two labels below `parent` answers
//! with, if the name between them exists. Labels are canonical (RFC 5952 before the dashes); a label
//! that spells an IPv6 address in another way means the same name.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use hickory_proto::rr::RecordType;

use super::rrset::RrSet;
use crate::dns::message::name::{self, WireName};

/// How an address label below a child of `parent` is answered if it has no node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddressNameRule {
    /// The rule applies below the nodes one label below this name.
    pub parent: WireName,
    /// Whether the canonical name must have a node; else the records are synthesized.
    pub is_verified: bool,
    /// TTL of synthesized records, in seconds.
    pub ttl_s: u32,
}

/// What the rule says of a name.
pub(super) enum AddressName {
    /// It exists with this RRset.
    Synthesized(RrSet<'static>),
    /// It means the same as this name, which need not exist.
    SameAs(WireName),
}

impl AddressNameRule {
    /// What a missing name is, if it is an address label to which the rule applies; `encloser` is
    /// its closest ancestor that exists (RFC 4592 section 3.3.1).
    pub(super) fn apply(&self, missing: &[u8], encloser: &[u8]) -> Option<AddressName> {
        let applies = name::parent(encloser) == Some(self.parent.as_bytes());
        if !applies || name::parent(missing) != Some(encloser) {
            return None;
        }
        let address = spelled_address(name::first_label(missing)?)?;
        if self.is_verified {
            return WireName::from(encloser).child(&address_label(address)).ok().map(AddressName::SameAs);
        }
        let record_type = if address.is_ipv4() { RecordType::A } else { RecordType::AAAA };
        Some(AddressName::Synthesized(RrSet::of_addresses(record_type, self.ttl_s, [&address])))
    }
}

/// The label of an address: dots and colons become dashes. A zero is put where the label would
/// begin or end with a dash, which a host name must not (RFC 952, RFC 1123 section 2.1).
pub(crate) fn address_label(address: IpAddr) -> String {
    let mut label = match address {
        IpAddr::V4(address) => address.to_string().replace('.', "-"),
        IpAddr::V6(address) => match address.to_ipv4_mapped() {
            Some(_) => format!("0--ffff-{:x}-{:x}", address.segments()[6], address.segments()[7]),
            None => address.to_string().replace(':', "-"),
        },
    };
    if label.starts_with('-') {
        label.insert(0, '0');
    }
    if label.ends_with('-') {
        label.push('0');
    }
    label
}

/// The address that a label spells: IPv4 if it has exactly three dashes, apart from one another.
pub(crate) fn spelled_address(label: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(label).ok()?;
    if text.contains(['.', ':']) {
        return None;
    }
    if text.matches('-').count() == 3 && !text.contains("--") {
        return text.replace('-', ".").parse::<Ipv4Addr>().ok().map(IpAddr::V4);
    }
    text.replace('-', ":").parse::<Ipv6Addr>().ok().map(IpAddr::V6)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(address: &str, expected: &str) {
        let address: IpAddr = address.parse().unwrap();
        assert_eq!(address_label(address), expected);
        assert_eq!(spelled_address(expected.as_bytes()), Some(address), "{expected}");
    }

    #[test]
    fn a_label_is_a_host_name_and_means_its_address() {
        check("10.11.12.13", "10-11-12-13");
        check("2001:db8:3333:4444:5555:6666:7777:8888", "2001-db8-3333-4444-5555-6666-7777-8888");
        check("2001:db8:3333:4444:5555:6666::", "2001-db8-3333-4444-5555-6666--0");
        check("5678:abcd::2", "5678-abcd--2");
        check("::1", "0--1");
        check("::", "0--0");
        check("::ffff:10.0.0.1", "0--ffff-a00-1");
    }

    #[test]
    fn what_spells_no_address_is_none() {
        for label in ["300-1-1-1", "01-2-3-4", "blah", "1-2-3", "", "-", "1.2.3.4", "1-2--3-4-5--6"] {
            assert_eq!(spelled_address(label.as_bytes()), None, "{label}");
        }
        assert_eq!(spelled_address(b"2001-db8-0-0-0-0-0-5"), Some("2001:db8::5".parse().unwrap()));
    }
}
