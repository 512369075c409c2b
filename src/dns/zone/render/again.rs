//! A service rendered again because of some of its endpoints: what only others have is kept.
//!
//! A service of a thousand endpoints has ten slices, and one of them changes at a time. Names that
//! all endpoints share (the service's, its ports', its zones') are rendered whole, as they change
//! whole; the name and the PTR of an endpoint only where an endpoint of that label or address is
//! among those that differ. What comes out is what rendering everything gives.

use std::collections::BTreeSet;
use std::net::IpAddr;

use k8s_openapi::api::core::v1::Service;
use k8s_openapi::api::discovery::v1::EndpointSlice;

use super::endpoints;
use super::{Rendered, Scheme, reverse};
use crate::dns::zone::ledger::{Contribution, Entry, Rank};
use crate::dns::zone::name::{self, WireName};

/// The labels and addresses of endpoints that are not what they were.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Touched {
    labels: BTreeSet<String>,
    addresses: BTreeSet<IpAddr>,
}

impl Touched {
    /// These and those.
    pub fn extend(&mut self, others: Self) {
        self.labels.extend(others.labels);
        self.addresses.extend(others.addresses);
    }

    pub(super) fn has_label(&self, label: &str) -> bool {
        self.labels.contains(label)
    }

    pub(super) fn has_address(&self, address: IpAddr) -> bool {
        self.addresses.contains(&address)
    }
}

impl Scheme {
    /// The endpoints in which two versions of one slice differ, and perhaps some more.
    pub fn touched(&self, before: Option<&EndpointSlice>, now: Option<&EndpointSlice>) -> Touched {
        let (before, now) =
            (endpoints::differing(self, before, now), endpoints::differing(self, now, before));
        let mut touched = Touched::default();
        for endpoint in before.symmetric_difference(&now) {
            touched.labels.insert(endpoint.label.to_string());
            touched.addresses.insert(endpoint.address);
        }
        touched
    }

    /// What [`Scheme::service`] gives for a service that is published, if it gave `before` and
    /// nothing but these endpoints has changed since.
    pub fn service_again(
        &self,
        service: &Service,
        slices: &[&EndpointSlice],
        before: &Contribution,
        touched: &Touched,
    ) -> Rendered {
        let mut rendered = self.service_of(service, slices, Some(touched));
        let Some(name) = self.service_name(service, &mut Vec::new()) else { return rendered };
        let own = touched.labels.iter().filter_map(|label| name.child(label).ok());
        let own: BTreeSet<WireName> =
            own.chain(touched.addresses.iter().map(|address| reverse::name(*address))).collect();
        let anew = rendered.contribution;
        let is_kept = |entry: &&Entry| is_of_endpoint(entry, &name) && !own.contains(&entry.name);
        let kept = before.entries().iter().filter(is_kept).cloned();
        rendered.contribution = Contribution::new(kept.chain(anew.entries().iter().cloned()));
        rendered
    }
}

/// Whether an entry of a service is of single endpoints: one label below it, or the PTR of an
/// address that is not the service's own.
fn is_of_endpoint(entry: &Entry, service: &WireName) -> bool {
    let wire = entry.name.as_bytes();
    let is_below = name::parent(wire) == Some(service.as_bytes());
    let is_reverse = !name::is_at_or_below(wire, service.as_bytes()) && entry.rank == Rank::Ordinary;
    is_below || is_reverse
}

#[cfg(test)]
mod tests;
