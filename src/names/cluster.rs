//! The cluster's zones: decides which objects to render again, and edits the zones where names differ.
//!
//! ```text
//!   changes ─► Stale (namespaces, services, pods) ─► render each ─► ledger ─► names that differ
//!                                                                                │
//!                        changed zones, added and removed names ◄── edit zones ◄─┘
//! ```
//!
//! Everything is rendered from present versions of objects, so a change that is reported twice or late
//! does no harm. A changed service costs the service's names; a changed slice costs the names of the
//! endpoints that differ and the names that all endpoints share.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use foldhash::HashMap;
use hickory_proto::rr::RecordType;
use k8s_openapi::api::core::v1::{Pod, Service};
use tracing::warn;

use super::explain::{Explainer, Landscape};
use super::index::{Index, Versions};
use super::ledger::{Amendment, Contribution, Ledger};
use super::options::{PodNames, ZoneOptions};
use super::render::{NameServer, Rendered, Scheme, Touched, reverse};
use super::source::Source;
use super::stale::{Extent, Stale};
use crate::clock::Clock;
use crate::dns::message::name::{NameTooLong, WireName};
use crate::dns::secondary::serials::Serials;
use crate::dns::zone::{Zone, Zones};
use crate::objects::{Kind, Object, ObjectKey, Revision};

/// The cluster's zone and its reverse zones, and what they are made from.
pub(super) struct Cluster {
    scheme: Scheme,
    ledger: Ledger<Contributor>,
    zones: Zones,
    index: Index,
    /// The namespaces that exist and are published.
    namespaces: BTreeSet<String>,
    /// By service, the names by which this server is reached through it.
    servers: BTreeMap<ObjectKey, Vec<NameServer>>,
    /// By published service, the revision that was rendered last.
    rendered: HashMap<ObjectKey, Revision>,
    /// The complaints about each object when it was rendered last, so that each is logged once.
    complaints: HashMap<ObjectKey, Vec<String>>,
    serials: Arc<Serials>,
    /// The serial of the last change.
    serial: u32,
    is_synced: bool,
    reasons: Option<Knowledge>,
}

/// What contributes records to names.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Contributor {
    /// The apex of a zone and its fixed names.
    Apex(WireName),
    /// The name servers' own addresses.
    NameServers,
    /// A namespace, a pod, or a service with its slices.
    Object(ObjectKey),
}

/// The objects for explanations, and the explainer that answers ask.
struct Knowledge {
    landscape: Landscape,
    explainer: Arc<Explainer>,
}

/// What one batch has changed.
#[derive(Debug, Default)]
pub(super) struct Changes {
    /// Zones that have a new version or were removed.
    pub(super) zones: BTreeSet<WireName>,
    /// Names of the cluster's zone that have come to hold records.
    pub(super) added: Vec<WireName>,
    /// Names of the cluster's zone that no longer hold records.
    pub(super) removed: Vec<WireName>,
}

impl Cluster {
    /// The zones for these options, without any object yet. Versions take their serials from `serials`.
    pub(super) fn new(
        options: ZoneOptions,
        serials: Arc<Serials>,
        clock: &Clock,
    ) -> Result<Self, NameTooLong> {
        let is_synced = options.is_synced;
        let reasons = options.explains.then(|| Knowledge::new(&options, clock));
        let scheme = Scheme::new(options)?;
        let mut zones = Zones::default();
        for apex in std::iter::once(scheme.zone().clone()).chain(given_reverse_zones(scheme.options())) {
            zones.insert(scheme.empty_zone(&apex)?);
        }
        if let Some(knowledge) = &reasons {
            zones.set_reasons(knowledge.explainer.clone());
        }
        Ok(Self {
            scheme,
            ledger: Ledger::default(),
            zones,
            index: Index::default(),
            namespaces: BTreeSet::new(),
            servers: BTreeMap::new(),
            rendered: HashMap::default(),
            complaints: HashMap::default(),
            serials,
            serial: 0,
            is_synced,
            reasons,
        })
    }

    /// The zones as they are now.
    pub(super) fn zones(&self) -> &Zones {
        &self.zones
    }

    /// What explains negative answers, if the options ask for it.
    pub(super) fn explainer(&self) -> Option<Arc<Explainer>> {
        self.reasons.as_ref().map(|knowledge| knowledge.explainer.clone())
    }

