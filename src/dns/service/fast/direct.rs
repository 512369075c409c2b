//! Answer sections written straight from stored RRsets, without the encoder.
//!
//! An RRset stores uncompressed RDATA, each behind its RDLENGTH, so a record whose owner is the QNAME is
//! ten fixed octets followed by the stored octets. That is as fast as copying a prepared section, needs
//! no second copy of the records, and makes the first response as cheap as later ones. It is done only
//! where the encoder would not compress the RDATA either, so both paths give the same octets.
//!
//! SRV records need the addresses of their targets as well: see `srv.rs`.

use hickory_proto::rr::RecordType;

use super::question::{AUTHORITATIVE, Question, TRUNCATED};
use crate::dns::message::name;
use crate::dns::message::protocol::{HEADER_LENGTH, POINTER};
use crate::dns::zone::RrSet;

/// Owner as a pointer, type, class and TTL.
pub(super) const PREFIX_LENGTH: usize = 10;
/// RDLENGTH, which an RRset stores before the RDATA.
pub(super) const RDLENGTH_LENGTH: usize = 2;
const A_LENGTH: usize = RDLENGTH_LENGTH + 4;
const AAAA_LENGTH: usize = RDLENGTH_LENGTH + 16;

/// Whether the records of `set` can be written as they are stored.
pub(super) fn is_as_kept(set: &RrSet<'_>, question: &Question<'_>) -> bool {
    // The root name is shorter than a pointer to it.
    question.name.len() > 1
        && match set.record_type() {
            RecordType::A | RecordType::AAAA | RecordType::TXT => true,
            RecordType::PTR => {
                let mut targets = set.rdata();
                let first = targets.next();
                targets.next().is_none() && first.is_some_and(|target| !is_related(target, question.lower))
            }
            _ => false,
        }
}

/// Whether two names share a suffix, so that the encoder might compress one against the other.
fn is_related(name: &[u8], lower: &[u8]) -> bool {
    match (top_label(name), top_label(lower)) {
        (Some(one), Some(other)) => one.eq_ignore_ascii_case(other),
        _ => false,
    }
}

fn top_label(name: &[u8]) -> Option<&[u8]> {
    name::ancestors(name).filter_map(name::first_label).last()
}

/// Appends the response with the records of `set`; addresses are rotated.
pub(super) fn write(set: &RrSet<'_>, question: &Question<'_>, rotation: usize, replies: &mut Vec<u8>) {
    let packed = set.packed();
    if question.length_with(packed.len()) > question.length_max {
        return write_truncated(question, replies);
    }
    let n_records = match set.record_type() {
        RecordType::A => packed.len() / A_LENGTH,
        RecordType::AAAA => packed.len() / AAAA_LENGTH,
        _ => set.len(),
    };
    let n_octets = packed.len() + n_records * PREFIX_LENGTH;
    let Some(count) =
        u16::try_from(n_records).ok().filter(|_| question.length_with(n_octets) <= question.length_max)
    else {
        return write_truncated(question, replies);
    };
    question.write_head(AUTHORITATIVE, [count, 0, 0], replies);
    let prefix = prefix(HEADER_LENGTH, set);
    let rotated = |length: usize| packed.split_at(rotation % n_records * length);
    match set.record_type() {
        RecordType::A => {
            let (last, first) = rotated(A_LENGTH);
            append_equal::<A_LENGTH, { PREFIX_LENGTH + A_LENGTH }>(prefix, first, replies);
            append_equal::<A_LENGTH, { PREFIX_LENGTH + A_LENGTH }>(prefix, last, replies);
        }
        RecordType::AAAA => {
            let (last, first) = rotated(AAAA_LENGTH);
            append_equal::<AAAA_LENGTH, { PREFIX_LENGTH + AAAA_LENGTH }>(prefix, first, replies);
            append_equal::<AAAA_LENGTH, { PREFIX_LENGTH + AAAA_LENGTH }>(prefix, last, replies);
        }
        _ => append(prefix, set, replies),
    }
    question.write_opt(replies);
}

/// Appends a truncated response without records.
pub(super) fn write_truncated(question: &Question<'_>, replies: &mut Vec<u8>) {
    question.write_head(TRUNCATED, [0; 3], replies);
    question.write_opt(replies);
}

/// The start of every record of `set`, with a pointer to its owner at offset `owner_at`.
pub(super) fn prefix(owner_at: usize, set: &RrSet<'_>) -> [u8; PREFIX_LENGTH] {
    let [p0, p1] = (POINTER | owner_at as u16).to_be_bytes();
    let [t0, t1] = u16::from(set.record_type()).to_be_bytes();
    let [s0, s1, s2, s3] = set.ttl_s().to_be_bytes();
    [p0, p1, t0, t1, 0, 1, s0, s1, s2, s3]
}

/// Appends records that all have `LENGTH` octets as stored and `WHOLE` octets as sent.
fn append_equal<const LENGTH: usize, const WHOLE: usize>(
    prefix: [u8; PREFIX_LENGTH],
    packed: &[u8],
    replies: &mut Vec<u8>,
) {
    let kept = packed.as_chunks::<LENGTH>().0;
    let start = replies.len();
    replies.resize(start + kept.len() * WHOLE, 0);
    for (record, kept) in replies[start..].as_chunks_mut::<WHOLE>().0.iter_mut().zip(kept) {
        record[..PREFIX_LENGTH].copy_from_slice(&prefix);
        record[PREFIX_LENGTH..].copy_from_slice(kept);
    }
}

/// Appends the records of `set` as stored.
pub(super) fn append(prefix: [u8; PREFIX_LENGTH], set: &RrSet<'_>, replies: &mut Vec<u8>) {
    for rdata in set.rdata() {
        replies.extend_from_slice(&prefix);
        replies.extend_from_slice(&(rdata.len() as u16).to_be_bytes());
        replies.extend_from_slice(rdata);
    }
}
