//! Prepares the sections of SRV answers, with the addresses of the targets (RFC 2782).
//!
//! The records are written from stored RRsets, as in `direct.rs`. The sections are cached (`ready.rs`) and
//! valid as long as nothing changes below the common parent of all targets.

use super::direct::{self, PREFIX_LENGTH, RDLENGTH_LENGTH};
use super::question::Question;
use crate::dns::message::name;
use crate::dns::message::protocol::{DATAGRAM_LENGTH_MAX, HEADER_LENGTH, OPT_LENGTH};
use crate::dns::zone::{Dependency, ReadyMade, RrSet, RrSetsRef, SRV_FIXED_LENGTH, Zone, Zones};

/// A target of SRV records, and the offset of its first occurrence in the message.
struct Target<'s> {
    name: &'s [u8],
    at: usize,
}

/// The sections of an SRV answer; `None` if the targets have no common parent, are not in lower case or are
/// too many.
pub(super) fn sections(
    zones: &Zones,
    zone: &Zone,
    question: &Question<'_>,
    set: &RrSet<'_>,
) -> Option<ReadyMade> {
    // The root name is shorter than a pointer to it.
    (question.name.len() > 1).then_some(())?;
    let begin = HEADER_LENGTH + question.wire.len();
    let room = usize::from(DATAGRAM_LENGTH_MAX).checked_sub(begin + OPT_LENGTH)?;
    let mut sections = Vec::with_capacity(room);
    let mut targets: Vec<Target<'_>> = Vec::new();
    let prefix = direct::prefix(HEADER_LENGTH, set);
    let mut n_answers = 0;
    for rdata in set.rdata() {
        let name = rdata.get(SRV_FIXED_LENGTH..)?;
        if !targets.iter().any(|known| known.name == name) {
            let written = begin + sections.len() + PREFIX_LENGTH + RDLENGTH_LENGTH + SRV_FIXED_LENGTH;
            targets.push(Target { name, at: place_in(question, name).unwrap_or(written) });
        }
        sections.extend_from_slice(&prefix);
        sections.extend_from_slice(&(rdata.len() as u16).to_be_bytes());
        sections.extend_from_slice(rdata);
        n_answers += 1;
        (sections.len() <= room).then_some(())?;
    }
    let depends_on = dependency(zones, zone, targets.iter().map(|target| target.name))?;
    let mut n_additional = 0;
    for target in &targets {
        if target.name.iter().any(u8::is_ascii_uppercase) {
            return None;
        }
        for own in addresses(zone.node(target.name)?.rrsets()) {
            (sections.len() + own.packed().len() <= room).then_some(())?;
            direct::append(direct::prefix(target.at, &own), &own, &mut sections);
            n_additional += own.len() as u16;
        }
    }
    (sections.len() <= room).then(|| ReadyMade {
        sections: sections.into(),
        counts: [n_answers, 0, n_additional],
        is_for_lower_case: true,
        depends_on: Some(depends_on),
        ..ReadyMade::default()
    })
}

fn addresses(rrsets: RrSetsRef<'_>) -> impl Iterator<Item = RrSet<'_>> {
    rrsets.iter().filter(|set| set.record_type().is_ip_addr())
}

/// Offset of `name` in the question, if it is the QNAME or an ancestor of it.
fn place_in(question: &Question<'_>, name: &[u8]) -> Option<usize> {
    let is_above = name::ancestors(question.lower).any(|above| above == name);
    is_above.then(|| HEADER_LENGTH + question.lower.len() - name.len())
}

/// The common parent of all targets, if they exist in the zone.
pub(super) fn dependency<'t>(
    zones: &Zones,
    zone: &Zone,
    targets: impl IntoIterator<Item = &'t [u8]>,
) -> Option<Dependency> {
    let mut parent: Option<Vec<u8>> = None;
    for target in targets {
        let target = target.to_ascii_lowercase();
        zone.node(&target)?;
        let above = name::parent(&target)?;
        if parent.get_or_insert_with(|| above.to_vec()) != above {
            return None;
        }
        let own = zones.find(&target)?;
        (own.key() == zone.key()).then_some(())?;
    }
    let parent = parent?;
    zone.node(&parent)?;
    Some(Dependency { below: zone.below(&parent), layout: zones.layout() })
}
