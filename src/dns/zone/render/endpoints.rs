//! Slices to endpoints: who is ready, at which address, in which zone, under which label, on which
//! ports.
//!
//! An endpoint is ready if its condition says so or says nothing; `serving` and `terminating` are
//! not looked at, for the EndpointSlice controller has done so already. Slices of one service may
//! repeat an endpoint while endpoints move between them; the repetition is dropped here.

use std::collections::HashSet;
use std::net::IpAddr;
use std::rc::Rc;

use foldhash::fast::RandomState;
use k8s_openapi::api::discovery::v1::{Endpoint as SliceEndpoint, EndpointPort, EndpointSlice};

use super::{Scheme, is_label};
use crate::dns::zone::pod_names;

/// A port that endpoints or a cluster address listen at.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Port {
    /// Its name, if it has one.
    pub(super) name: Option<String>,
    /// `tcp`, `udp` or `sctp`.
    pub(super) protocol: String,
    /// The number.
    pub(super) number: u16,
}

/// An endpoint at one address.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Endpoint {
    /// The address.
    pub(super) address: IpAddr,
    /// The label below the service's name.
    pub(super) label: Rc<str>,
    /// The ports of its slice.
    pub(super) ports: Rc<[Port]>,
    /// Its topology zone.
    pub(super) zone: Option<Rc<str>>,
    /// Whether clients are to use it; one that is not ready is known to its peers at most.
    pub(super) is_ready: bool,
}

/// The endpoints of a service's slices, in the slices' order: the ready ones, and with `has_peers`
/// the others too.
pub(super) fn of_slices(
    scheme: &Scheme,
    slices: &[&EndpointSlice],
    has_peers: bool,
    complaints: &mut Vec<String>,
) -> Vec<Endpoint> {
    let mut seen: HashSet<Endpoint, RandomState> = HashSet::default();
    let mut endpoints = Vec::new();
    for slice in slices {
        let listed = slice.endpoints.iter().flatten();
        let listed = listed.filter(|endpoint| has_peers || is_ready(endpoint));
        let found = of_listed(scheme, slice, listed, complaints);
        endpoints.extend(found.into_iter().filter(|endpoint| seen.insert(endpoint.clone())));
    }
    endpoints
}

/// The endpoints in which a version of a slice differs from another one, ready or not, and perhaps
/// some more.
pub(super) fn differing(
    scheme: &Scheme,
    slice: Option<&EndpointSlice>,
    other: Option<&EndpointSlice>,
) -> HashSet<Endpoint, RandomState> {
    let Some(slice) = slice else { return HashSet::default() };
    let others =
        other.filter(|other| other.ports == slice.ports).and_then(|other| other.endpoints.as_deref());
    let others = others.unwrap_or_default();
    // Mostly a version differs from the one before in a few places.
    let listed = slice.endpoints.iter().flatten().enumerate();
    let listed = listed.filter(|(index, endpoint)| others.get(*index) != Some(*endpoint));
    // What is wrong with a slice is told when its service is rendered.
    of_listed(scheme, slice, listed.map(|(_, endpoint)| endpoint), &mut Vec::new()).into_iter().collect()
}

/// The endpoints at all addresses of these, which are a slice's.
fn of_listed<'s>(
    scheme: &Scheme,
    slice: &EndpointSlice,
    listed: impl Iterator<Item = &'s SliceEndpoint>,
    complaints: &mut Vec<String>,
) -> Vec<Endpoint> {
    let ports = slice_ports(slice.ports.as_deref().unwrap_or_default());
    let mut endpoints = Vec::new();
    for listed in listed {
        for text in &listed.addresses {
            let Ok(address) = text.parse::<IpAddr>() else {
                let name = slice.metadata.name.as_deref().unwrap_or_default();
                complaints.push(format!("EndpointSlice {name}: {text:?} is no IP address"));
                continue;
            };
            let label = label(scheme, listed, address).into();
            let zone = listed.zone.as_deref().map(Rc::from);
            endpoints.push(Endpoint {
                address,
                label,
                ports: ports.clone(),
                zone,
                is_ready: is_ready(listed),
            });
        }
    }
    endpoints
}

/// A port, if its number makes sense.
pub(super) fn port(name: Option<&str>, protocol: Option<&str>, number: i32) -> Option<Port> {
    let number = u16::try_from(number).ok().filter(|number| *number > 0)?;
    let name = name.filter(|name| !name.is_empty()).map(str::to_ascii_lowercase);
    Some(Port { name, protocol: protocol.unwrap_or("TCP").to_ascii_lowercase(), number })
}

fn slice_ports(ports: &[EndpointPort]) -> Rc<[Port]> {
    let ports = ports.iter();
    ports.filter_map(|given| port(given.name.as_deref(), given.protocol.as_deref(), given.port?)).collect()
}

fn is_ready(endpoint: &SliceEndpoint) -> bool {
    endpoint.conditions.as_ref().and_then(|conditions| conditions.ready).unwrap_or(true)
}

/// The hostname; else the pod's name, if wanted and if it is one label; else the address.
fn label(scheme: &Scheme, endpoint: &SliceEndpoint, address: IpAddr) -> String {
    let hostname = endpoint.hostname.as_deref();
    let pod = endpoint.target_ref.as_ref().and_then(|target| target.name.as_deref());
    let pod = pod.filter(|_| scheme.options.endpoint_pod_names);
    match hostname.into_iter().chain(pod).find(|name| is_label(name)) {
        Some(name) => name.to_ascii_lowercase(),
        None => pod_names::label(address),
    }
}
