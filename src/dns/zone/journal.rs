//! What has changed from version to version of a zone, for secondaries that have an older one.
//!
//! Every change of a name is noted with what was there before; when the version gets its serial, the
//! differences become one [`Delta`]. The journal is bounded by [`VERSIONS_MAX`] and [`OCTETS_MAX`];
//! beyond them the oldest versions go, and a secondary that has one of those gets the whole zone.

use std::sync::Arc;

use hickory_proto::rr::rdata::SOA;
use hickory_proto::rr::{RData, Record, RecordType};

use super::name::{self, WireName};
use super::node::Node;
use super::rrset::{RrSets, RrSetsRef};
use super::tree::Zone;

/// How many versions of a zone are kept.
const VERSIONS_MAX: usize = 1024;
/// How many octets the kept differences of a zone have.
const OCTETS_MAX: usize = 4 * 1024 * 1024;
/// So many records are worth sending as differences even if the zone has fewer names.
const DIFFERENCES_ALWAYS: usize = 256;

/// The kept versions, oldest first.
#[derive(Clone, Debug, Default)]
pub(super) struct Journal {
    deltas: imbl::Vector<Arc<Delta>>,
    n_octets: usize,
}

/// A name as it was before it was changed.
#[derive(Clone, Debug)]
pub(super) struct Before {
    pub(super) name: WireName,
    pub(super) cased: Option<Arc<[u8]>>,
    /// `None` if there was no such name.
    pub(super) node: Option<Node>,
}

/// What one version has changed.
#[derive(Debug)]
pub(crate) struct Delta {
    before: Arc<SOA>,
    after: Arc<SOA>,
    removed: Vec<(Arc<[u8]>, RrSets)>,
    added: Vec<(Arc<[u8]>, RrSets)>,
    n_records: usize,
    n_octets: usize,
}

impl Delta {
    /// As IXFR sends it: the old SOA, what is removed, the new SOA, what is added.
    pub(crate) fn records(&self, zone: &Zone) -> Vec<Record> {
        let mut records = vec![zone.record_of(&self.before)];
        records.extend(self.removed.iter().flat_map(|(owner, sets)| sets.records(&name::to_name(owner))));
        records.push(zone.record_of(&self.after));
        records.extend(self.added.iter().flat_map(|(owner, sets)| sets.records(&name::to_name(owner))));
        records
    }
}

impl Journal {
    fn push(&mut self, delta: Delta) {
        self.n_octets += delta.n_octets;
        self.deltas.push_back(Arc::new(delta));
        while self.n_octets > OCTETS_MAX || self.deltas.len() > VERSIONS_MAX {
            let Some(oldest) = self.deltas.pop_front() else { return };
            self.n_octets -= oldest.n_octets;
        }
    }
}

impl Zone {
    /// What has changed since `serial`; `None` if that is not known, or longer than the zone.
    pub(crate) fn changes_since(&self, serial: u32) -> Option<Vec<Arc<Delta>>> {
        let deltas = &self.journal.deltas;
        let first = deltas.iter().position(|delta| delta.before.serial == serial)?;
        let wanted: Vec<Arc<Delta>> = deltas.iter().skip(first).cloned().collect();
        let n_records: usize = wanted.iter().map(|delta| delta.n_records).sum();
        (n_records <= self.n_names().max(DIFFERENCES_ALWAYS)).then_some(wanted)
    }

    /// Makes this zone, which was made anew, the version after `before`.
    pub(crate) fn succeed(&mut self, before: &Zone) {
        self.journal = before.journal.clone();
        if self.serial() == before.serial() {
            return;
        }
        if (self.serial().wrapping_sub(before.serial()) as i32) < 0 {
            self.journal = Journal::default();
            return;
        }
        for node in before.nodes() {
            if self.node(node.name()).is_none_or(|now| now.rrsets() != node.rrsets()) {
                let cased = before.cased.get(node.name()).cloned();
                let name = WireName::from(node.name());
                self.pending.push(Before { name, cased, node: Some(node.clone()) });
            }
        }
        let is_new = |node: &&Node| before.node(node.name()).is_none();
        let new = self.nodes().filter(is_new).map(|node| node.name().into());
        let new: Vec<Before> = new.map(|name| Before { name, cased: None, node: None }).collect();
        self.pending.extend(new);
        self.close_version(before.soa.clone());
    }

    /// Turns what was noted since the version with the SOA `before` into a delta.
    pub(super) fn close_version(&mut self, before: Arc<SOA>) {
        let mut firsts = std::mem::take(&mut self.pending);
        firsts.sort_by(|left, right| left.name.cmp(&right.name));
        // Of what is equal it is the first that remains.
        firsts.dedup_by(|later, first| later.name == first.name);
        let mut delta = Delta {
            before,
            after: self.soa.clone(),
            removed: Vec::new(),
            added: Vec::new(),
            n_records: 0,
            n_octets: 0,
        };
        for old in firsts {
            let name = old.name;
            let now = Node::rrsets_of(self.node(name.as_bytes()));
            let then = Node::rrsets_of(old.node.as_ref());
            let sides = [
                (&mut delta.removed, then, now, old.cased),
                (&mut delta.added, now, then, self.cased.get(&name).cloned()),
            ];
            for (side, these, those, cased) in sides {
                let sets = these.without(those);
                if !sets.is_empty() {
                    delta.n_records += sets.iter().map(|set| set.len()).sum::<usize>();
                    delta.n_octets += sets.n_octets() + name.as_bytes().len();
                    side.push((cased.unwrap_or_else(|| name.as_bytes().into()), sets));
                }
            }
        }
        self.journal.push(delta);
    }

    /// The SOA as a record.
    pub(crate) fn soa_record(&self) -> Record {
        self.record_of(&self.soa)
    }

    fn record_of(&self, soa: &SOA) -> Record {
        Record::from_rdata(self.apex().clone(), self.soa_ttl_s, RData::SOA(soa.clone()))
    }
}

impl RrSetsRef<'_> {
    /// The records that `others` has not got; the SOA is left out.
    fn without(self, others: RrSetsRef<'_>) -> RrSets {
        let kept = self.iter().filter(|set| set.record_type() != RecordType::SOA).map(|set| {
            let other = others.get(set.record_type()).filter(|other| other.ttl_s() == set.ttl_s());
            if let Some(other) = other { set.without(&other) } else { set }
        });
        RrSets::of(kept)
    }
}

#[cfg(test)]
mod tests;
