//! NODATA and NXDOMAIN: the question and the zone's SOA record, compressed as by the encoder.
//!
//! Such a response depends only on the question, the SOA record and the negative TTL, so it is written
//! anew each time and nothing is cached for names that do not exist.

use super::question::Question;
use crate::dns::message::name;
use crate::dns::message::protocol::{HEADER_LENGTH, POINTER};
use crate::dns::zone::{SOA_FIXED_LENGTH, Zone};

/// Type and class of the SOA record.
const SOA_IN: [u8; 4] = [0, 6, 0, 1];
/// Owner as a pointer, type, class, TTL and RDLENGTH.
const RECORD_HEAD_LENGTH: usize = 12;

/// Appends a negative response; `None` if it needs the ordinary path.
pub(super) fn write(
    zone: &Zone,
    question: &Question<'_>,
    flags: [u8; 2],
    replies: &mut Vec<u8>,
) -> Option<()> {
    let soa = zone.soa_wire();
    let (names, fixed) = soa.split_at_checked(soa.len().checked_sub(SOA_FIXED_LENGTH)?)?;
    let (mname, rname) = names.split_at_checked(name::length(names)?)?;
    let n_apex = zone.key().as_bytes().len();
    // The root as owner is not compressed. The length is checked without compression, which is enough:
    // longer responses are rare.
    if n_apex <= 1 || question.length_with(RECORD_HEAD_LENGTH + soa.len()) > question.length_max {
        return None;
    }
    let start = replies.len();
    question.write_head(flags, [0, 1, 0], replies);
    let owner = POINTER | (HEADER_LENGTH + question.name.len() - n_apex) as u16;
    replies.extend_from_slice(&owner.to_be_bytes());
    replies.extend_from_slice(&SOA_IN);
    replies.extend_from_slice(&zone.negative_ttl_s().to_be_bytes());
    replies.extend_from_slice(&[0, 0]);
    let rdata = replies.len();
    let asked = Written { name: question.name, n_octets: question.name.len(), at: HEADER_LENGTH };
    let mname = write_name(mname, &[asked], rdata - start, replies);
    write_name(rname, &[asked, mname], replies.len() - start, replies);
    replies.extend_from_slice(fixed);
    let length = (replies.len() - rdata) as u16;
    replies[rdata - 2..rdata].copy_from_slice(&length.to_be_bytes());
    question.write_opt(replies);
    Some(())
}

/// A name that has been written into the message.
#[derive(Clone, Copy)]
struct Written<'n> {
    name: &'n [u8],
    /// How many of its octets were written before a pointer, or all of them.
    n_octets: usize,
    at: usize,
}

impl Written<'_> {
    /// Offset of `suffix`, which is not the root, if the written name ends with it.
    fn find(&self, suffix: &[u8]) -> Option<usize> {
        let start = self.name.len().checked_sub(suffix.len())?;
        let is_there = start < self.n_octets && self.name[start..] == *suffix;
        // The same octets may also lie within a label.
        (is_there && name::ancestors(self.name).any(|above| above.len() == suffix.len()))
            .then_some(self.at + start)
    }
}

/// Appends `name`, compressed against the names in `written`.
fn write_name<'n>(name: &'n [u8], written: &[Written<'_>], at: usize, replies: &mut Vec<u8>) -> Written<'n> {
    for suffix in name::ancestors(name).take_while(|suffix| suffix.len() > 1) {
        let found = written.iter().find_map(|written| written.find(suffix));
        if let Some(offset) = found {
            let n_octets = name.len() - suffix.len();
            replies.extend_from_slice(&name[..n_octets]);
            replies.extend_from_slice(&(POINTER | offset as u16).to_be_bytes());
            return Written { name, n_octets, at };
        }
    }
    replies.extend_from_slice(name);
    Written { name, n_octets: name.len(), at }
}
