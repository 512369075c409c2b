//! Ready-made sections: made at the first question, copied from then on.
//!
//! They must not depend on anything that a later question or version can have different:
//! - on the case of the question, as far as names in the sections are compressed against it. Owners
//!   that equal the question's name are in any case; names in RDATA of the types of RFC 1035 and
//!   owners of additional records are not, so for PTR and SRV only a question in lower case is taken;
//! - on records elsewhere. Targets of SRV records have their addresses in the additional section;
//!   these are taken if all targets lie directly below one name, whose stamp then tells whether
//!   they have changed. Other types with additional records go the ordinary way.
//!
//! Simple sets of SRV records are put together here ([`srv::sections`]), the rest by `respond`.

use std::net::{IpAddr, Ipv4Addr};

use hickory_proto::rr::RecordType;

use super::question::{AUTHORITATIVE, Question, TRUNCATED};
use super::{direct, srv};
use crate::dns::message::protocol::{
    DATAGRAM_LENGTH_MAX_WITHOUT_EDNS, HEADER_LENGTH, OPT_BEGINNING, OPT_LENGTH,
};
use crate::dns::service::asker::{Asker, Transport};
use crate::dns::service::policy::Policy;
use crate::dns::service::respond::respond;
use crate::dns::zone::{Dependency, Node, Ready, ReadyMade, RrSet, SRV_FIXED_LENGTH, Zone, Zones};

/// Sections are the same for all who ask.
const NOBODY: Asker = Asker { address: IpAddr::V4(Ipv4Addr::UNSPECIFIED), transport: Transport::Udp };
/// What has to come near before the sections that are kept of a type can be copied, each of it when
/// the one before has.
#[derive(Clone, Copy)]
pub(super) enum Distance {
    /// Of which types anything is kept.
    Types,
    /// How long the sections are, and what they depend on.
    Made,
    /// The sections.
    Octets,
}

impl Distance {
    /// That to the sections of a type; none if they are not kept.
    pub(super) fn of(record_type: RecordType) -> Option<Self> {
        matches!(record_type, RecordType::SRV | RecordType::PTR).then_some(Self::Types)
    }

    /// Reads what has to come near, so that it does; what is left then.
    pub(super) fn approach(self, node: &Node, record_type: RecordType, zone: &Zone) -> Option<Self> {
        /// Octets that memory is fetched by.
        const LINE: usize = 64;
        let made = || node.ready().find(record_type);
        let (read, left) = match self {
            Self::Types => (usize::from(node.ready().has(record_type)), Some(Self::Made)),
            Self::Made => (made().map_or(0, |made| made.sections.len()), Some(Self::Octets)),
            Self::Octets => {
                let made = made()?;
                let is_current = made.depends_on.is_none_or(|on| zone.has_unchanged(on.below));
                let octets = made.sections.iter().step_by(LINE);
                (octets.fold(usize::from(is_current), |all, octet| all ^ usize::from(*octet)), None)
            }
        };
        std::hint::black_box(read);
        left
    }
}

/// Whether what `made` was made of is still the same.
pub(super) fn is_current(made: &ReadyMade, zones: &Zones, zone: &Zone) -> bool {
    made.depends_on.as_ref().is_none_or(|on| on.layout == zones.layout() && zone.has_unchanged(on.below))
}

/// Appends the response with these sections; `None` if it has to be made the ordinary way.
pub(super) fn write(made: &ReadyMade, question: &Question<'_>, replies: &mut Vec<u8>) -> Option<()> {
    if made.is_never || (made.is_for_lower_case && question.name != question.lower) {
        return None;
    }
    let [_, n_authority, n_additional] = made.counts;
    if made.is_truncated || question.length_with(made.sections.len()) > question.length_max {
        // What is additional may be left out, so it is not said that this has to be truncated.
        (n_authority == 0 && n_additional == 0).then_some(())?;
        direct::write_truncated(question, replies);
        return Some(());
    }
    question.write_head(AUTHORITATIVE, made.counts, replies);
    replies.extend_from_slice(&made.sections);
    question.write_opt(replies);
    Some(())
}

/// Makes the sections that answer `question` with `set`, which its name has; `None` if nothing more
/// may be kept.
pub(super) fn make(
    zones: &Zones,
    zone: &Zone,
    question: &Question<'_>,
    set: &RrSet<'_>,
) -> Option<ReadyMade> {
    if !Ready::has_room() {
        return None;
    }
    let made = match question.record_type {
        RecordType::SRV => srv::sections(zones, zone, question, set)
            .or_else(|| by_respond(zones, question, Some(dependency(zones, zone, set)?))),
        RecordType::PTR => by_respond(zones, question, None),
        _ => None,
    };
    Some(made.unwrap_or_else(|| ReadyMade { is_never: true, ..ReadyMade::default() }))
}

fn dependency(zones: &Zones, zone: &Zone, set: &RrSet<'_>) -> Option<Dependency> {
    let targets: Option<Vec<&[u8]>> = set.rdata().map(|rdata| rdata.get(SRV_FIXED_LENGTH..)).collect();
    srv::dependency(zones, zone, targets?)
}

fn by_respond(zones: &Zones, question: &Question<'_>, depends_on: Option<Dependency>) -> Option<ReadyMade> {
    // Who this server is and which keys it has shows in the OPT record alone.
    let policy = Policy::default();
    let respond = |has_edns| {
        let response = respond(zones, &policy, &question.plain_request(has_edns), NOBODY, 0)?;
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
    made.is_for_lower_case = true;
    made.depends_on = depends_on;
    // A truncated response does not say how much was left out, and so whether the additional
    // section was all that was too long; but then it would not have been truncated.
    let is_alone = made.counts[1..] == [0, 0];
    (is_alone || made.depends_on.is_some()).then_some(made)
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
