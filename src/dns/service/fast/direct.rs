//! Sections written from RRsets as they are kept, without the codec.
//!
//! An RRset keeps its RDATA uncompressed, each after its length, so a record whose owner is the
//! question's name is ten fixed octets and what is kept. That is as fast as a copy of a ready-made
//! section, needs no second copy of the records, and makes the first answer cost what all others
//! do. It holds where the codec would not compress RDATA either.
//!
//! SRV records bring the addresses of their targets, which have to be looked up: see `srv.rs`.

use hickory_proto::rr::RecordType;

use super::question::{AUTHORITATIVE, Question, TRUNCATED};
use crate::dns::message::name;
use crate::dns::message::protocol::{HEADER_LENGTH, POINTER};
use crate::dns::zone::RrSet;

/// Owner as a pointer, type, class and TTL.
pub(super) const PREFIX_LENGTH: usize = 10;
/// RDLENGTH, which an RRset keeps before the RDATA.
pub(super) const RDLENGTH_LENGTH: usize = 2;
const A_LENGTH: usize = RDLENGTH_LENGTH + 4;
const AAAA_LENGTH: usize = RDLENGTH_LENGTH + 16;

/// Whether the records of `set` go into the answer to `question` as they are kept.
pub(super) fn is_as_kept(set: &RrSet<'_>, question: &Question<'_>) -> bool {
    // The root is shorter than a pointer to it.
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

/// Whether two names have a suffix in common, so that one may be compressed by the other.
fn is_related(name: &[u8], lower: &[u8]) -> bool {
    match (top_label(name), top_label(lower)) {
        (Some(one), Some(other)) => one.eq_ignore_ascii_case(other),
        _ => false,
    }
}

fn top_label(name: &[u8]) -> Option<&[u8]> {
    name::ancestors(name).filter_map(name::first_label).last()
}

/// Appends the response with the records of `set`; address records take turns in being the first.
pub(super) fn write(set: &RrSet<'_>, question: &Question<'_>, turn: usize, replies: &mut Vec<u8>) {
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
    let turned = |length: usize| packed.split_at(turn % n_records * length);
    match set.record_type() {
        RecordType::A => {
            let (last, first) = turned(A_LENGTH);
            append_equal::<A_LENGTH, { PREFIX_LENGTH + A_LENGTH }>(prefix, first, replies);
            append_equal::<A_LENGTH, { PREFIX_LENGTH + A_LENGTH }>(prefix, last, replies);
        }
        RecordType::AAAA => {
            let (last, first) = turned(AAAA_LENGTH);
            append_equal::<AAAA_LENGTH, { PREFIX_LENGTH + AAAA_LENGTH }>(prefix, first, replies);
            append_equal::<AAAA_LENGTH, { PREFIX_LENGTH + AAAA_LENGTH }>(prefix, last, replies);
        }
        _ => append(prefix, set, replies),
    }
    question.write_opt(replies);
}

/// Appends the response that says that a datagram does not hold the records.
pub(super) fn write_truncated(question: &Question<'_>, replies: &mut Vec<u8>) {
    question.write_head(TRUNCATED, [0; 3], replies);
    question.write_opt(replies);
}

/// What a record of `set` begins with if its owner stands at `owner_at` in the message.
pub(super) fn prefix(owner_at: usize, set: &RrSet<'_>) -> [u8; PREFIX_LENGTH] {
    let [p0, p1] = (POINTER | owner_at as u16).to_be_bytes();
    let [t0, t1] = u16::from(set.record_type()).to_be_bytes();
    let [s0, s1, s2, s3] = set.ttl_s().to_be_bytes();
    [p0, p1, t0, t1, 0, 1, s0, s1, s2, s3]
}

/// Appends records that are all `LENGTH` octets long as they are kept, `WHOLE` as they are sent.
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

/// Appends the records of `set` as they are kept.
pub(super) fn append(prefix: [u8; PREFIX_LENGTH], set: &RrSet<'_>, replies: &mut Vec<u8>) {
    for rdata in set.rdata() {
        replies.extend_from_slice(&prefix);
        replies.extend_from_slice(&(rdata.len() as u16).to_be_bytes());
        replies.extend_from_slice(rdata);
    }
}
