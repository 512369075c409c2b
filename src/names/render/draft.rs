//! The records of one object while they are collected, name by name.
//!
//! Addresses, ports and pointers are added in any order and may repeat; `finish` makes RRsets of them.

use std::collections::BTreeMap;
use std::net::IpAddr;

use hickory_proto::rr::RecordType;

use super::reverse;
use super::scheme::Scheme;
use super::srv::weigh;
use crate::dns::message::name::WireName;
use crate::dns::zone::{RrSet, RrSets};
use crate::names::ledger::{Contribution, Entry, Rank};

/// Entries while their records are collected.
pub(super) struct Draft {
    ttl_s: u32,
    names: BTreeMap<WireName, Data>,
}

/// What is collected for one name.
#[derive(Default)]
pub(super) struct Data {
    rank: Rank,
    pub(super) addresses: Vec<IpAddr>,
    /// Ports and targets.
    pub(super) services: Vec<(u16, WireName)>,
    pointers: Vec<WireName>,
    pub(super) others: Vec<RrSet<'static>>,
}

impl Draft {
    pub(super) fn new(scheme: &Scheme) -> Self {
        Self { ttl_s: scheme.options.ttl_s, names: BTreeMap::new() }
    }

    /// What is collected for a name, which exists from now on.
    pub(super) fn at(&mut self, name: &WireName) -> &mut Data {
        self.names.entry(name.clone()).or_default()
    }

    /// A PTR record for an address.
    pub(super) fn point(&mut self, address: IpAddr, target: &WireName, rank: Rank) {
        let data = self.at(&reverse::name(address));
        // A cluster address hides an endpoint with that address within one object, too.
        if rank > data.rank {
            data.pointers.clear();
            data.rank = rank;
        }
        if rank == data.rank {
            data.pointers.push(target.clone());
        }
    }

    pub(super) fn finish(self) -> Contribution {
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
