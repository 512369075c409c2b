//! Decides the answer to a question; nothing else does. Pure.
//!
//! ```text
//!   query ─► zone with the longest apex ─► look up ─┬─ exists ────► RRset | CNAME, go on | NODATA
//!              │ none: REFUSED                      ├─ delegated ─► referral
//!              ▼                                    ├─ DNAME ─────► synthesized CNAME, go on
//!            (target of a CNAME: stop there)        └─ missing ───► falls through | NXDOMAIN
//! ```
//!
//! The algorithm is that of RFC 1034, 4.3.2 with RFC 2308 (negative TTL), RFC 4592 (wildcards), RFC 6604
//! (the rcode is that of the last name of a chain), RFC 6672 (DNAME), RFC 8020 (nothing exists below an
//! NXDOMAIN) and RFC 8482 (ANY gets one RRset, the first choice of its section 4.1).
//!
//! CNAME and DNAME chains are followed through all of our zones, every name once and at most
//! [`CHAIN_NAMES_MAX`] names; the answer is what was found until then. Where a chain leaves our zones
//! [`Answer::beyond`] names the target, for servers that forward. Answers are minimal: no NS records
//! beside a positive answer (RFC 1034 leaves them to the server).

mod additional;

use std::collections::HashSet;

use hickory_proto::op::ResponseCode;
use hickory_proto::rr::rdata::CNAME;
use hickory_proto::rr::{Name, RData, Record, RecordType};

use super::message::name::WireName;
use super::message::protocol::{EDE_NOT_AUTHORITATIVE, EDE_NOT_READY};
use super::zone::{Found, RrSet, RrSetsRef, Zone, Zones};

/// A question of class IN.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Query {
    /// QNAME, in the case as asked.
    pub name: Name,
    /// QTYPE.
    pub record_type: RecordType,
}

/// The complete answer, before encoding and truncation.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// The rcode.
    pub rcode: ResponseCode,
    /// The AA bit.
    pub is_authoritative: bool,
    /// The answer section.
    pub answers: Vec<Record>,
    /// The authority section.
    pub authority: Vec<Record>,
    /// The additional section, without OPT. RRsets that do not fit are omitted without TC, except glue
    /// of a referral (no AA, no answers), which is required (RFC 9471).
    pub additional: Vec<Record>,
    /// Extended DNS Error (RFC 8914): info code and text.
    pub extended_error: Option<(u16, String)>,
    /// The name outside of our zones at which the answer continues: a server that forwards asks upstreams
    /// for it. Without forwarding the rest of the answer is final.
    pub beyond: Option<Name>,
}

impl Answer {
    /// NOERROR without records and without AA.
    pub(super) fn empty() -> Self {
        Self {
            rcode: ResponseCode::NoError,
            is_authoritative: false,
            answers: Vec::new(),
            authority: Vec::new(),
            additional: Vec::new(),
            extended_error: None,
            beyond: None,
        }
    }
}

/// Maximum number of names in a CNAME chain; BIND has the same limit.
pub const CHAIN_NAMES_MAX: usize = 17;

/// Answers `query` from `zones`. AXFR and IXFR are refused here; `service` handles them.
pub fn answer(zones: &Zones, query: &Query) -> Answer {
    if matches!(query.record_type, RecordType::AXFR | RecordType::IXFR) {
        return refused();
    }
    let mut reply = Answer { is_authoritative: true, ..Answer::empty() };
    let mut seen = HashSet::new();
    let mut next = Some(query.name.clone());
    while let Some(name) = next.take().filter(|_| seen.len() < CHAIN_NAMES_MAX) {
        let key = WireName::of(&name);
        if !seen.insert(key.clone()) {
            break;
        }
        let Some(zone) = zones.find_for(key.as_bytes(), query.record_type) else {
            if reply.answers.is_empty() {
                // No text: REFUSED goes to anybody, so it should not amplify.
                let extended_error = Some((EDE_NOT_AUTHORITATIVE, String::new()));
                return Answer { beyond: Some(name), extended_error, ..refused() };
            }
            reply.beyond = Some(name);
            break;
        };
        next = Step { zones, zone, name: &name, record_type: query.record_type }.take(&key, &mut reply);
    }
    reply.additional = additional::records(zones, &reply.answers, &reply.authority);
    reply
}