    /// The serial of the last change.
    pub(super) fn serial(&self) -> u32 {
        self.serial
    }

    /// Whether a name error is answered as such; see [`Zone::is_synced`].
    pub(super) fn set_synced(&mut self, is_synced: bool) {
        self.is_synced = is_synced;
        let zones: Vec<Zone> = self.zones.iter().cloned().collect();
        for mut zone in zones {
            zone.set_synced(is_synced);
            self.zones.insert(zone);
        }
    }

    /// The kinds whose changes matter.
    pub(super) fn kinds(options: &ZoneOptions) -> Vec<Kind> {
        let mut kinds = vec![Kind::Namespace, Kind::Service];
        kinds.extend((!options.no_endpoints).then_some(Kind::EndpointSlice));
        kinds.extend((options.pods == PodNames::Verified).then_some(Kind::Pod));
        kinds.extend(Landscape::KINDS.iter().filter(|_| options.explains));
        kinds.sort_unstable();
        kinds.dedup();
        kinds
    }

    /// All objects that exist or were published: at start, and when changes were lost.
    pub(super) fn everything(&mut self, source: &impl Source) -> Stale {
        let mut stale = Stale { has_fixed: true, ..Stale::default() };
        self.index = Index::default();
        if let Some(knowledge) = &mut self.reasons {
            knowledge.landscape = Landscape::new(self.scheme.options().clone());
        }
        for kind in Self::kinds(self.scheme.options()) {
            for object in source.list(kind) {
                self.note(source, object.key(), &mut stale);
            }
        }
        for contributor in self.ledger.contributors() {
            match contributor.clone() {
                Contributor::Object(key) if key.kind == Kind::Namespace => {
                    stale.namespaces.extend([key.name.clone()]);
                }
                Contributor::Object(key) => stale.add(key),
                Contributor::Apex(_) | Contributor::NameServers => {}
            }
        }
        self.servers.keys().cloned().for_each(|service| stale.add(service));
        stale
    }

    /// Renders stale objects and edits the zones; `None` if that changes nothing.
    pub(super) fn refresh(&mut self, source: &impl Source, mut stale: Stale) -> Option<Changes> {
        if let Some(knowledge) = &self.reasons {
            knowledge.explainer.show(knowledge.landscape.clone());
        }
        let mut names = Vec::new();
        for namespace in std::mem::take(&mut stale.namespaces) {
            names.extend(self.refresh_namespace(source, namespace, &mut stale));
        }
        let mut are_servers_stale = stale.has_fixed;
        for (key, extent) in stale.services {
            let (changed, are_stale) = self.refresh_service(source, key, extent);
            names.extend(changed);
            are_servers_stale |= are_stale;
        }
        for key in stale.pods {
            names.extend(self.refresh_pod(source, key));
        }
        if are_servers_stale {
            names.extend(self.refresh_servers());
        }
        let changes = self.edit(names);
        (!changes.zones.is_empty()).then_some(changes)
    }

    /// Notes what a change of this object makes stale.
    pub(super) fn note(&mut self, source: &impl Source, key: &ObjectKey, stale: &mut Stale) {
        let object = source.get(key);
        if let Some(knowledge) = &mut self.reasons {
            knowledge.landscape.put(key, object.clone());
        }
        match key.kind {
            Kind::Namespace => stale.namespaces.extend([key.name.clone()]),
            Kind::EndpointSlice if self.scheme.options().no_endpoints => {}
            Kind::EndpointSlice => {
                for Versions { service, before, now } in self.index.put_slice(key, object) {
                    if let Some(knowledge) = &mut self.reasons {
                        let slices = self.index.slice_objects(&service);
                        knowledge.landscape.put_slices(&service.namespace, &service.name, slices);
                    }
                    let [before, now] = [&before, &now].map(|version| version.as_ref()?.get());
                    stale.add_endpoints(service, self.scheme.touched(before, now));
                }
            }
            Kind::Pod if self.scheme.options().pods != PodNames::Verified => {}
            Kind::Service | Kind::Pod => {
                if self.index.put_member(key, object.is_some()) {
                    stale.namespaces.insert(key.namespace.clone());
                }
                stale.add(key.clone());
            }
            _ => {}
        }
    }

