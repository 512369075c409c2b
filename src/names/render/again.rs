//! Renders a service again for the endpoints that have changed, without looking at the others.
//!
//! A service of a thousand endpoints has ten slices, and one of them changes at a time. The name and the
//! PTR of an endpoint are rendered only if its label or address is among those that changed. For names
//! that all endpoints share (the service's and its ports'), the records of changed labels and addresses
//! are replaced and the others are copied as they are packed. The result equals that of rendering the
//! whole service; cases for which that is not simple are left to rendering the whole service.

use std::collections::BTreeSet;
use std::net::IpAddr;

use hickory_proto::rr::RecordType;
use k8s_openapi::api::core::v1::Service;
use k8s_openapi::api::discovery::v1::EndpointSlice;

use super::endpoints;
use super::form::{DnsService, Form};
use super::reverse;
use super::scheme::Scheme;
use super::srv::{service_key, service_target, weigh};
use super::touched::Touched;
use crate::dns::message::name::{self, WireName};
use crate::dns::zone::{RrSet, RrSets, RrSetsRef};
use crate::names::ledger::{Amendment, Contribution, Entry, Rank};

impl Scheme {
    /// The endpoints in which two versions of one slice differ.
    pub fn touched(&self, before: Option<&EndpointSlice>, now: Option<&EndpointSlice>) -> Touched {
        let mut touched = Touched::default();
        for endpoint in endpoints::differing(self, before, now) {
            touched.labels.insert(endpoint.label);
            touched.addresses.insert(endpoint.address);
            touched.ports.insert(endpoint.ports);
        }
        touched
    }

    /// The change of a published service's contribution, if [`Scheme::service`] gave `before` without
    /// complaints and only these endpoints have changed since. `None` if the whole service must be
    /// rendered.
    pub fn service_again(
        &self,
        service: &Service,
        slices: &[&EndpointSlice],
        before: &Contribution,
        touched: &Touched,
    ) -> Option<Amendment> {
        // Complaints about the service were made when the whole service was rendered.
        let described = self.dns_service(service, &mut Vec::new())?;
        let depends_on_all = match described.form {
            Form::External(_) => false,
            Form::Headless => self.options.zonal,
            Form::Cluster(_) => self.options.ignore_empty_service,
        };
        let is_server =
            touched.addresses.iter().any(|address| self.options.server_addresses.contains(address));
        if depends_on_all || is_server {
            return None;
        }
        let mut complaints = Vec::new();
        let (part, _) = self.describe(service, &described, slices, Some(touched), &mut complaints);
        if !complaints.is_empty() {
            return None;
        }
        let DnsService { form, name } = described;
        let mut amendment = Amendment::default();
        let own: Option<Vec<WireName>> = touched.labels.iter().map(|label| name.child(label).ok()).collect();
        let pointers = touched.addresses.iter().map(|address| reverse::name(*address));
        for name in own?.into_iter().chain(pointers) {
            amendment.put(name.clone(), part.at(&name).cloned());
        }
        if matches!(form, Form::Headless) {
            let ports = touched.ports.iter().flat_map(|ports| ports.iter());
            let owners = ports.filter_map(|port| port.owner(&name)?.ok());
            let shared: BTreeSet<WireName> = owners.chain([name.clone()]).collect();
            for name in shared {
                let [before, part] = [before, &part].map(|given| rrsets_at(given, &name));
                let rrsets = self.shared_again(before, part, touched);
                let entry = Entry { name: name.clone(), rank: Rank::Ordinary, rrsets };
                amendment.put(name, Some(entry).filter(|entry| !entry.rrsets.is_empty()));
            }
        }
        Some(amendment)
    }

    /// The records of a name that endpoints share: the old ones of other endpoints, and those of these.
    fn shared_again(&self, before: RrSetsRef<'_>, part: RrSetsRef<'_>, touched: &Touched) -> RrSets {
        let is_of_others = |record_type: RecordType, rdata: &[u8]| match record_type {
            RecordType::SRV => label_of(service_target(rdata)).is_none_or(|label| !touched.has_label(label)),
            _ => address_of(rdata).is_none_or(|address| !touched.has_address(address)),
        };
        let again = |record_type: RecordType, key: fn(&[u8]) -> &[u8]| {
            let none = || RrSet::none(record_type, self.options.ttl_s);
            let [before, part] = [before, part].map(|rrsets| rrsets.get(record_type).unwrap_or_else(none));
            before.revised(|rdata| is_of_others(record_type, rdata), &part, key)
        };
        let [a, aaaa] = [RecordType::A, RecordType::AAAA].map(|family| again(family, |rdata| rdata));
        RrSets::of([a, aaaa, weigh(again(RecordType::SRV, service_key))])
    }
}

impl Amendment {
    fn put(&mut self, name: WireName, entry: Option<Entry>) {
        match entry {
            Some(entry) => self.entries.push(entry),
            None => self.without.push(name),
        }
    }
}

fn rrsets_at<'c>(given: &'c Contribution, name: &WireName) -> RrSetsRef<'c> {
    given.at(name).map_or(RrSetsRef::EMPTY, |entry| entry.rrsets.as_ref())
}

fn label_of(target: &[u8]) -> Option<&str> {
    name::first_label(target).and_then(|label| str::from_utf8(label).ok())
}

/// The address in the RDATA of an A or AAAA record.
fn address_of(rdata: &[u8]) -> Option<IpAddr> {
    let v4 = <[u8; 4]>::try_from(rdata).map(IpAddr::from);
    v4.or_else(|_| <[u8; 16]>::try_from(rdata).map(IpAddr::from)).ok()
}

#[cfg(test)]
mod tests;
