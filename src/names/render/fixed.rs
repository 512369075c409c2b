//! Names that every zone of the cluster has, whatever the objects: the apex and the server's own.
//!
//! They follow from the options and from the services through which this server is reached.

use std::net::IpAddr;

use hickory_proto::rr::RecordType;

use super::draft::Draft;
use super::scheme::{NameServer, Scheme};
use crate::dns::message::name::{NameTooLong, WireName};
use crate::dns::zone::RrSet;
use crate::names::ledger::Contribution;

/// The version of the specification, in the TXT record of `dns-version`.
const DNS_VERSION: &str = "1.1.0";
/// TTL of `dns-version`, which never changes while a server runs.
const DNS_VERSION_TTL_S: u32 = 28_800;

impl Scheme {
    /// A zone's own records: NS, the server's addresses, and in the cluster's zone the fixed names. If
    /// no service leads to this server, its name is `ns.dns` in the cluster's zone, for the reverse zones
    /// as well, so that it can be resolved.
    pub fn apex(&self, apex: &WireName, name_servers: &[NameServer]) -> Result<Contribution, NameTooLong> {
        let mut draft = Draft::new(self);
        let names: Vec<WireName> = match name_servers {
            [] => vec![self.server.clone()],
            servers => servers.iter().map(|server| server.name.clone()).collect(),
        };
        let servers = RrSet::of_names(RecordType::NS, self.options.ttl_s, &names);
        draft.at(apex).others.push(servers);
        let addresses = self.server_addresses();
        if !addresses.is_empty() {
            // It is the MNAME of each zone's SOA.
            draft.at(&apex.child("dns")?.child("ns")?).addresses.extend(addresses);
        }
        if *apex == self.zone {
            draft.at(&self.services);
            draft.at(&self.pods);
            let version = [&[DNS_VERSION.len() as u8], DNS_VERSION.as_bytes()].concat();
            let version = RrSet::from_wire(RecordType::TXT, DNS_VERSION_TTL_S, [version]);
            draft.at(&apex.child("dns-version")?).others.push(version);
        }
        Ok(draft.finish())
    }

    /// The addresses of the name servers. Their services give the same, unless their namespace is not
    /// published; a name in an NS record must resolve even then.
    pub fn name_server_addresses(&self, name_servers: &[NameServer]) -> Contribution {
        let mut draft = Draft::new(self);
        for server in name_servers {
            draft.at(&server.name).addresses.extend(&server.addresses);
        }
        draft.finish()
    }

    fn server_addresses(&self) -> Vec<IpAddr> {
        let bound = self.options.server_addresses.iter().copied();
        bound.filter(|address| !address.is_unspecified()).collect()
    }
}
