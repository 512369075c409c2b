//! One zone at one version: its nodes, and the only two ways to change them.
//!
//! Nodes are keyed by their lower-cased wire name in a persistent map, so a changed copy shares all
//! that it keeps: a change costs its names times the depth of the map. An empty non-terminal is a
//! node of its own, which is there as long as a name exists below it (RFC 8020, RFC 4592 section
//! 2.2.2): every node counts its children, adding a name adds the missing ancestors, removing one
//! prunes those that nothing holds any more. So a name exists exactly if its node does.
//!
//! A node also keeps what readers made of its records, and a stamp that is another one whenever the
//! records of a name directly below have changed.

use std::sync::Arc;

use hickory_proto::rr::rdata::SOA;
use hickory_proto::rr::{Name, RData, Record, RecordType};

use super::journal::{Before, Journal};
use super::name::{self, WireName};
use super::pod_names::PodNameRule;
use super::ready::{Ready, Stamp};
use super::rrset::{RrSet, RrSets};

/// A persistent map that is looked up in for every question.
pub(super) type Map<K, V> =
    imbl::GenericHashMap<K, V, foldhash::quality::RandomState, imbl::shared_ptr::DefaultSharedPtr>;

/// One zone at one version. Cheap to clone; a changed copy shares what it keeps.
#[derive(Clone, Debug)]
pub struct Zone {
    apex: Name,
    key: WireName,
    pub(super) soa: Arc<SOA>,
    pub(super) soa_ttl_s: u32,
    /// The SOA's RDATA in uncompressed wire form.
    soa_wire: Arc<[u8]>,
    nodes: Map<WireName, Arc<Node>>,
    /// The wire form with its case of names that are not all lower.
    pub(super) cased: Map<WireName, Arc<[u8]>>,
    /// Names at which a lookup may have to stop: delegations and DNAMEs.
    n_cuts: usize,
    /// Names whose first label is an asterisk.
    n_wildcards: usize,
    pod_names: Option<Arc<PodNameRule>>,
    /// Below these names, what does not exist here may exist elsewhere.
    fallthrough: Arc<[WireName]>,
    is_synced: bool,
    pub(super) journal: Journal,
    /// Names that were changed since this version's serial was given, as they were.
    pub(super) pending: Vec<Before>,
}

/// A name that exists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    rrsets: RrSets,
    /// Whether the name exists of itself, with or without records, not only for what is below it.
    is_explicit: bool,
    n_children: u32,
    below: Stamp,
    ready: Ready,
}

impl Node {
    fn new(rrsets: RrSets, is_explicit: bool, n_children: u32) -> Self {
        Self { rrsets, is_explicit, n_children, below: Stamp::next(), ready: Ready::default() }
    }

    /// Another one whenever the records of a name one label below have changed.
    pub(crate) fn below(&self) -> Stamp {
        self.below
    }

    /// What readers have made of this node's records.
    pub(crate) fn ready(&self) -> &Ready {
        &self.ready
    }

    /// The RRsets, none for an empty non-terminal.
    pub fn rrsets(&self) -> &RrSets {
        &self.rrsets
    }

    /// How many names exist one label below.
    pub fn n_children(&self) -> u32 {
        self.n_children
    }

    /// Whether the name exists only because a name below it does.
    pub fn is_empty_non_terminal(&self) -> bool {
        !self.is_explicit
    }

    fn has(&self, record_type: RecordType) -> bool {
        self.rrsets.get(record_type).is_some()
    }
}

impl Zone {
    /// A zone that holds its SOA and nothing else yet.
    pub fn new(apex: Name, soa: SOA, soa_ttl_s: u32) -> Self {
        let key = WireName::of(&apex);
        let mut zone = Self {
            cased: cased(&apex, &key).into_iter().map(|cased| (key.clone(), cased)).collect(),
            apex,
            soa: Arc::new(soa),
            soa_ttl_s,
            soa_wire: Arc::default(),
            nodes: Map::default(),
            n_cuts: 0,
            n_wildcards: 0,
            pod_names: None,
            fallthrough: Arc::default(),
            is_synced: true,
            key: key.clone(),
            journal: Journal::default(),
            pending: Vec::new(),
        };
        zone.set(&key, RrSets::default());
        zone.pending.clear();
        zone
    }

    /// The apex, its case as given.
    pub fn apex(&self) -> &Name {
        &self.apex
    }

    /// The apex as a key.
    pub fn key(&self) -> &WireName {
        &self.key
    }

    /// The SOA.
    pub fn soa(&self) -> &SOA {
        &self.soa
    }

    /// The serial of this version.
    pub fn serial(&self) -> u32 {
        self.soa.serial
    }

    /// TTL of negative answers: the lesser of the SOA's own TTL and its MINIMUM (RFC 2308 section 3).
    pub fn negative_ttl_s(&self) -> u32 {
        self.soa_ttl_s.min(self.soa.minimum)
    }

