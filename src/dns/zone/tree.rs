//! One zone at one version: its nodes, and the only two ways to change them, `set` and `remove`.
//!
//! Nodes are found by their lower-cased wire name in a persistent table, so a changed copy shares
//! everything that did not change. An empty non-terminal has a node of its own for as long as a name
//! exists below it (RFC 8020, RFC 4592 section 2.2.2): every name's children are counted, adding a name
//! adds the missing ancestors, and removing one prunes the ancestors that hold nothing else. A name
//! therefore exists exactly if it has a node.
//!
//! Each name with names below it also has their number and a stamp, which changes whenever the records
//! of a name directly below it change.

use std::sync::Arc;

use hickory_proto::rr::rdata::SOA;
use hickory_proto::rr::{Name, Record, RecordType};

use super::address_names::AddressNameRule;
use super::journal::{Before, Journal};
use super::node::Node;
use super::rrset::{RrSets, RrSetsRef};
use super::soa::Soa;
use super::stamps::{Below, Stamps};
use super::table::{Cursor, Named, Table};
use crate::dns::message::name::{self, WireName};

/// A persistent map that is read while a question is answered.
type Map<K, V> =
    imbl::GenericHashMap<K, V, foldhash::quality::RandomState, imbl::shared_ptr::DefaultSharedPtr>;

/// One zone at one version. Cheap to clone; a changed copy shares what it keeps.
#[derive(Clone, Debug)]
pub struct Zone {
    apex: Name,
    key: WireName,
    pub(super) soa: Soa,
    pub(super) soa_ttl_s: u32,
    /// The apex, kept outside the table because it changes with every version (its SOA).
    pub(super) apex_node: Node,
    nodes: Table<Node>,
    /// Every name that has others below it.
    parents: Table<Parent>,
    /// By the hash of a name: the stamp of the records one label below it.
    stamps: Stamps,
    /// The wire form of names that are not all lower case, with their case.
    pub(crate) cased: Map<WireName, Arc<[u8]>>,
    /// The number of names at which a lookup may have to stop: delegations and DNAMEs.
    n_cuts: usize,
    /// The number of names whose first label is an asterisk.
    n_wildcards: usize,
    address_names: Option<Arc<AddressNameRule>>,
    /// At and below these names, a name that does not exist here is looked up in the fallback zones.
    fallthrough: Arc<[WireName]>,
    is_synced: bool,
    pub(super) journal: Journal,
    /// Names changed since the last serial was set, as they were before.
    pub(super) pending: Vec<Before>,
}

/// A name that has others below it.
#[derive(Clone, Debug)]
struct Parent {
    name: WireName,
    /// How many exist one label below.
    n_below: u32,
}

impl Named for Parent {
    fn name(&self) -> &[u8] {
        self.name.as_bytes()
    }
}

impl Zone {
    /// A zone that holds its SOA and nothing else yet.
    pub fn new(apex: Name, soa: SOA, soa_ttl_s: u32) -> Self {
        let key = WireName::of(&apex);
        let soa = Soa::of(&soa);
        let rrsets = RrSets::of([soa.rrset(soa_ttl_s)]);
        Self {
            cased: cased(&apex, &key).into_iter().map(|cased| (key.clone(), cased)).collect(),
            apex,
            soa,
            soa_ttl_s,
            apex_node: Node::new(key.as_bytes(), rrsets.as_ref(), true),
            nodes: Table::default(),
            parents: Table::default(),
            stamps: Stamps::default(),
            n_cuts: 0,
            n_wildcards: usize::from(is_wildcard(key.as_bytes())),
            address_names: None,
            fallthrough: Arc::default(),
            is_synced: true,
            key,
            journal: Journal::default(),
            pending: Vec::new(),
        }
    }

    /// The apex, its case as given.
    pub fn apex(&self) -> &Name {
        &self.apex
    }

    /// The apex as a key.
    pub fn key(&self) -> &WireName {
        &self.key
    }

    /// The serial of this version.
    pub fn serial(&self) -> u32 {
        self.soa.serial()
    }

    /// TTL of negative answers: the lesser of the SOA's own TTL and its MINIMUM (RFC 2308 section 3).
    pub fn negative_ttl_s(&self) -> u32 {
        self.soa_ttl_s.min(self.soa.minimum_s())
    }

    /// How many names exist, empty non-terminals included.
    pub fn n_names(&self) -> usize {
        self.nodes.len() + 1
    }

    /// The node of a lower-cased wire name, whatever lies above it.
    #[inline]
    pub fn node(&self, name: &[u8]) -> Option<&Node> {
        if name == self.key.as_bytes() { Some(&self.apex_node) } else { self.nodes.get(name) }
    }

