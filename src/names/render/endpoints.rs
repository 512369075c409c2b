//! Slices to endpoints: address, label, ports, topology zone and readiness of each.
//!
//! An endpoint may be in two slices of one service while it moves between them ("Duplicate endpoints" in
//! the Kubernetes document "EndpointSlices"); duplicates give the same records.

use std::borrow::Cow;
use std::cell::LazyCell;
use std::collections::BTreeSet;
use std::net::IpAddr;
use std::rc::Rc;

use k8s_openapi::api::discovery::v1::{Endpoint as SliceEndpoint, EndpointPort, EndpointSlice};

use super::port::{Port, port};
use super::scheme::Scheme;
use super::touched::Touched;
use crate::dns::zone::address_label;
use crate::names::label::endpoint_label;
use crate::names::published::is_ready;

/// An endpoint at one address.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Endpoint {
    /// The address.
    pub(super) address: IpAddr,
    /// The label below the service's name.
    pub(super) label: Rc<str>,
    /// The ports of its slice.
    pub(super) ports: Rc<[Port]>,
    /// Its topology zone.
    pub(super) zone: Option<Rc<str>>,
    /// Whether clients may use it; only its peers learn of one that is not ready.
    pub(super) is_ready: bool,
}

/// The endpoints of a service's slices, in the slices' order: the ready ones, and with `has_peers` the
/// others too. With `only`, those that share a label or an address with one of these.
pub(super) fn of_slices(
    scheme: &Scheme,
    slices: &[&EndpointSlice],
    has_peers: bool,
    only: Option<&Touched>,
    complaints: &mut Vec<String>,
) -> Vec<Endpoint> {
    let mut endpoints = Vec::new();
    for slice in slices {
        let listed = slice.endpoints.iter().flatten();
        let listed = listed.filter(|endpoint| has_peers || is_ready(endpoint));
        endpoints.extend(of_listed(scheme, slice, listed, only, complaints));
    }
    endpoints
}

/// The endpoints that only one of two versions of a slice has, ready or not.
pub(super) fn differing(
    scheme: &Scheme,
    before: Option<&EndpointSlice>,
    now: Option<&EndpointSlice>,
) -> Vec<Endpoint> {
    let [before_listed, now_listed] = listed_differing(before, now);
    // Complaints about a slice are made when its service is rendered.
    let mut complaints = Vec::new();
    let mut of = |slice: Option<&EndpointSlice>, listed: Vec<&SliceEndpoint>| {
        let found = slice.map(|slice| of_listed(scheme, slice, listed.into_iter(), None, &mut complaints));
        found.into_iter().flatten().collect::<BTreeSet<Endpoint>>()
    };
    let (before, now) = (of(before, before_listed), of(now, now_listed));
    before.symmetric_difference(&now).cloned().collect()
}

/// Both lists of endpoints without their common beginning and end, and without equal endpoints between
/// if they are equally long. If the ports differ, all endpoints do.
fn listed_differing<'s>(
    before: Option<&'s EndpointSlice>,
    now: Option<&'s EndpointSlice>,
) -> [Vec<&'s SliceEndpoint>; 2] {
    let listed = |slice: Option<&'s EndpointSlice>| {
        slice.and_then(|slice| slice.endpoints.as_deref()).unwrap_or_default()
    };
    let (left, right) = (listed(before), listed(now));
    if before.map(|slice| &slice.ports) != now.map(|slice| &slice.ports) {
        return [left, right].map(|all| all.iter().collect());
    }
    let n_first = std::iter::zip(left, right).take_while(|(left, right)| left == right).count();
    let (left, right) = (&left[n_first..], &right[n_first..]);
    let from_behind = std::iter::zip(left.iter().rev(), right.iter().rev());
    let n_last = from_behind.take_while(|(left, right)| left == right).count();
    let (left, right) = (&left[..left.len() - n_last], &right[..right.len() - n_last]);
    if left.len() != right.len() {
        return [left, right].map(|all| all.iter().collect());
    }
    let (left, right) = std::iter::zip(left, right).filter(|(left, right)| left != right).unzip();
    [left, right]
}

/// The endpoints at all addresses of these entries of a slice. With `only`, those that share a label or
/// an address with one of these.
fn of_listed<'s>(
    scheme: &Scheme,
    slice: &EndpointSlice,
    listed: impl Iterator<Item = &'s SliceEndpoint>,
    only: Option<&Touched>,
    complaints: &mut Vec<String>,
) -> Vec<Endpoint> {
    // Usually no endpoint of the slice is wanted.
    let ports = LazyCell::new(|| slice_ports(slice.ports.as_deref().unwrap_or_default()));
    let mut endpoints = Vec::new();
    for listed in listed {
        for text in &listed.addresses {
            let Ok(address) = text.parse::<IpAddr>() else {
                let name = slice.metadata.name.as_deref().unwrap_or_default();
                complaints.push(format!("EndpointSlice {name}: {text:?} is no IP address"));
                continue;
            };
            let label = label(scheme, listed, address);
            if only.is_some_and(|only| !only.has_label(&label) && !only.has_address(address)) {
                continue;
            }
            let zone = listed.zone.as_deref().map(Rc::from);
            let (label, ports) = (label.into(), Rc::clone(&ports));
            endpoints.push(Endpoint { address, label, ports, zone, is_ready: is_ready(listed) });
        }
    }
    endpoints
}

fn slice_ports(ports: &[EndpointPort]) -> Rc<[Port]> {
    let ports = ports.iter();
    ports.filter_map(|given| port(given.name.as_deref(), given.protocol.as_deref(), given.port?)).collect()
}

fn label<'e>(scheme: &Scheme, endpoint: &'e SliceEndpoint, address: IpAddr) -> Cow<'e, str> {
    match endpoint_label(&scheme.options, endpoint) {
        Some(name) if name.bytes().any(|octet| octet.is_ascii_uppercase()) => {
            name.to_ascii_lowercase().into()
        }
        Some(name) => name.into(),
        None => address_label(address).into(),
    }
}