    fn refresh_namespace(&mut self, source: &impl Source, name: String, stale: &mut Stale) -> Vec<WireName> {
        let members = self.index.members(&name);
        let is_implied = self.scheme.options().implied_namespaces && members.is_some();
        let exists = is_implied || source.get(&ObjectKey::new(Kind::Namespace, "", &name)).is_some();
        let is_published = exists && self.scheme.exposes(&name);
        if is_published == self.namespaces.contains(&name) {
            return Vec::new();
        }
        members.into_iter().flatten().for_each(|member| stale.add(member.clone()));
        let key = ObjectKey::new(Kind::Namespace, "", &name);
        let rendered = if is_published {
            let rendered = self.scheme.namespace(&name);
            self.namespaces.insert(name);
            rendered
        } else {
            self.namespaces.remove(&name);
            Rendered::default()
        };
        self.replace(key, rendered)
    }

    /// Returns the names that may differ, and whether the server's own names may.
    fn refresh_service(
        &mut self,
        source: &impl Source,
        key: ObjectKey,
        extent: Extent,
    ) -> (Vec<WireName>, bool) {
        let object = source.get(&key);
        if let (Some(object), Extent::Endpoints(touched)) = (&object, &extent)
            && let Some(amendment) = self.render_endpoints(object, touched)
        {
            return (self.ledger.amend(Contributor::Object(key), amendment), false);
        }
        let mut rendered =
            object.as_ref().map_or_else(Rendered::default, |object| self.render_service(object));
        match object.filter(|_| self.namespaces.contains(&key.namespace)) {
            Some(object) => self.rendered.insert(key.clone(), object.revision()),
            None => self.rendered.remove(&key),
        };
        let servers = std::mem::take(&mut rendered.name_servers);
        let before = match servers.is_empty() {
            true => self.servers.remove(&key).unwrap_or_default(),
            false => self.servers.insert(key.clone(), servers.clone()).unwrap_or_default(),
        };
        let are_servers_stale = before != servers;
        (self.replace(key, rendered), are_servers_stale)
    }

    /// All records of the service.
    fn render_service(&self, object: &Object) -> Rendered {
        let Some(service) = object.get::<Service>() else { return Rendered::default() };
        let is_exposed = self.namespaces.contains(object.namespace());
        self.scheme.service(service, &self.index.slices(object.key()), is_exposed)
    }

    /// The records of the service that differ because of these endpoints; `None` if the whole service
    /// must be rendered.
    fn render_endpoints(&self, object: &Object, touched: &Touched) -> Option<Amendment> {
        let key = object.key();
        let is_same = self.rendered.get(key) == Some(&object.revision());
        if !is_same || self.complaints.contains_key(key) {
            return None;
        }
        let before = self.ledger.given(&Contributor::Object(key.clone()))?;
        self.scheme.service_again(object.get::<Service>()?, &self.index.slices(key), before, touched)
    }

    fn refresh_pod(&mut self, source: &impl Source, key: ObjectKey) -> Vec<WireName> {
        let object = source.get(&key).filter(|_| self.namespaces.contains(&key.namespace));
        let rendered = match object.as_ref().and_then(|object| object.get::<Pod>()) {
            Some(pod) => self.scheme.pod(pod),
            None => Rendered::default(),
        };
        self.replace(key, rendered)
    }

    /// The apexes of all zones, and the name servers' addresses.
    fn refresh_servers(&mut self) -> Vec<WireName> {
        let addresses = self.scheme.name_server_addresses(&self.name_servers());
        let mut names = self.ledger.replace(Contributor::NameServers, addresses);
        // Zones are in no order; a publication must not depend on that.
        let apexes: BTreeSet<WireName> = self.zones.iter().map(|zone| zone.key().clone()).collect();
        names.extend(apexes.iter().flat_map(|apex| self.refresh_apex(apex)));
        names
    }

    fn refresh_apex(&mut self, apex: &WireName) -> Vec<WireName> {
        match self.scheme.apex(apex, &self.name_servers()) {
            Ok(contribution) => self.ledger.replace(Contributor::Apex(apex.clone()), contribution),
            Err(error) => {
                warn!(zone = %apex, "{error}");
                Vec::new()
            }
        }
    }

    fn name_servers(&self) -> Vec<NameServer> {
        let servers: BTreeSet<&NameServer> = self.servers.values().flatten().collect();
        servers.into_iter().cloned().collect()
    }

