//! The options with the names that follow from them, and the result of rendering an object.
//!
//! Each renderer is a method of [`Scheme`], in the file named after its objects.

use std::collections::BTreeSet;
use std::net::IpAddr;

use hickory_proto::rr::rdata::SOA;

use crate::dns::message::name::{NameTooLong, WireName};
use crate::dns::zone::{AddressNameRule, Zone};
use crate::names::ledger::Contribution;
use crate::names::options::{PodNames, ZoneOptions};

/// The options, with the names that follow from them.
#[derive(Clone, Debug)]
pub struct Scheme {
    pub(super) options: ZoneOptions,
    pub(super) zone: WireName,
    pub(super) services: WireName,
    pub(super) pods: WireName,
    pub(super) server: WireName,
}

/// The result of rendering one object.
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
    /// The names for these options; an error if the cluster domain is too long for them.
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

    /// A zone of the cluster without any names yet. Its SOA is CoreDNS', except for the TTL of negative
    /// answers.
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

    /// Whether objects of this namespace are published.
    pub fn exposes(&self, namespace: &str) -> bool {
        let exposed = &self.options.namespaces;
        exposed.is_empty() || exposed.iter().any(|name| name == namespace)
    }
}
