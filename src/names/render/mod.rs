//! Kubernetes objects to records, as the specification "Kubernetes DNS-Based Service Discovery"
//! 1.1.0 and CoreDNS have them. Pure: objects in, contributions and complaints out.
//!
//! | file | objects | names |
//! |---|---|---|
//! | `service` | a service and its slices | `<svc>.<ns>.svc`, `_<port>._<proto>.…`, `<endpoint>.…`, PTR |
//! | `again` | the same, of which some slices have changed | what others have is kept |
//! | `endpoints` | slices | who is ready, at which address, under which label |
//! | `zonal` | a headless service's endpoints by zone | `<zone>.pin._zone.<svc>.…`, `<zone>.prefer.…` |
//! | `pods` | namespaces, pods | `<ns>.svc`, `<ns>.pod`, `<a-b-c-d>.<ns>.pod` |
//! | `fixed` | options | apex, `ns.dns`, `dns-version`, `svc`, `pod` |
//! | `reverse` | addresses, networks | `in-addr.arpa`, `ip6.arpa` |
//!
//! Names that exist without records (namespaces, `svc`) are entries without RRsets. A part of an
//! object that makes no valid name is left out with a complaint; the rest is rendered.

pub(crate) mod again;
pub(crate) mod endpoints;
mod fixed;
mod pods;
pub(crate) mod reverse;
mod service;
mod zonal;

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use hickory_proto::rr::RecordType;
use hickory_proto::rr::rdata::SOA;

pub use again::Touched;
pub use endpoints::endpoint_label;

use super::ledger::{Contribution, Entry, Rank};
use super::options::{PodNames, ZoneOptions};
use crate::dns::message::name::{LABEL_OCTETS_MAX, NameTooLong, WireName};
use crate::dns::zone::{AddressNameRule, RrSet, RrSets, SRV_FIXED_LENGTH, Zone};

/// The options, with the names that follow from them.
#[derive(Clone, Debug)]
pub struct Scheme {
    options: ZoneOptions,
    zone: WireName,
    services: WireName,
    pods: WireName,
    server: WireName,
}

/// What one object gives.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rendered {
    /// The records.
    pub contribution: Contribution,
    /// The names by which this server is reached through the object, if it is.
    pub name_servers: Vec<NameServer>,
    /// What could not be rendered, and why.
    pub complaints: Vec<String>,
}

/// A name by which this server is reached.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct NameServer {
    /// The name.
    pub name: WireName,
    /// Its addresses.
    pub addresses: BTreeSet<IpAddr>,
}

impl Scheme {
    /// The names for these options; an error if the cluster's domain leaves no room for them.
    pub fn new(options: ZoneOptions) -> Result<Self, NameTooLong> {
        let zone = WireName::of(&options.cluster_domain);
        let server = zone.child("dns")?.child("ns")?;
        Ok(Self { services: zone.child("svc")?, pods: zone.child("pod")?, server, zone, options })
    }

    /// The options.
    pub fn options(&self) -> &ZoneOptions {
        &self.options
    }

    /// The cluster's zone.
    pub fn zone(&self) -> &WireName {
        &self.zone
    }

    /// A zone of the cluster without any names yet. Its SOA is that of CoreDNS, but for the TTL of
    /// negative answers.
    pub fn empty_zone(&self, apex: &WireName) -> Result<Zone, NameTooLong> {
        let server = apex.child("dns")?.child("ns")?.to_name();
        let mailbox = apex.child("hostmaster")?.to_name();
        let soa = SOA::new(server, mailbox, 0, 7200, 1800, 86400, self.options.negative_ttl_s);
        let mut zone = Zone::new(apex.to_name(), soa, self.options.ttl_s.min(300));
        if *apex == self.zone && self.options.pods != PodNames::Disabled {
            let is_verified = self.options.pods == PodNames::Verified;
            let rule = AddressNameRule { parent: self.pods.clone(), is_verified, ttl_s: self.options.ttl_s };
            zone.set_address_names(Some(rule));
        }
        zone.set_fallthrough(&self.options.fallthrough);
        zone.set_synced(self.options.is_synced);
        Ok(zone)
    }

    /// Whether objects of this namespace have names.
    pub fn exposes(&self, namespace: &str) -> bool {
        let exposed = &self.options.namespaces;
        exposed.is_empty() || exposed.iter().any(|name| name == namespace)
    }
}

/// Entries while they are collected.
struct Draft {
    ttl_s: u32,
    names: BTreeMap<WireName, Data>,
}

#[derive(Default)]
struct Data {
    rank: Rank,
    addresses: Vec<IpAddr>,
    /// Ports and targets.
    services: Vec<(u16, WireName)>,
    pointers: Vec<WireName>,
    others: Vec<RrSet<'static>>,
}

impl Draft {
    fn new(scheme: &Scheme) -> Self {
        Self { ttl_s: scheme.options.ttl_s, names: BTreeMap::new() }
    }

    /// What is collected for a name, which exists from now on.
    fn at(&mut self, name: &WireName) -> &mut Data {
        self.names.entry(name.clone()).or_default()
    }

    /// A PTR record for an address.
    fn point(&mut self, address: IpAddr, target: &WireName, rank: Rank) {
        let data = self.at(&reverse::name(address));
        // Within one object too, a cluster address hides an endpoint of that address.
        if rank > data.rank {
            data.pointers.clear();
            data.rank = rank;
        }
        if rank == data.rank {
            data.pointers.push(target.clone());
        }
    }

    fn finish(self) -> Contribution {
        let ttl_s = self.ttl_s;
        let entry = |(name, data): (WireName, Data)| Entry {
            name,
            rank: data.rank,
            rrsets: RrSets::of(data.into_rrsets(ttl_s)),
        };
        Contribution::new(self.names.into_iter().map(entry))
    }
}

impl Data {
    fn into_rrsets(self, ttl_s: u32) -> impl Iterator<Item = RrSet<'static>> {
        let of = |record_type| RrSet::of_addresses(record_type, ttl_s, &self.addresses);
        let addresses = [of(RecordType::A), of(RecordType::AAAA)];
        let pointers = RrSet::of_names(RecordType::PTR, ttl_s, &self.pointers);
        let services = weigh(RrSet::of_services(ttl_s, self.services));
        addresses.into_iter().chain([pointers, services]).chain(self.others)
    }
}

/// SRV records of equal weight: 100 divided by the number of answers, at least 1, because a target
/// of weight 0 would hardly ever be chosen beside others (RFC 2782).
fn weigh(mut services: RrSet<'static>) -> RrSet<'static> {
    let n_answers = u16::try_from(services.len()).unwrap_or(u16::MAX).max(1);
    let weight = (100 / n_answers).max(1).to_be_bytes();
    services.change_each(|rdata| rdata[2..4].copy_from_slice(&weight));
    services
}

/// What tells SRV records of one name and priority apart, whatever their weight: port and target.
fn service_key(rdata: &[u8]) -> &[u8] {
    &rdata[4..]
}

/// The target of an SRV record.
fn service_target(rdata: &[u8]) -> &[u8] {
    &rdata[SRV_FIXED_LENGTH..]
}

/// Whether `text` can stand as one label of a host or service name.
fn is_label(text: &str) -> bool {
    let is_allowed = |octet: u8| octet.is_ascii_alphanumeric() || octet == b'-' || octet == b'_';
    (1..=LABEL_OCTETS_MAX).contains(&text.len()) && text.bytes().all(is_allowed)
}

#[cfg(test)]
mod tests;
