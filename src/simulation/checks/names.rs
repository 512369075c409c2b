//! Names: DNS holds exactly the ready endpoints.
//!
//! At a publication the model is the services and slices in the store, which the publisher has just
//! read; when all parts are idle it is the services and the pods themselves. Answers come from the
//! published snapshot through the function that servers call. A name that was ever expected is queried
//! until the run ends, so a name that stays too long is noticed.
//!
//! A headless service's name has the addresses of its endpoints, an ordinary one's its cluster addresses,
//! an alias' none. Names of single endpoints exist below both of the former, as in CoreDNS.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;

use hickory_proto::rr::{Name, RData, RecordType};
use k8s_openapi::api::core::v1::{Pod, Service, ServiceSpec};
use k8s_openapi::api::discovery::v1::EndpointSlice;

use super::violation::{Violation, ensure};
use crate::clock::Timestamp;
use crate::dns::answer::{Query, answer};
use crate::dns::zone::Zones;
use crate::names::publisher::Publication;
use crate::objects::{Object, labels};
use crate::simulation::view::Member;

const PUBLISHED: &str = "DNS holds exactly the ready endpoints at every published serial";
const SERIALS: &str = "every published change raises the serial by one";
const SETTLED: &str = "DNS holds exactly the ready pods once every part has caught up";

/// Names and their addresses.
pub(crate) type Model = BTreeMap<String, BTreeSet<IpAddr>>;

/// What DNS was observed to hold.
#[derive(Default)]
pub(crate) struct Witness {
    /// Every name that was ever expected, as text and as it is queried.
    names: BTreeMap<String, Name>,
    serial: Option<u32>,
    /// A snapshot that was found to equal this model: it need not be queried again.
    found: Option<(Arc<Zones>, Model)>,
}

impl Witness {
    /// Checks that the serial rises by one.
    pub(crate) fn note_serial(&mut self, publication: &Publication) -> Result<(), Violation> {
        let before = self.serial.replace(publication.serial);
        let is_next = before.is_none_or(|before| before.wrapping_add(1) == publication.serial);
        ensure(is_next, SERIALS, || format!("{} after {before:?}", publication.serial))
    }

    /// Checks a publication against the services and their slices.
    pub(crate) fn published(
        &mut self,
        zones: &Arc<Zones>,
        services: &[&Service],
        slices: &[Object],
    ) -> Result<(), Violation> {
        self.compare(zones, of_slices(services, slices), PUBLISHED)
    }

    /// Checks the snapshot against the pods.
    pub(crate) fn settled(
        &mut self,
        zones: &Arc<Zones>,
        services: &[&Service],
        pods: &[&Object],
        now: Timestamp,
    ) -> Result<(), Violation> {
        self.compare(zones, of_pods(services, pods, now), SETTLED)
    }

    fn compare(&mut self, zones: &Arc<Zones>, model: Model, rule: &'static str) -> Result<(), Violation> {
        if self.found.as_ref().is_some_and(|(seen, held)| Arc::ptr_eq(seen, zones) && *held == model) {
            return Ok(());
        }
        for name in model.keys() {
            if !self.names.contains_key(name) {
                let asked = Name::from_ascii(name).expect("services, pods and namespaces have valid names");
                self.names.insert(name.clone(), asked);
            }
        }
        let none = BTreeSet::new();
        for (name, asked) in &self.names {
            let (expected, found) = (model.get(name).unwrap_or(&none), ask(zones, asked));
            ensure(*expected == found, rule, || format!("{name} is {found:?}, not {expected:?}"))?;
        }
        self.found = Some((zones.clone(), model));
        Ok(())
    }
}

/// The addresses of a name, as a client gets them.
fn ask(zones: &Zones, name: &Name) -> BTreeSet<IpAddr> {
    let reply = answer(zones, &Query { name: name.clone(), record_type: RecordType::A });
    let address = |data: &RData| match data {
        RData::A(address) => Some(IpAddr::V4(address.0)),
        _ => None,
    };
    reply.answers.iter().filter_map(|record| address(&record.data)).collect()
}

/// A service as its names are expected.
struct Named<'s> {
    namespace: &'s str,
    name: &'s str,
    /// The cluster addresses of an ordinary service; `None` if it is headless.
    cluster: Option<Vec<IpAddr>>,
    spec: &'s ServiceSpec,
}