fn refused() -> Answer {
    Answer { rcode: ResponseCode::Refused, ..Answer::empty() }
}

/// One name of a CNAME chain.
struct Step<'q> {
    zones: &'q Zones,
    zone: &'q Zone,
    name: &'q Name,
    record_type: RecordType,
}

impl Step<'_> {
    /// Adds the zone's answer for this name to `reply`; returns the next name of the chain.
    fn take(&self, key: &WireName, reply: &mut Answer) -> Option<Name> {
        match self.zone.look_up(key.as_bytes(), self.record_type) {
            Found::Exists(rrsets) => self.exists(rrsets, reply),
            Found::Synthesized(rrsets) => self.exists(rrsets.as_ref(), reply),
            Found::Delegated { n_labels, servers } => {
                reply.is_authoritative = !reply.answers.is_empty();
                reply.authority.extend(servers.records(&self.name.trim_to(n_labels)));
                None
            }
            Found::Redirected { n_labels, dname } => self.redirected(n_labels, &dname, reply),
            Found::Missing if self.zone.falls_through(key.as_bytes()) => self.fall_through(key, reply),
            Found::Missing => {
                self.missing(reply);
                None
            }
        }
    }

    fn exists(&self, rrsets: RrSetsRef<'_>, reply: &mut Answer) -> Option<Name> {
        let wanted = match self.record_type {
            RecordType::ANY => rrsets.iter().next(),
            wanted => rrsets.get(wanted),
        };
        if let Some(set) = wanted {
            reply.answers.extend(set.records(self.name));
            return None;
        }
        let Some(alias) = rrsets.get(RecordType::CNAME) else {
            self.add_soa(reply);
            return None;
        };
        reply.answers.extend(alias.records(self.name));
        match &reply.answers.last()?.data {
            RData::CNAME(target) => Some(target.0.clone()),
            _ => None,
        }
    }

    /// The DNAME record, a CNAME synthesized from it, and on with its target (RFC 6672, 3.2).
    fn redirected(&self, n_labels: usize, dname: &RrSet<'_>, reply: &mut Answer) -> Option<Name> {
        reply.answers.extend(dname.records(&self.name.trim_to(n_labels)));
        let target = dname.rdata().next().and_then(|wire| substitute(self.name, n_labels, wire));
        let Some(target) = target else {
            reply.rcode = ResponseCode::YXDomain;
            return None;
        };
        let alias = RData::CNAME(CNAME(target.clone()));
        reply.answers.push(Record::from_rdata(self.name.clone(), dname.ttl_s(), alias));
        (self.record_type != RecordType::CNAME).then_some(target)
    }

    /// The name is looked up in the zone files as well, or upstreams may know it.
    fn fall_through(&self, key: &WireName, reply: &mut Answer) -> Option<Name> {
        if let Some(zone) = self.zones.fallback_for(key.as_bytes()) {
            return Step { zone, ..*self }.take(key, reply);
        }
        self.missing(reply);
        reply.beyond = Some(self.name.clone());
        None
    }

    fn missing(&self, reply: &mut Answer) {
        self.add_soa(reply);
        if self.zone.is_synced() {
            reply.rcode = ResponseCode::NXDomain;
        } else {
            reply.rcode = ResponseCode::ServFail;
            let text = format!("not all objects have been read yet, so {} may exist", self.name);
            reply.extended_error = Some((EDE_NOT_READY, text));
        }
    }

    /// Adds the SOA record of a negative answer (RFC 2308, section 3), with the owner in the case of the
    /// QNAME so that it compresses.
    fn add_soa(&self, reply: &mut Answer) {
        let owner = self.name.trim_to(self.zone.apex().iter().len());
        reply.authority.push(self.zone.soa_record_for(&owner));
    }
}

/// `name` with its last `n_labels` labels replaced by `target`; `None` if the result is too long, which
/// is YXDOMAIN (RFC 6672, 2.2).
fn substitute(name: &Name, n_labels: usize, target: &[u8]) -> Option<Name> {
    let target = WireName::from(target).to_name();
    let kept = name.iter().take(name.iter().len() - n_labels);
    Name::from_labels(kept.chain(target.iter())).ok()
}

#[cfg(test)]
mod tests;
