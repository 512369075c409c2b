//! Prepared sections: built at the first question, copied for later ones.
//!
//! They must not depend on anything that differs for a later question or version of the zone:
//! - the case of the QNAME, where names in the sections are compressed against it. Owners equal to the
//!   QNAME are compressed in any case; names in RDATA and owners of additional records are not, so for
//!   PTR and SRV only questions in lower case are answered;
//! - records at other names. SRV targets have their addresses in the additional section; these are
//!   prepared if all targets are children of one name, whose stamp tells whether they have changed.
//!   Other types with additional records take the ordinary path.
//!
//! Simple SRV RRsets are prepared by [`srv::sections`], everything else by `respond`.

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

/// A stand-in client: sections are the same for all clients.
const NOBODY: Asker = Asker { address: IpAddr::V4(Ipv4Addr::UNSPECIFIED), transport: Transport::Udp };
/// The stages of prefetching prepared sections; each depends on the memory of the one before.
#[derive(Clone, Copy)]
pub(super) enum Prefetch {
    /// Which types have prepared sections.
    Types,
    /// Length and dependencies of the sections.
    Made,
    /// The octets of the sections.
    Octets,
}

impl Prefetch {
    /// The first stage for a type; `None` if the type is never prepared.
    pub(super) fn of(record_type: RecordType) -> Option<Self> {
        matches!(record_type, RecordType::SRV | RecordType::PTR).then_some(Self::Types)
    }

    /// Touches the memory of this stage; returns the next one.
    pub(super) fn step(self, node: &Node, record_type: RecordType, zone: &Zone) -> Option<Self> {
        /// Size of a cache line.
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

/// Whether the records that `made` was built from are unchanged.
pub(super) fn is_current(made: &ReadyMade, zones: &Zones, zone: &Zone) -> bool {
    made.depends_on.as_ref().is_none_or(|on| on.layout == zones.layout() && zone.has_unchanged(on.below))
}

/// Appends the response with these sections; `None` if it needs the ordinary path.
pub(super) fn write(made: &ReadyMade, question: &Question<'_>, replies: &mut Vec<u8>) -> Option<()> {
    if made.is_never || (made.is_for_lower_case && question.name != question.lower) {
        return None;
    }
    let [_, n_authority, n_additional] = made.counts;
    if made.is_truncated || question.length_with(made.sections.len()) > question.length_max {
        // Additional records may be omitted without TC: the encoder decides that.
        (n_authority == 0 && n_additional == 0).then_some(())?;
        direct::write_truncated(question, replies);
        return Some(());
    }
    question.write_head(AUTHORITATIVE, made.counts, replies);
    replies.extend_from_slice(&made.sections);
    question.write_opt(replies);
    Some(())
}

/// Prepares the sections that answer `question` with `set`; `None` if the memory for prepared sections is
/// used up.
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
    // The policy affects the OPT record only.
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
    // Sections with additional records are kept only if it is known when those change.
    let is_alone = made.counts[1..] == [0, 0];
    (is_alone || made.depends_on.is_some()).then_some(made)
}

/// The octets between question and OPT record of a plain authoritative response.
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
