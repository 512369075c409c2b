//! The additional section: addresses of the targets in answer and authority section, from our zones.
//!
//! A and AAAA records for the targets of SRV, MX, NS and SVCB records, each target once (RFC 1035, 3.3;
//! RFC 2782; RFC 9460, 4.1). The RFCs leave the additional section to the server, except in a referral:
//! there it is the glue, which may lie below the delegation (RFC 9471).

use std::collections::HashSet;

use hickory_proto::rr::{Name, RData, Record, RecordType};

use crate::dns::message::name::WireName;
use crate::dns::zone::{Found, Node, Zone, Zones};

const ADDRESSES: &[RecordType] = &[RecordType::A, RecordType::AAAA];
const ALIASED_SVCB: &[RecordType] = &[RecordType::A, RecordType::AAAA, RecordType::SVCB];
const ALIASED_HTTPS: &[RecordType] = &[RecordType::A, RecordType::AAAA, RecordType::HTTPS];

/// The additional section for a response with this answer and authority section.
pub(super) fn records(zones: &Zones, answers: &[Record], authority: &[Record]) -> Vec<Record> {
    let (mut seen, mut additional) = (HashSet::new(), Vec::new());
    for (name, types) in answers.iter().chain(authority).filter_map(target) {
        let key = WireName::of(&name);
        if let Some(zone) = zones.find(key.as_bytes()).filter(|_| seen.insert(key.clone())) {
            add_sets(zone, &key, &name, types, &mut additional);
        }
    }
    additional
}

/// The target of a record, and the types to add for it.
fn target(record: &Record) -> Option<(Name, &'static [RecordType])> {
    let (target, types) = match &record.data {
        RData::SRV(srv) => (&srv.target, ADDRESSES),
        RData::MX(mx) => (&mx.exchange, ADDRESSES),
        RData::NS(ns) => (&ns.0, ADDRESSES),
        RData::SVCB(svcb) if svcb.svc_priority == 0 => (&svcb.target_name, ALIASED_SVCB),
        RData::HTTPS(svcb) if svcb.svc_priority == 0 => (&svcb.target_name, ALIASED_HTTPS),
        RData::SVCB(svcb) => (&svcb.target_name, ADDRESSES),
        RData::HTTPS(svcb) => (&svcb.target_name, ADDRESSES),
        _ => return None,
    };
    let is_service_mode = matches!(&record.data, RData::SVCB(svcb) if svcb.svc_priority > 0)
        || matches!(&record.data, RData::HTTPS(svcb) if svcb.svc_priority > 0);
    match target.is_root() {
        // "." means the owner in ServiceMode (RFC 9460, 2.5.2), and "not available" everywhere else.
        true => is_service_mode.then(|| (record.name.clone(), types)),
        false => Some((target.clone(), types)),
    }
}

fn add_sets(zone: &Zone, key: &WireName, name: &Name, types: &[RecordType], section: &mut Vec<Record>) {
    let found = zone.look_up(key.as_bytes(), RecordType::A);
    let rrsets = match &found {
        Found::Exists(rrsets) => *rrsets,
        Found::Synthesized(rrsets) => rrsets.as_ref(),
        Found::Delegated { .. } => Node::rrsets_of(zone.node(key.as_bytes())),
        Found::Redirected { .. } | Found::Missing => return,
    };
    for set in rrsets.iter().filter(|set| types.contains(&set.record_type())) {
        section.extend(set.records(name));
    }
}