    /// How many names exist, empty non-terminals included.
    pub fn n_names(&self) -> usize {
        self.nodes.len()
    }

    /// The node of a lower-cased wire name, whatever lies above it.
    pub fn node(&self, name: &[u8]) -> Option<&Node> {
        self.nodes.get(name).map(Arc::as_ref)
    }

    /// Every name that exists, in no order.
    pub fn nodes(&self) -> impl Iterator<Item = (&WireName, &Node)> {
        self.nodes.iter().map(|(name, node)| (name, node.as_ref()))
    }

    /// Every record, names in canonical order (RFC 4034 section 6.1) after the SOA.
    pub fn records(&self) -> Vec<Record> {
        let mut names: Vec<(Name, &Node)> =
            self.nodes.iter().map(|(name, node)| (self.owner(name), node.as_ref())).collect();
        names.sort_by(|(left, _), (right, _)| left.cmp(right));
        let mut records: Vec<Record> =
            names.iter().flat_map(|(owner, node)| node.rrsets.records(owner)).collect();
        records.sort_by_key(|record| record.record_type() != RecordType::SOA);
        records
    }

    /// False until all objects are there: a name error is then SERVFAIL.
    pub fn is_synced(&self) -> bool {
        self.is_synced
    }

    /// Whether a lower-cased wire name that does not exist here is looked for elsewhere.
    pub fn falls_through(&self, name: &[u8]) -> bool {
        self.fallthrough.iter().any(|above| name::ancestors(name).any(|own| own == above.as_bytes()))
    }

    /// Has names at and below these looked for elsewhere if they do not exist here.
    pub fn set_fallthrough(&mut self, names: &[Name]) {
        self.fallthrough = names.iter().map(WireName::of).collect();
    }

    /// See [`Zone::is_synced`].
    pub fn set_synced(&mut self, is_synced: bool) {
        self.is_synced = is_synced;
    }

    /// How the names of pods that are not in the zone as such are answered.
    pub fn pod_names(&self) -> Option<&PodNameRule> {
        self.pod_names.as_deref()
    }

    /// See [`Zone::pod_names`].
    pub fn set_pod_names(&mut self, rule: Option<PodNameRule>) {
        self.pod_names = rule.map(Arc::new);
    }

    /// Gives this version a serial.
    pub fn set_serial(&mut self, serial: u32) {
        let before = self.soa.clone();
        Arc::make_mut(&mut self.soa).serial = serial;
        let others: RrSets = match self.node(self.key.as_bytes()) {
            Some(node) => node.rrsets.clone(),
            None => RrSets::default(),
        };
        self.set(&self.key.clone(), others);
        self.close_version(before);
    }

    /// Makes `name` exist with exactly these RRsets, perhaps none. At the apex the SOA stays. A
    /// name outside the zone is left alone. Returns whether this changed anything.
    pub fn set(&mut self, name: &WireName, rrsets: RrSets) -> bool {
        let is_apex = *name == self.key;
        let rrsets = if is_apex { self.with_soa(&rrsets) } else { rrsets };
        let is_there =
            self.node(name.as_bytes()).is_some_and(|node| node.is_explicit && node.rrsets == rrsets);
        if is_there || !name::is_at_or_below(name.as_bytes(), self.key.as_bytes()) {
            return false;
        }
        self.put(name, rrsets, None);
        true
    }

    /// Puts RRsets, at the apex with the SOA, at a name within the zone.
    pub(super) fn put(&mut self, name: &WireName, rrsets: RrSets, cased: Option<Arc<[u8]>>) {
        let is_apex = *name == self.key;
        self.note(name);
        self.cased.extend(cased.map(|cased| (name.clone(), cased)));
        self.n_cuts -= self.node(name.as_bytes()).map_or(0, |node| usize::from(is_cut(node, is_apex)));
        match self.nodes.get_mut(name.as_bytes()) {
            Some(node) => {
                let node = Arc::make_mut(node);
                node.rrsets = rrsets;
                node.is_explicit = true;
                node.ready = Ready::default();
            }
            None => {
                self.add_node(name.clone(), Node::new(rrsets, true, 0));
                if !is_apex {
                    self.hold_ancestors(name.as_bytes());
                }
            }
        }
        self.stamp_parent(name.as_bytes());
        self.n_cuts += self.node(name.as_bytes()).map_or(0, |node| usize::from(is_cut(node, is_apex)));
    }

