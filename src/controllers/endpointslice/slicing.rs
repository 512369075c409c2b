//! Which endpoint goes into which slice, for one family and one set of ports.
//!
//! Pure, and O(n log n) in the endpoints. Endpoints stay where they are, so that a change of one pod
//! rewrites one slice; slices are never merged or rebalanced, as in Kubernetes. The order of the given
//! slices decides ties, so equal inputs give equal plans.

use std::collections::BTreeMap;

use k8s_openapi::api::discovery::v1::{Endpoint, EndpointPort, EndpointSlice};

use crate::machinery::selector::Labels;

/// What identifies an endpoint; everything else may change in place.
pub(super) type Identity = (Vec<String>, Option<String>, String, String);

/// The wanted endpoints.
pub(super) type Wanted = BTreeMap<Identity, Endpoint>;

/// A set of ports; their order does not matter. Slices with equal sets are one group.
pub(super) type PortSet = Vec<(String, Option<i32>, String, Option<String>)>;

/// The changes to a group of slices.
#[derive(Debug, Default)]
pub(super) struct Placement<'a> {
    /// The endpoints of each slice that is missing.
    pub(super) created: Vec<Vec<Endpoint>>,
    /// Slices whose endpoints or labels differ, with their new endpoints.
    pub(super) updated: Vec<(&'a EndpointSlice, Vec<Endpoint>)>,
    /// Slices that hold nothing any more.
    pub(super) deleted: Vec<&'a EndpointSlice>,
}

/// The identity of an endpoint.
pub(super) fn identity(endpoint: &Endpoint) -> Identity {
    let mut addresses = endpoint.addresses.clone();
    addresses.sort_unstable();
    let target = endpoint.target_ref.as_ref();
    let text = |text: Option<&String>| text.cloned().unwrap_or_default();
    (
        addresses,
        endpoint.hostname.clone(),
        text(target.and_then(|target| target.namespace.as_ref())),
        text(target.and_then(|target| target.name.as_ref())),
    )
}

/// The group that ports belong to.
pub(super) fn port_set(ports: &[EndpointPort]) -> PortSet {
    let key = |port: &EndpointPort| {
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        (text(&port.name), port.port, text(&port.protocol), port.app_protocol.clone())
    };
    let mut set: PortSet = ports.iter().map(key).collect();
    set.sort_unstable();
    set
}

/// Places the wanted endpoints: first where they are, then into slices that must be written
/// anyway, then into the one unchanged slice that becomes closest to full, then into new ones.
pub(super) fn place<'a>(
    slices: &[&'a EndpointSlice],
    mut wanted: Wanted,
    labels: &Labels,
    endpoints_max: usize,
) -> Placement<'a> {
    let mut placement = Placement::default();
    let mut unchanged = Vec::new();
    for slice in slices {
        match keep(slice, &mut wanted, labels) {
            Kept::All => unchanged.push(*slice),
            Kept::Nothing => placement.deleted.push(slice),
            Kept::Changed(endpoints) => placement.updated.push((slice, endpoints)),
        }
    }
    placement.updated.sort_by_key(|(_, endpoints)| std::cmp::Reverse(endpoints.len()));
    for (_, endpoints) in &mut placement.updated {
        fill(endpoints, &mut wanted, endpoints_max);
    }
    if let Some(slice) = closest_to_full(&unchanged, wanted.len() % endpoints_max, endpoints_max) {
        let mut endpoints = slice.endpoints.clone().unwrap_or_default();
        let n_whole = wanted.len() / endpoints_max * endpoints_max;
        take_whole(&mut placement.created, &mut wanted, n_whole, endpoints_max);
        fill(&mut endpoints, &mut wanted, endpoints_max);
        placement.updated.push((slice, endpoints));
    }
    let n_left = wanted.len();
    take_whole(&mut placement.created, &mut wanted, n_left, endpoints_max);
    placement
}

/// A slice without unwanted endpoints and with changed ones updated.
enum Kept {
    All,
    Nothing,
    Changed(Vec<Endpoint>),
}

fn keep(slice: &EndpointSlice, wanted: &mut Wanted, labels: &Labels) -> Kept {
    let present = slice.endpoints.as_deref().unwrap_or_default();
    let mut kept = Vec::with_capacity(present.len());
    let mut is_changed = false;
    for endpoint in present {
        // Taken out of the wanted ones, so that of two slices with one endpoint one loses it.
        if let Some(fresh) = wanted.remove(&identity(endpoint)) {
            is_changed |= fresh != *endpoint;
            kept.push(fresh);
        }
    }
    is_changed |= kept.len() != present.len();
    if is_changed && kept.is_empty() {
        Kept::Nothing
    } else if is_changed || slice.metadata.labels.as_ref() != Some(labels) {
        Kept::Changed(kept)
    } else {
        Kept::All
    }
}

/// The slice that has room for `n_more` and becomes the fullest; none if nothing is left over.
fn closest_to_full<'a>(
    slices: &[&'a EndpointSlice],
    n_more: usize,
    endpoints_max: usize,
) -> Option<&'a EndpointSlice> {
    let length = |slice: &EndpointSlice| slice.endpoints.as_ref().map_or(0, Vec::len);
    let mut closest: Option<&EndpointSlice> = None;
    for slice in slices.iter().filter(|slice| n_more > 0 && length(slice) + n_more <= endpoints_max) {
        if closest.is_none_or(|closest| length(closest) < length(slice)) {
            closest = Some(slice);
        }
    }
    closest
}

fn fill(endpoints: &mut Vec<Endpoint>, wanted: &mut Wanted, endpoints_max: usize) {
    while endpoints.len() < endpoints_max
        && let Some((_, endpoint)) = wanted.pop_first()
    {
        endpoints.push(endpoint);
    }
}

fn take_whole(created: &mut Vec<Vec<Endpoint>>, wanted: &mut Wanted, n: usize, endpoints_max: usize) {
    let left = wanted.len() - n;
    while wanted.len() > left {
        let mut endpoints = Vec::new();
        fill(&mut endpoints, wanted, endpoints_max.min(wanted.len() - left));
        created.push(endpoints);
    }
}
