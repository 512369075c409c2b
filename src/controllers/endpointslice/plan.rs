//! What to write so that the slices of a service match its pods.
//!
//! ```text
//!   pods ─► endpoints by (family, port set) ─► place ─► placeholder ─► reuse ─► actions
//! ```
//!
//! Pure: takes [`Inputs`], returns actions; if the slices are right already there are none. Costs
//! O(n log n) in the endpoints, however many slices they fill.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{Pod, Service};
use k8s_openapi::api::discovery::v1::{EndpointPort, EndpointSlice};

use super::endpoint::{Family, endpoint, families, is_included, ports};
use super::metadata::{is_owned, labels, new_slice, set_trigger_time};
use super::slicing::{Placement, PortSet, Wanted, identity, place, port_set};
use crate::clock::Timestamp;
use crate::machinery::selector::Labels;

/// How many endpoints a slice holds.
pub const ENDPOINTS_MAX: usize = 100;

/// All that the slices of one service depend on.
#[derive(Clone, Debug)]
pub struct Inputs<'a> {
    /// The service.
    pub service: &'a Service,
    /// The pods of its namespace that its selector matches.
    pub pods: Vec<&'a Pod>,
    /// The slices with its name and this controller's label, without terminating ones.
    pub slices: Vec<&'a EndpointSlice>,
    /// The zones of the nodes that have one, by node name.
    pub zones: &'a BTreeMap<String, String>,
    /// When the change happened that causes the writes; `None` if it is not known.
    pub trigger_time: Option<Timestamp>,
    /// How many endpoints a slice holds, at least 1.
    pub endpoints_max: usize,
}

/// One write. Writes are made in order: an endpoint that moves is briefly in two slices, never in none.
#[derive(Clone, Debug, PartialEq)]
pub enum SliceAction {
    /// Create a slice under a generated name.
    Create(EndpointSlice),
    /// Replace a slice; it has the resource version that was read.
    Update(EndpointSlice),
    /// Delete a slice.
    Delete(EndpointSlice),
}

/// The writes that bring the slices of a service in line with its pods.
pub fn reconcile(inputs: &Inputs<'_>) -> Vec<SliceAction> {
    let families = families(inputs.service);
    let mut changes = Changes::default();
    for slice in &inputs.slices {
        if !families.iter().any(|family| family.name() == slice.address_type) {
            changes.deleted.push(slice);
        }
    }
    for family in families {
        changes.extend(reconcile_family(inputs, family));
    }
    changes.into_actions(inputs)
}

#[derive(Default)]
struct Changes<'a> {
    created: Vec<EndpointSlice>,
    updated: Vec<EndpointSlice>,
    deleted: Vec<&'a EndpointSlice>,
}

/// The slices and the wanted endpoints of one family and one set of ports.
#[derive(Default)]
struct Group<'a> {
    slices: Vec<&'a EndpointSlice>,
    wanted: Wanted,
    /// As the first pod has them; `None` if no pod has such ports any more.
    ports: Option<Vec<EndpointPort>>,
}

fn reconcile_family<'a>(inputs: &Inputs<'a>, family: Family) -> Changes<'a> {
    let labels = labels(inputs.service);
    let mut changes = Changes::default();
    let mut n_slices = 0;
    for Group { slices, wanted, ports } in groups(inputs, family).into_values() {
        n_slices += slices.len();
        let Some(ports) = ports else {
            changes.deleted.extend(slices);
            continue;
        };
        let empty = new_slice(inputs.service, family, ports);
        changes.add(place(&slices, wanted, &labels, inputs.endpoints_max), &empty, &labels);
    }
    for slice in inputs.slices.iter().filter(|slice| slice.address_type == family.name()) {
        if !is_owned(slice, inputs.service) {
            n_slices += 1;
            changes.deleted.push(slice);
        }
    }
    if changes.created.is_empty() && changes.deleted.len() == n_slices {
        changes.keep_placeholder(inputs.service, family, &labels);
    }
    changes.reuse_deleted(inputs.service);
    changes
}