impl<'s> Named<'s> {
    /// `None` for an alias, which has no addresses.
    fn of(service: &'s Service) -> Option<Self> {
        let spec = service.spec.as_ref().filter(|spec| spec.type_.as_deref() != Some("ExternalName"))?;
        let meta = &service.metadata;
        let is_headless = spec.cluster_ip.as_deref() == Some("None");
        let cluster = spec.cluster_ips.iter().flatten().filter_map(|address| address.parse().ok());
        Some(Self {
            namespace: meta.namespace.as_deref()?,
            name: meta.name.as_deref()?,
            cluster: (!is_headless).then(|| cluster.filter(IpAddr::is_ipv4).collect()),
            spec,
        })
    }

    /// Adds what does not depend on endpoints.
    fn add_itself(&self, model: &mut Model) {
        if let Some(cluster) = self.cluster.as_ref().filter(|cluster| !cluster.is_empty()) {
            model.entry(self.domain()).or_default().extend(cluster);
        }
    }

    /// Adds an endpoint.
    fn add(&self, model: &mut Model, hostname: Option<&str>, addresses: impl Iterator<Item = IpAddr>) {
        for address in addresses {
            if let Some(hostname) = hostname {
                model.entry(format!("{hostname}.{}", self.domain())).or_default().insert(address);
            }
            if self.cluster.is_none() {
                model.entry(self.domain()).or_default().insert(address);
            }
        }
    }

    fn domain(&self) -> String {
        format!("{}.{}.svc.cluster.local.", self.name, self.namespace)
    }
}

fn of_slices(services: &[&Service], slices: &[Object]) -> Model {
    let mut model = Model::new();
    for service in services.iter().filter_map(|service| Named::of(service)) {
        service.add_itself(&mut model);
        let is_of = |slice: &&Object| {
            let labels = slice.meta().labels.as_ref();
            let named = labels.and_then(|labels| labels.get(labels::SERVICE_NAME));
            slice.namespace() == service.namespace && named.is_some_and(|named| named == service.name)
        };
        let slices = slices.iter().filter(is_of).filter_map(Object::get::<EndpointSlice>);
        for endpoint in slices.flat_map(|slice| slice.endpoints.iter().flatten()) {
            let ready = endpoint.conditions.as_ref().and_then(|conditions| conditions.ready);
            if ready.unwrap_or(true) {
                let addresses = endpoint.addresses.iter().filter_map(|address| address.parse().ok());
                service.add(&mut model, endpoint.hostname.as_deref(), addresses);
            }
        }
    }
    model
}

fn of_pods(services: &[&Service], pods: &[&Object], now: Timestamp) -> Model {
    let mut model = Model::new();
    for service in services.iter().filter_map(|service| Named::of(service)) {
        service.add_itself(&mut model);
        let Some(selector) = service.spec.selector.as_ref().filter(|selector| !selector.is_empty()) else {
            continue;
        };
        let publishes_unready = service.spec.publish_not_ready_addresses == Some(true);
        for object in pods.iter().filter(|pod| pod.namespace() == service.namespace) {
            let labels = object.meta().labels.as_ref();
            let is_selected =
                selector.iter().all(|(key, value)| labels.and_then(|labels| labels.get(key)) == Some(value));
            let Some(member) = Member::look(object, 0, now).filter(|_| is_selected) else { continue };
            let is_published = publishes_unready || (member.is_ready && !member.is_terminating);
            if is_published && !member.has_ended() {
                service.add(&mut model, hostname(member.pod, service.name), addresses(member.pod));
            }
        }
    }
    model
}

/// A pod is named within the service that its subdomain names, and in no other.
fn hostname<'a>(pod: &'a Pod, service: &str) -> Option<&'a str> {
    let spec = pod.spec.as_ref().filter(|spec| spec.subdomain.as_deref() == Some(service))?;
    spec.hostname.as_deref()
}

fn addresses(pod: &Pod) -> impl Iterator<Item = IpAddr> {
    let status = pod.status.as_ref();
    status.and_then(|status| status.pod_ip.as_deref()).and_then(|address| address.parse().ok()).into_iter()
}