    fn replace(&mut self, key: ObjectKey, rendered: Rendered) -> Vec<WireName> {
        let before = match rendered.complaints.is_empty() {
            true => self.complaints.remove(&key).unwrap_or_default(),
            false => self.complaints.insert(key.clone(), rendered.complaints.clone()).unwrap_or_default(),
        };
        for complaint in rendered.complaints.iter().filter(|complaint| !before.contains(complaint)) {
            warn!(object = %key, "not published: {complaint}");
        }
        self.ledger.replace(Contributor::Object(key), rendered.contribution)
    }

    /// Makes the zones agree with the ledger at these names.
    fn edit(&mut self, mut names: Vec<WireName>) -> Changes {
        let mut changes = Changes::default();
        let mut edited: BTreeMap<WireName, Arc<Zone>> = BTreeMap::new();
        while let Some(name) = names.pop() {
            let rrsets = self.ledger.merged(&name);
            let apex = match self.zones.find(name.as_bytes()) {
                Some(zone) => zone.key().clone(),
                None if rrsets.is_none() => continue,
                None => match self.derive_zone(&name) {
                    Some((apex, more)) => {
                        names.extend(more);
                        apex
                    }
                    None => continue,
                },
            };
            let Some(original) = self.zones.at(&apex) else { continue };
            let zone = edited.entry(apex.clone()).or_insert_with(|| Arc::new(original.clone()));
            let zone = Arc::make_mut(zone);
            let held = zone.node(name.as_bytes()).is_some_and(|node| !node.rrsets().is_empty());
            // An apex always has its SOA.
            let holds = name == apex || rrsets.as_ref().is_some_and(|rrsets| !rrsets.is_empty());
            let has_changed = match rrsets {
                Some(rrsets) => zone.set(&name, &rrsets),
                None => zone.remove(&name),
            };
            if has_changed {
                changes.zones.insert(apex.clone());
            }
            if held != holds && apex == *self.scheme.zone() {
                if holds { changes.added.push(name) } else { changes.removed.push(name) }
            }
        }
        self.publish(edited, &changes);
        changes
    }

    fn publish(&mut self, edited: BTreeMap<WireName, Arc<Zone>>, changes: &Changes) {
        if changes.zones.is_empty() {
            return;
        }
        self.serial = self.serials.advance();
        for (apex, mut zone) in edited {
            if !changes.zones.contains(&apex) {
                continue;
            }
            if self.is_idle(&zone) {
                self.ledger.replace(Contributor::Apex(apex.clone()), Contribution::default());
                self.zones.remove(&apex);
                continue;
            }
            Arc::make_mut(&mut zone).set_serial(self.serial);
            self.zones.insert(zone);
        }
    }

    /// Adds a reverse zone for a name that is in none, if no zones or networks were configured.
    fn derive_zone(&mut self, name: &WireName) -> Option<(WireName, Vec<WireName>)> {
        if !derives_reverse_zones(self.scheme.options()) {
            return None;
        }
        let apex = reverse::zone_around(name)?;
        let mut zone = self.scheme.empty_zone(&apex).ok()?;
        zone.set_synced(self.is_synced);
        self.zones.insert(zone);
        let names = self.refresh_apex(&apex);
        Some((apex, names))
    }

    /// Whether a zone was added for addresses that are no longer in use.
    fn is_idle(&self, zone: &Zone) -> bool {
        if !derives_reverse_zones(self.scheme.options()) || zone.key() == self.scheme.zone() {
            return false;
        }
        zone.nodes().all(|node| node.rrsets().get(RecordType::PTR).is_none())
    }
}

impl Knowledge {
    fn new(options: &ZoneOptions, clock: &Clock) -> Self {
        let landscape = Landscape::new(options.clone());
        Self { explainer: Explainer::new(landscape.clone(), clock.clone()).into(), landscape }
    }
}

/// Whether reverse zones are added as addresses come into use.
fn derives_reverse_zones(options: &ZoneOptions) -> bool {
    options.reverse_zones.is_none() && options.networks.is_empty()
}

fn given_reverse_zones(options: &ZoneOptions) -> BTreeSet<WireName> {
    match &options.reverse_zones {
        Some(zones) => zones.iter().map(WireName::of).collect(),
        None => options.networks.iter().flat_map(|network| reverse::zones_of(*network)).collect(),
    }
}