fn groups<'a>(inputs: &Inputs<'a>, family: Family) -> BTreeMap<PortSet, Group<'a>> {
    let mut groups: BTreeMap<PortSet, Group<'a>> = BTreeMap::new();
    for slice in &inputs.slices {
        if slice.address_type == family.name() && is_owned(slice, inputs.service) {
            let set = port_set(slice.ports.as_deref().unwrap_or_default());
            groups.entry(set).or_default().slices.push(slice);
        }
    }
    for pod in inputs.pods.iter().filter(|pod| is_included(pod)) {
        let node = pod.spec.as_ref().and_then(|spec| spec.node_name.as_ref());
        let zone = node.and_then(|node| inputs.zones.get(node));
        let Some(endpoint) = endpoint(pod, inputs.service, family, zone) else { continue };
        let ports = ports(inputs.service, pod);
        let group = groups.entry(port_set(&ports)).or_default();
        group.ports.get_or_insert(ports);
        group.wanted.insert(identity(&endpoint), endpoint);
    }
    groups
}

impl<'a> Changes<'a> {
    /// Turns a placement into whole slices; new ones are copies of `empty`.
    fn add(&mut self, placement: Placement<'a>, empty: &EndpointSlice, labels: &Labels) {
        self.deleted.extend(placement.deleted);
        for (slice, endpoints) in placement.updated {
            let mut slice = slice.clone();
            slice.metadata.labels = Some(labels.clone());
            self.updated.push(EndpointSlice { endpoints: Some(endpoints), ..slice });
        }
        for endpoints in placement.created {
            self.created.push(EndpointSlice { endpoints: Some(endpoints), ..empty.clone() });
        }
    }

    /// A service without endpoints has one empty slice, so that consumers can tell it from a service
    /// that was never reconciled.
    fn keep_placeholder(&mut self, service: &Service, family: Family, labels: &Labels) {
        let is_placeholder = |slice: &&EndpointSlice| {
            slice.endpoints.as_ref().is_none_or(Vec::is_empty)
                && slice.ports.as_ref().is_none_or(Vec::is_empty)
                && slice.metadata.labels.as_ref() == Some(labels)
                && is_owned(slice, service)
        };
        match self.deleted.iter().position(is_placeholder) {
            Some(present) => drop(self.deleted.remove(present)),
            None => self.created.push(new_slice(service, family, Vec::new())),
        }
    }

    /// Rewrites slices that would be deleted instead of creating new ones: one write instead of two.
    fn reuse_deleted(&mut self, service: &Service) {
        let (reusable, others): (Vec<&EndpointSlice>, Vec<&EndpointSlice>) =
            self.deleted.drain(..).partition(|slice| is_owned(slice, service));
        self.deleted = others;
        for old in reusable {
            match self.created.pop() {
                None => self.deleted.push(old),
                Some(mut slice) => {
                    slice.metadata = old.metadata.clone();
                    slice.metadata.labels = Some(labels(service));
                    self.updated.push(slice);
                }
            }
        }
    }

    fn extend(&mut self, other: Changes<'a>) {
        self.created.extend(other.created);
        self.updated.extend(other.updated);
        self.deleted.extend(other.deleted);
    }

    fn into_actions(self, inputs: &Inputs<'_>) -> Vec<SliceAction> {
        let stamped = |mut slice: EndpointSlice| {
            set_trigger_time(&mut slice, inputs.trigger_time);
            slice
        };
        let is_creating = inputs.service.metadata.deletion_timestamp.is_none();
        let created = self.created.into_iter().filter(|_| is_creating).map(stamped).map(SliceAction::Create);
        let updated = self.updated.into_iter().map(stamped).map(SliceAction::Update);
        let deleted = self.deleted.into_iter().cloned().map(SliceAction::Delete);
        created.chain(updated).chain(deleted).collect()
    }
}