    /// The beginning of the same lookup, in steps.
    #[inline]
    pub(crate) fn seek(&self, name: &[u8]) -> Cursor<'_, Node> {
        if name == self.key.as_bytes() { Cursor::at(&self.apex_node) } else { self.nodes.seek(name) }
    }

    /// Every name that exists, in no order.
    pub fn nodes(&self) -> impl Iterator<Item = &Node> {
        std::iter::once(&self.apex_node).chain(self.nodes.iter())
    }

    /// How many names exist one label below a lower-cased wire name.
    pub fn n_below(&self, name: &[u8]) -> u32 {
        self.parents.get(name).map_or(0, |parent| parent.n_below)
    }

    /// The records one label below a lower-cased wire name.
    pub(crate) fn below(&self, name: &[u8]) -> Below {
        self.stamps.below(self.nodes.hash(name))
    }

    /// Whether these records, seen in another version of this zone, are unchanged. `false` may be wrong.
    #[inline]
    pub(crate) fn has_unchanged(&self, below: Below) -> bool {
        self.stamps.has_unchanged(below)
    }

    /// Every record, names in canonical order (RFC 4034 section 6.1) after the SOA.
    pub fn records(&self) -> Vec<Record> {
        let mut names: Vec<(Name, &Node)> =
            self.nodes().map(|node| (self.owner(node.name()), node)).collect();
        names.sort_by(|(left, _), (right, _)| left.cmp(right));
        let mut records: Vec<Record> =
            names.iter().flat_map(|(owner, node)| node.rrsets().records(owner)).collect();
        records.sort_by_key(|record| record.record_type() != RecordType::SOA);
        records
    }

    /// False until the zone is complete: a name error is answered with SERVFAIL until then.
    pub fn is_synced(&self) -> bool {
        self.is_synced
    }

    /// Whether a lower-cased wire name that does not exist here is looked up in the fallback zones.
    pub fn falls_through(&self, name: &[u8]) -> bool {
        self.fallthrough.iter().any(|above| name::ancestors(name).any(|own| own == above.as_bytes()))
    }

    /// Looks up names at and below these in the fallback zones if they do not exist here.
    pub fn set_fallthrough(&mut self, names: &[Name]) {
        self.fallthrough = names.iter().map(WireName::of).collect();
    }

    /// See [`Zone::is_synced`].
    pub fn set_synced(&mut self, is_synced: bool) {
        self.is_synced = is_synced;
    }

    /// How address labels that have no node are answered.
    pub fn address_names(&self) -> Option<&AddressNameRule> {
        self.address_names.as_deref()
    }

    /// See [`Zone::address_names`].
    pub fn set_address_names(&mut self, rule: Option<AddressNameRule>) {
        self.address_names = rule.map(Arc::new);
    }

    /// Makes `name` exist with exactly these RRsets, perhaps none. At the apex the SOA stays. A
    /// name outside the zone is left alone. Returns whether this changed anything.
    pub fn set<'r>(&mut self, name: &WireName, rrsets: impl Into<RrSetsRef<'r>>) -> bool {
        let rrsets = rrsets.into();
        if *name == self.key {
            let rrsets = self.with_soa(rrsets);
            return self.set_all(name, rrsets.as_ref());
        }
        name::is_at_or_below(name.as_bytes(), self.key.as_bytes()) && self.set_all(name, rrsets)
    }

    fn set_all(&mut self, name: &WireName, rrsets: RrSetsRef<'_>) -> bool {
        let known = self.node(name.as_bytes());
        let is_there = known.is_some_and(|node| !node.is_empty_non_terminal() && node.rrsets() == rrsets);
        if !is_there {
            self.put(name, rrsets, None);
        }
        !is_there
    }

    /// Puts RRsets, at the apex with the SOA, at a name within the zone.
    pub(super) fn put(&mut self, name: &WireName, rrsets: RrSetsRef<'_>, cased: Option<Arc<[u8]>>) {
        let before = self.put_node(Node::new(name.as_bytes(), rrsets, true));
        if *name != self.key {
            if before.is_none() {
                self.hold_ancestors(name.as_bytes());
            }
            self.stamp_parent(name.as_bytes());
        }
        self.note(name, before);
        self.cased.extend(cased.map(|cased| (name.clone(), cased)));
    }

    /// Removes the records of `name`, and the name unless there are names below it. The apex always
    /// exists. Returns whether this changed anything.
    pub fn remove(&mut self, name: &WireName) -> bool {
        if *name == self.key {
            return self.set(name, RrSetsRef::EMPTY);
        }
        if self.node(name.as_bytes()).is_none_or(Node::is_empty_non_terminal) {
            return false;
        }
        let is_held = self.n_below(name.as_bytes()) > 0;
        let before = match is_held {
            true => self.put_node(Node::new(name.as_bytes(), RrSetsRef::EMPTY, false)),
            false => self.remove_node(name.as_bytes()),
        };
        self.note(name, before);
        self.cased.remove(name);
        self.stamp_parent(name.as_bytes());
        if !is_held {
            self.release_ancestors(name.as_bytes());
        }
        true
    }

    /// Inserts a node; returns the one of the same name that it replaces.
    fn put_node(&mut self, node: Node) -> Option<Node> {
        self.count(&node, |n, one| n + one);
        let before = match node.name() == self.key.as_bytes() {
            true => Some(std::mem::replace(&mut self.apex_node, node)),
            false => self.nodes.insert(node),
        };
        if let Some(before) = &before {
            self.count(before, |n, one| n - one);
        }
        before
    }

    fn remove_node(&mut self, name: &[u8]) -> Option<Node> {
        let node = self.nodes.remove(name)?;
        self.count(&node, |n, one| n - one);
        Some(node)
    }

    /// Updates the numbers of cuts and wildcards.
    fn count(&mut self, node: &Node, change: fn(usize, usize) -> usize) {
        let is_apex = node.name() == self.key.as_bytes();
        self.n_cuts = change(self.n_cuts, usize::from(is_cut(node, is_apex)));
        self.n_wildcards = change(self.n_wildcards, usize::from(is_wildcard(node.name())));
    }

    /// Marks that the records of `name` have changed.
    fn stamp_parent(&mut self, name: &[u8]) {
        if let Some(parent) = name::parent(name) {
            self.stamps.renew(self.nodes.hash(parent));
        }
    }

    /// Counts a new name at its parent; missing ancestors become empty non-terminals.
    fn hold_ancestors(&mut self, name: &[u8]) {
        for ancestor in name::ancestors(name).skip(1) {
            let known = self.parents.get(ancestor).cloned();
            let parent = known.unwrap_or_else(|| Parent { name: WireName::from(ancestor), n_below: 0 });
            self.parents.insert(Parent { n_below: parent.n_below + 1, ..parent });
            self.stamps.reserve(self.parents.len());
            if self.node(ancestor).is_some() {
                return;
            }
            self.put_node(Node::new(ancestor, RrSetsRef::EMPTY, false));
        }
    }

    /// Uncounts a removed name at its parent; removes ancestors that nothing else holds.
    fn release_ancestors(&mut self, name: &[u8]) {
        for ancestor in name::ancestors(name).skip(1) {
            let Some(parent) = self.parents.get(ancestor).cloned() else { return };
            if parent.n_below > 1 {
                self.parents.insert(Parent { n_below: parent.n_below - 1, ..parent });
                return;
            }
            self.parents.remove(ancestor);
            if self.node(ancestor).is_none_or(|node| !node.is_empty_non_terminal()) {
                return;
            }
            self.remove_node(ancestor);
            self.stamp_parent(ancestor);
        }
    }

    /// Notes what a name had before the change.
    fn note(&mut self, name: &WireName, before: Option<Node>) {
        let cased = self.cased.get(name).cloned();
        self.pending.push(Before { name: name.clone(), cased, node: before });
    }

    /// The records of a name, without the SOA.
    pub(crate) fn records_at(&self, name: &WireName) -> Vec<Record> {
        let Some(node) = self.node(name.as_bytes()) else { return Vec::new() };
        let sets = node.rrsets().iter().filter(|set| set.record_type() != RecordType::SOA);
        let owner = self.owner(name.as_bytes());
        sets.flat_map(|set| set.records(&owner).collect::<Vec<_>>()).collect()
    }

    /// The name with its case.
    fn owner(&self, name: &[u8]) -> Name {
        name::to_name(self.cased.get(name).map_or(name, |cased| cased))
    }

    pub(super) fn with_soa(&self, others: RrSetsRef<'_>) -> RrSets {
        let others = others.iter().filter(|set| set.record_type() != RecordType::SOA);
        RrSets::of(others.chain([self.soa.rrset(self.soa_ttl_s)]))
    }

    /// Whether the zone has delegations or DNAMEs, so that a name may be answered from an ancestor.
    pub(crate) fn has_cuts(&self) -> bool {
        self.n_cuts > 0
    }

    /// Whether a name that has no node may exist: by a wildcard or as an address label.
    pub(crate) fn has_synthesized_names(&self) -> bool {
        self.n_wildcards > 0 || self.address_names.is_some()
    }

    /// The SOA's RDATA in uncompressed wire form.
    pub(crate) fn soa_wire(&self) -> &[u8] {
        self.soa.as_bytes()
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
