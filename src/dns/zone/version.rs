//! Versions of a zone: a serial, and the differences from the version before.
//!
//! [`Zone::set_serial`] closes a version: the names that were changed since the last one become one
//! [`Delta`] of the journal. [`Zone::succeed`] does the same for a zone that was loaded again, by
//! comparing it with the one it replaces. [`Zone::changes_since`] is what IXFR (RFC 1995) sends.

use std::sync::Arc;

use hickory_proto::rr::{Name, Record, RecordType};

use super::journal::{Before, Delta, Journal};
use super::node::Node;
use super::rrset::{RrSet, RrSets, RrSetsRef};
use super::soa::Soa;
use super::tree::Zone;
use crate::dns::message::name::{self, WireName};
use crate::dns::message::serial::is_newer;

/// Differences of up to so many records are sent even if the zone has fewer names.
const DIFFERENCES_ALWAYS: usize = 256;

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

impl Zone {
    /// Gives this version a serial.
    pub fn set_serial(&mut self, serial: u32) {
        let after = self.soa.with_serial(serial);
        let before = std::mem::replace(&mut self.soa, after);
        let rrsets = self.with_soa(self.apex_node.rrsets());
        // A delta holds the SOA apart from other records, so the apex is not noted.
        self.apex_node = Node::new(self.key().as_bytes(), rrsets.as_ref(), true);
        self.close_version(before);
    }

    /// What has changed since `serial`; `None` if the journal does not reach back so far, or if the
    /// differences are longer than the zone. The whole zone is the answer then (RFC 1995 section 4).
    pub(crate) fn changes_since(&self, serial: u32) -> Option<Vec<Arc<Delta>>> {
        let is_older = |delta: &&Arc<Delta>| delta.before.serial() != serial;
        let wanted: Vec<Arc<Delta>> = self.journal.deltas().skip_while(is_older).cloned().collect();
        if wanted.is_empty() {
            return None;
        }
        let n_records: usize = wanted.iter().map(|delta| delta.n_records).sum();
        (n_records <= self.n_names().max(DIFFERENCES_ALWAYS)).then_some(wanted)
    }

    /// Makes this zone, which was loaded again, the version after `before`. If its records changed but
    /// the serial did not rise, no difference can be named by serials, so the journal starts empty and
    /// IXFR is answered with the whole zone.
    pub(crate) fn succeed(&mut self, before: &Zone) {
        self.journal = Journal::default();
        self.pending.clear();
        if self.serial() == before.serial() {
            self.note_differences(before);
            if std::mem::take(&mut self.pending).is_empty() {
                self.journal = before.journal.clone();
            }
            return;
        }
        if !is_newer(self.serial(), before.serial()) {
            return;
        }
        self.journal = before.journal.clone();
        self.note_differences(before);
        self.close_version(before.soa.clone());
    }

    /// Notes every name whose records differ from those in another version.
    fn note_differences(&mut self, before: &Zone) {
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
    }

    /// Turns what was noted since the version with the SOA `before` into a delta.
    pub(super) fn close_version(&mut self, before: Soa) {
        let mut firsts = std::mem::take(&mut self.pending);
        firsts.sort_by(|left, right| left.name.cmp(&right.name));
        // The first of equal names stays: it has what the name had before the version.
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
            let [removed, added] = Node::rrsets_of(old.node.as_ref()).differences(now);
            let sides = [
                (&mut delta.removed, removed, old.cased),
                (&mut delta.added, added, self.cased.get(&name).cloned()),
            ];
            for (side, sets, cased) in sides {
                if !sets.is_empty() {
                    delta.n_records += sets.iter().map(|set| set.len()).sum::<usize>();
                    delta.n_octets += sets.n_octets() + name.as_bytes().len();
                    side.push((cased.unwrap_or_else(|| name.to_shared()), sets));
                }
            }
        }
        self.journal.push(delta);
    }

    /// The SOA as a record.
    pub(crate) fn soa_record(&self) -> Record {
        self.record_of(&self.soa)
    }

    /// The SOA as it is in the authority section of a negative answer (RFC 2308 section 3).
    pub(crate) fn soa_record_for(&self, owner: &Name) -> Record {
        self.soa.record(owner, self.negative_ttl_s())
    }

    fn record_of(&self, soa: &Soa) -> Record {
        soa.record(self.apex(), self.soa_ttl_s)
    }
}

impl<'a> RrSetsRef<'a> {
    /// The records that only `self` has, and those that only `others` has, without the SOA.
    fn differences(self, others: RrSetsRef<'_>) -> [RrSets; 2] {
        let is_told = |set: &RrSet<'_>| set.record_type() != RecordType::SOA;
        let (mut own, mut only_others) = (Vec::new(), Vec::new());
        for set in self.iter().filter(is_told) {
            match others.like(&set) {
                None => own.push(set),
                Some(other) => {
                    let [left, right] = set.differences(&other);
                    own.push(left);
                    only_others.push(right);
                }
            }
        }
        let is_new = |set: &RrSet<'_>| is_told(set) && self.like(set).is_none();
        only_others.extend(others.iter().filter(is_new));
        [own, only_others].map(RrSets::of)
    }

    /// The RRset of the same type and TTL.
    fn like(self, set: &RrSet<'_>) -> Option<RrSet<'a>> {
        self.get(set.record_type()).filter(|same| same.ttl_s() == set.ttl_s())
    }
}

#[cfg(test)]
mod tests;