    /// Takes the records of `name` away; the name goes too unless names below it hold it. The apex
    /// always exists. Returns whether this changed anything.
    pub fn remove(&mut self, name: &WireName) -> bool {
        if *name == self.key {
            return self.set(name, RrSets::default());
        }
        if self.node(name.as_bytes()).is_none_or(Node::is_empty_non_terminal) {
            return false;
        }
        self.note(name);
        let Some(node) = self.nodes.get_mut(name.as_bytes()) else { return false };
        self.n_cuts -= usize::from(is_cut(node, false));
        let node = Arc::make_mut(node);
        node.rrsets = RrSets::default();
        node.is_explicit = false;
        node.ready = Ready::default();
        self.cased.remove(name);
        self.prune(name.as_bytes());
        self.stamp_parent(name.as_bytes());
        true
    }

    fn add_node(&mut self, name: WireName, node: Node) {
        self.n_wildcards += usize::from(is_wildcard(name.as_bytes()));
        self.nodes.insert(name, Arc::new(node));
    }

    fn remove_node(&mut self, name: &[u8]) {
        self.n_wildcards -= usize::from(is_wildcard(name));
        self.nodes.remove(name);
    }

    /// Marks that the records of `name` have changed.
    fn stamp_parent(&mut self, name: &[u8]) {
        let parent = name::parent(name).and_then(|parent| self.nodes.get_mut(parent));
        if let Some(parent) = parent {
            Arc::make_mut(parent).below = Stamp::next();
        }
    }

    /// Counts a new name at its parent; parents that are missing come to exist as well.
    fn hold_ancestors(&mut self, name: &[u8]) {
        for ancestor in name::ancestors(name).skip(1) {
            if let Some(node) = self.nodes.get_mut(ancestor) {
                Arc::make_mut(node).n_children += 1;
                return;
            }
            self.add_node(WireName::from(ancestor), Node::new(RrSets::default(), false, 1));
        }
    }

    /// Removes `name` and its ancestors as far as nothing holds them.
    fn prune(&mut self, name: &[u8]) {
        for ancestor in name::ancestors(name) {
            let is_held = self.node(ancestor).is_none_or(|node| node.is_explicit || node.n_children > 0);
            if is_held {
                return;
            }
            self.remove_node(ancestor);
            let above = name::parent(ancestor).and_then(|above| self.nodes.get_mut(above));
            if let Some(above) = above {
                Arc::make_mut(above).n_children -= 1;
            }
        }
    }

    /// Notes what a name has before it is changed.
    fn note(&mut self, name: &WireName) {
        let rrsets = self.node(name.as_bytes()).map(|node| node.rrsets.clone()).unwrap_or_default();
        let cased = self.cased.get(name).cloned();
        self.pending.push(Before { name: name.clone(), cased, rrsets });
    }

    /// The records of a name, without the SOA.
    pub(crate) fn records_at(&self, name: &WireName) -> Vec<Record> {
        let Some(node) = self.node(name.as_bytes()) else { return Vec::new() };
        let sets = node.rrsets.iter().filter(|set| set.record_type() != RecordType::SOA);
        let owner = self.owner(name);
        sets.flat_map(|set| set.records(&owner).collect::<Vec<_>>()).collect()
    }

    /// The name with its case.
    fn owner(&self, name: &WireName) -> Name {
        name::to_name(self.cased.get(name).map_or(name.as_bytes(), |cased| cased))
    }

    fn with_soa(&mut self, others: &RrSets) -> RrSets {
        let soa = RData::SOA(self.soa.as_ref().clone());
        let soa = RrSet::from_rdata(RecordType::SOA, self.soa_ttl_s, [&soa]).expect("a SOA can be stored");
        self.soa_wire = soa.rdata().next().unwrap_or_default().into();
        let others = others.iter().filter(|set| set.record_type() != RecordType::SOA);
        RrSets::of(others.chain([soa]))
    }

    /// Whether a name may be answered by what is at another one: by a delegation or a DNAME.
    pub(crate) fn has_cuts(&self) -> bool {
        self.n_cuts > 0
    }

    /// Whether a name that has no node may exist: by a wildcard, or as a pod's.
    pub(crate) fn has_made_up_names(&self) -> bool {
        self.n_wildcards > 0 || self.pod_names.is_some()
    }

    /// The SOA's RDATA in uncompressed wire form.
    pub(crate) fn soa_wire(&self) -> &[u8] {
        &self.soa_wire
    }
}

/// The wire form of `name` with its case, if that differs from its key.
pub(super) fn cased(name: &Name, key: &WireName) -> Option<Arc<[u8]>> {
    let wire = name::wire(name, |octet| *octet);
    (wire != key.as_bytes()).then(|| wire.into())
}

fn is_wildcard(name: &[u8]) -> bool {
    name::first_label(name) == Some(b"*")
}

/// Whether a lookup for a name below must stop here: a delegation (NS below the apex) or a DNAME.
fn is_cut(node: &Node, is_apex: bool) -> bool {
    node.has(RecordType::DNAME) || (!is_apex && node.has(RecordType::NS))
}

#[cfg(test)]
mod tests;
