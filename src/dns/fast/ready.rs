//! Ready-made sections: made by the ordinary way at the first question, copied from then on.
//!
//! They must not depend on anything that a later question or version can have different:
//! - on the case of the question, as far as names in the sections are compressed against it. Owners
//!   that equal the question's name are in any case; names in RDATA of the types of RFC 1035 and
//!   owners of additional records are not, so for PTR and SRV only a question in lower case is taken;
//! - on records elsewhere. Targets of SRV records have their addresses in the additional section;
//!   these are taken if all targets lie directly below one name, whose stamp then tells whether
//!   they have changed. Other types with additional records go the ordinary way;
//! - on the turn: address records alone in the message take turns when they are copied.

use std::net::{IpAddr, Ipv4Addr};

use hickory_proto::rr::RecordType;

use super::question::Question;
use super::{OPT_BEGINNING, OPT_LENGTH};
use crate::dns::conduct::Conduct;
use crate::dns::request::HEADER_LENGTH;
use crate::dns::respond::{Asker, DATAGRAM_LENGTH_MAX_WITHOUT_EDNS, Transport, respond};
use crate::dns::zone::{Dependency, Ready, ReadyMade, Zone, Zones, name};

/// Sections are the same for all who ask.
const NOBODY: Asker = Asker { address: IpAddr::V4(Ipv4Addr::UNSPECIFIED), transport: Transport::Datagram };
/// QR and AA.
const AUTHORITATIVE: [u8; 2] = [0x84, 0];
/// QR, AA and TC.
const TRUNCATED: [u8; 2] = [0x86, 0];
/// Priority, weight and port, before the target of SRV.
const SRV_FIXED_LENGTH: usize = 6;

/// Whether what `made` was made of is still the same.
pub(super) fn is_current(made: &ReadyMade, zones: &Zones, zone: &Zone) -> bool {
    made.depends_on.as_ref().is_none_or(|on| {
        on.layout == zones.layout()
            && zone.node(on.parent.as_bytes()).is_some_and(|node| node.below() == on.below)
    })
}

/// Appends the response with these sections; `None` if it has to be made the ordinary way.
pub(super) fn write(
    made: &ReadyMade,
    question: &Question<'_>,
    turn: usize,
    replies: &mut Vec<u8>,
) -> Option<()> {
    if made.is_never || (made.is_for_lower_case && question.name != question.lower) {
        return None;
    }
    let [_, n_authority, n_additional] = made.counts;
    if made.is_truncated || question.length_with(made.sections.len()) > question.length_max {
        // What is additional may be left out, so it is not said that this has to be truncated.
        (n_authority == 0 && n_additional == 0).then_some(())?;
        question.write_head(TRUNCATED, [0; 3], replies);
        question.write_opt(replies);
        return Some(());
    }
    question.write_head(AUTHORITATIVE, made.counts, replies);
    match usize::from(made.n_turning) {
        0 => replies.extend_from_slice(&made.sections),
        n_turning => {
            let first = turn % n_turning * (made.sections.len() / n_turning);
            replies.extend_from_slice(&made.sections[first..]);
            replies.extend_from_slice(&made.sections[..first]);
        }
    }
    question.write_opt(replies);
    Some(())
}

/// Makes the sections that answer `question`, whose name has the type; `None` if nothing more may
/// be kept.
pub(super) fn make(zones: &Zones, zone: &Zone, question: &Question<'_>) -> Option<ReadyMade> {
    if !Ready::has_room() {
        return None;
    }
    let never = ReadyMade { is_never: true, ..ReadyMade::default() };
    Some(try_make(zones, zone, question).unwrap_or(never))
}

fn try_make(zones: &Zones, zone: &Zone, question: &Question<'_>) -> Option<ReadyMade> {
    use RecordType::{A, AAAA, PTR, SRV, TXT};
    let record_type = question.record_type;
    if !matches!(record_type, A | AAAA | PTR | SRV | TXT) {
        return None;
    }
    // Who this server is and which keys it has shows in the OPT record alone.
    let conduct = Conduct::default();
    let respond = |has_edns| {
        let response = respond(zones, &conduct, &question.plain_request(has_edns), NOBODY, 0)?;
        sections(&response.to_octets(), question, has_edns)
    };
    let mut made = respond(true)?;
    let length = HEADER_LENGTH + question.wire.len() + made.sections.len();
    if length <= usize::from(DATAGRAM_LENGTH_MAX_WITHOUT_EDNS) {
        let without_edns = respond(false)?;
        let is_same = made.sections == without_edns.sections
            && made.counts == without_edns.counts
            && made.is_truncated == without_edns.is_truncated;
        is_same.then_some(())?;
    }
    made.is_for_lower_case = matches!(record_type, PTR | SRV);
    if record_type.is_ip_addr() {
        made.n_turning = made.counts[0];
    }
    if record_type == SRV {
        made.depends_on = Some(dependency(zones, zone, question)?);
    }
    // A truncated response does not say how much was left out, and so whether the additional
    // section was all that was too long; but then it would not have been truncated.
    let is_alone = made.counts[1..] == [0, 0];
    (is_alone || record_type == SRV).then_some(made)
}

/// What follows the question in `response`, if it is an authoritative one with nothing unusual.
fn sections(response: &[u8], question: &Question<'_>, has_edns: bool) -> Option<ReadyMade> {
    let opt: &[u8] = match has_edns {
        true => &[OPT_BEGINNING.as_slice(), &[0; OPT_LENGTH - OPT_BEGINNING.len()]].concat(),
        false => &[],
    };
    let (header, body) = response.split_first_chunk::<HEADER_LENGTH>()?;
    let flags = [header[2], header[3]];
    let is_truncated = flags == TRUNCATED;
    if flags != AUTHORITATIVE && !is_truncated {
        return None;
    }
    let sections = body.get(question.wire.len()..)?.strip_suffix(opt)?;
    let count = |at: usize| u16::from_be_bytes([header[at], header[at + 1]]);
    let counts = [count(6), count(8), count(10) - u16::from(has_edns)];
    Some(ReadyMade { sections: sections.into(), counts, is_truncated, ..ReadyMade::default() })
}

/// The one name that all targets of the SRV records lie directly below.
fn dependency(zones: &Zones, zone: &Zone, question: &Question<'_>) -> Option<Dependency> {
    let set = zone.node(question.lower)?.rrsets().get(RecordType::SRV)?;
    let mut parent: Option<Vec<u8>> = None;
    for rdata in set.rdata() {
        let target = rdata.get(SRV_FIXED_LENGTH..)?.to_ascii_lowercase();
        zone.node(&target)?;
        let above = name::parent(&target)?;
        if parent.get_or_insert_with(|| above.to_vec()) != above {
            return None;
        }
        let own = zones.find(&target)?;
        (own.key() == zone.key()).then_some(())?;
    }
    let parent = parent?;
    let below = zone.node(&parent)?.below();
    Some(Dependency { parent: parent.as_slice().into(), below, layout: zones.layout() })
}
