//! Responses as octets: name compression, and what to leave out when a message gets too long.
//!
//! hickory's encoder forgets the question's name when the question is echoed as it was sent, and
//! compresses at most 120 names of a message; a response of three addresses is a third longer
//! with it, and an RRset of some thousand addresses does not fit a stream message. So this is an
//! encoder of our own over hickory's types.
//!
//! - An owner that equals the question's name, in any case, is the pointer `c00c`: the client reads
//!   the case it asked with.
//! - Other names are replaced by a pointer only where the case is the same, and names in RDATA only
//!   in the types of RFC 1035 (RFC 3597, section 4).
//! - Too long: the text of the Extended DNS Error goes first, then additional RRsets that do not
//!   fit (RFC 2181, section 9: without TC), but never glue (RFC 9471: with TC). If answer and
//!   authority do not fit, both are empty and TC is set; never a part of an RRset.

use std::collections::HashMap;

use hickory_proto::ProtoError;
use hickory_proto::op::{Edns, Header, HeaderCounts, Metadata, ResponseCode};
use hickory_proto::rr::{Name, RData, Record, RecordType};
use hickory_proto::serialize::binary::{BinEncodable, BinEncoder, NameEncoding};

use super::request::HEADER_LENGTH;
use super::response::Response;
use super::tsig::Seal;

/// Offsets from here on cannot be written in a compression pointer (RFC 1035, 4.1.4).
const POINTER_TARGET_END: usize = 0x4000;
const EXTENDED_ERROR: u16 = 15;
/// Type, class, TTL and RDLENGTH.
const RECORD_FIXED_LENGTH: usize = 10;
/// Length of an Extended DNS Error that is its info code alone.
const INFO_CODE_LENGTH: usize = 2;

impl Response {
    /// The message, at most `length_max` octets long.
    ///
    /// A stream message that is too long has to be [shortened](Response::shorten) before.
    pub fn to_octets(&self) -> Vec<u8> {
        self.padded(Response::length).as_ref().unwrap_or(self).to_octets_as_it_is()
    }

    fn to_octets_as_it_is(&self) -> Vec<u8> {
        let octets = self.try_to_octets().unwrap_or_else(|error| {
            tracing::error!(%error, "a record of the zone cannot be encoded");
            let mut header = self.header;
            header.response_code = ResponseCode::ServFail;
            Message::new(header, &self.question).finish(None)
        });
        match &self.seal {
            Some(seal) => seal.put_on(octets),
            None => octets,
        }
    }

    /// How many octets the whole message has.
    pub(crate) fn length(&self) -> usize {
        Response { length_max: usize::MAX, ..self.clone() }.to_octets_as_it_is().len()
    }

    /// How many octets the whole message would have without name compression: an upper bound that
    /// holds for every encoder.
    pub(crate) fn length_uncompressed(&self) -> usize {
        let records = self.answers.iter().chain(&self.authority).chain(&self.additional);
        let opt = self.edns.as_ref().map_or(0, |edns| encoded_opt(edns).len());
        let seal = self.seal.as_ref().map_or(0, Seal::length);
        HEADER_LENGTH + self.question.len() + opt + seal + records.map(length_of_record).sum::<usize>()
    }

    fn try_to_octets(&self) -> Result<Vec<u8>, ProtoError> {
        for edns in self.edns_from_long_to_short() {
            if let Some(message) = self.whole(edns.as_ref())? {
                return Ok(message.finish(edns.as_ref()));
            }
        }
        let mut header = self.header;
        header.truncation = true;
        Ok(Message::new(header, &self.question).finish(self.edns.as_ref().map(without_error).as_ref()))
    }

    /// Everything that must be in the message and what else fits, or `None` if it is too long.
    fn whole(&self, edns: Option<&Edns>) -> Result<Option<Message>, ProtoError> {
        let seal = self.seal.as_ref().map_or(0, Seal::length);
        let room = self.length_max.saturating_sub(seal + edns.map_or(0, |edns| encoded_opt(edns).len()));
        let mut message = Message::new(self.header, &self.question);
        for record in &self.answers {
            message.answer(record)?;
        }
        for record in &self.authority {
            message.record(record)?;
            message.counts.authorities += 1;
        }
        if message.octets.len() > room {
            return Ok(None);
        }
        for rrset in self.additional.chunk_by(is_same_rrset) {
            let mark = message.mark();
            for record in rrset {
                message.record(record)?;
                message.counts.additionals += 1;
            }
            if message.octets.len() > room {
                if self.is_glue(&rrset[0]) {
                    return Ok(None);
                }
                message.rewind(mark);
            }
        }
        Ok(Some(message))
    }

    /// A referral's address record for a server below the cut, without which the cut is a dead end.
    fn is_glue(&self, record: &Record) -> bool {
        !self.header.authoritative
            && self.answers.is_empty()
            && self
                .authority
                .iter()
                .any(|ns| ns.record_type() == RecordType::NS && ns.name.zone_of(&record.name))
    }

    fn edns_from_long_to_short(&self) -> Vec<Option<Edns>> {
        let Some(edns) = &self.edns else { return vec![None] };
        let mut forms = vec![Some(edns.clone())];
        if let Some(shorter) = without_error_text(edns) {
            forms.push(Some(shorter));
        }
        forms
    }
}

fn is_same_rrset(one: &Record, other: &Record) -> bool {
    one.record_type() == other.record_type() && one.name == other.name
}

/// A cookie is in every response (RFC 7873, 5.2); what explains an error need not be.
fn without_error(edns: &Edns) -> Edns {
    let mut bare = edns.clone();
    bare.options_mut().remove(EXTENDED_ERROR.into());
    bare
}

fn without_error_text(edns: &Edns) -> Option<Edns> {
    use hickory_proto::rr::rdata::opt::EdnsOption;
    let Some(EdnsOption::Unknown(_, error)) = edns.option(EXTENDED_ERROR.into()) else { return None };
    let code = error.get(..INFO_CODE_LENGTH)?.to_vec();
    let mut shorter = without_error(edns);
    shorter.options_mut().insert(EdnsOption::Unknown(EXTENDED_ERROR, code));
    Some(shorter)
}

/// A message that is being written.
pub(crate) struct Message {
    octets: Vec<u8>,
    header: Metadata,
    counts: HeaderCounts,
    /// The end of the question's name, which starts right after the header; 0 without a question.
    question_name_end: usize,
    /// Where a name stands that has this hash. Names that share a hash are told apart by their
    /// octets; the later one is merely not found.
    names: HashMap<u64, usize>,
}

/// Whether a name may be replaced by a pointer. One that may not is still written so that others
/// can point to it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Compression {
    Allowed,
    Forbidden,
}

pub(crate) struct Mark {
    length: usize,
    counts: HeaderCounts,
}

impl Message {
    pub(crate) fn new(header: Metadata, question: &[u8]) -> Self {
        let mut message = Self {
            octets: Vec::with_capacity(512),
            header,
            counts: HeaderCounts::default(),
            question_name_end: 0,
            names: HashMap::new(),
        };
        message.octets.resize(HEADER_LENGTH, 0);
        if !question.is_empty() {
            message.octets.extend_from_slice(question);
            message.counts.queries = 1;
            message.question_name_end = message.octets.len() - 4;
            message.remember_question();
        }
        message
    }

    /// How long the message is so far, in octets.
    pub(crate) fn length(&self) -> usize {
        self.octets.len()
    }

    /// Adds a record to the answer section, which must still be the last one.
    pub(crate) fn answer(&mut self, record: &Record) -> Result<(), ProtoError> {
        self.record(record)?;
        self.counts.answers += 1;
        Ok(())
    }

    pub(crate) fn mark(&self) -> Mark {
        Mark { length: self.octets.len(), counts: self.counts }
    }

    pub(crate) fn rewind(&mut self, mark: Mark) {
        self.octets.truncate(mark.length);
        self.counts = mark.counts;
        self.names.retain(|_, offset| *offset < mark.length);
    }

    pub(crate) fn finish(mut self, edns: Option<&Edns>) -> Vec<u8> {
        if let Some(edns) = edns {
            let mut edns = edns.clone();
            edns.set_rcode_high(self.header.response_code.high());
            self.octets.extend(encoded_opt(&edns));
            self.counts.additionals += 1;
        }
        let mut header = Vec::with_capacity(HEADER_LENGTH);
        Header { metadata: self.header, counts: self.counts }
            .emit(&mut BinEncoder::new(&mut header))
            .expect("twelve octets fit");
        self.octets[..HEADER_LENGTH].copy_from_slice(&header);
        self.octets
    }

    fn record(&mut self, record: &Record) -> Result<(), ProtoError> {
        if self.is_question_name(&record.name) {
            self.u16(0xC000 | HEADER_LENGTH as u16);
        } else {
            self.name(&record.name, Compression::Allowed);
        }
        self.u16(record.record_type().into());
        self.u16(record.dns_class.into());
        self.octets.extend_from_slice(&record.ttl.to_be_bytes());
        let length_at = self.octets.len();
        self.u16(0);
        self.rdata(&record.data)?;
        let length = u16::try_from(self.octets.len() - length_at - 2)
            .map_err(|_| ProtoError::Message("record data longer than 65535 octets"))?;
        self.octets[length_at..length_at + 2].copy_from_slice(&length.to_be_bytes());
        Ok(())
    }

    fn rdata(&mut self, data: &RData) -> Result<(), ProtoError> {
        match data {
            RData::A(address) => self.octets.extend_from_slice(&address.octets()),
            RData::AAAA(address) => self.octets.extend_from_slice(&address.octets()),
            RData::CNAME(name) => self.name(&name.0, Compression::Allowed),
            RData::NS(name) => self.name(&name.0, Compression::Allowed),
            RData::PTR(name) => self.name(&name.0, Compression::Allowed),
            RData::MX(mx) => {
                self.u16(mx.preference);
                self.name(&mx.exchange, Compression::Allowed);
            }
            RData::SRV(srv) => {
                self.u16(srv.priority);
                self.u16(srv.weight);
                self.u16(srv.port);
                self.name(&srv.target, Compression::Forbidden);
            }
            RData::SOA(soa) => {
                self.name(&soa.mname, Compression::Allowed);
                self.name(&soa.rname, Compression::Allowed);
                self.octets.extend_from_slice(&soa.serial.to_be_bytes());
                for seconds in [soa.refresh, soa.retry, soa.expire] {
                    self.octets.extend_from_slice(&seconds.to_be_bytes());
                }
                self.octets.extend_from_slice(&soa.minimum.to_be_bytes());
            }
            other => self.octets.extend(uncompressed(other)?),
        }
        Ok(())
    }

    fn u16(&mut self, value: u16) {
        self.octets.extend_from_slice(&value.to_be_bytes());
    }

    fn name(&mut self, name: &Name, compression: Compression) {
        let labels: Vec<&[u8]> = name.iter().collect();
        let hashes = hashes_of_suffixes(&labels);
        for (index, label) in labels.iter().enumerate() {
            let found = self.names.get(&hashes[index]).copied();
            if let Some(offset) = found
                && compression == Compression::Allowed
                && self.is_name_at(offset, &labels[index..], |one, other| one == other)
            {
                self.u16(0xC000 | offset as u16);
                return;
            }
            let here = self.octets.len();
            if here < POINTER_TARGET_END {
                self.names.entry(hashes[index]).or_insert(here);
            }
            self.octets.push(label.len() as u8);
            self.octets.extend_from_slice(label);
        }
        self.octets.push(0);
    }

    /// Whether the name that is written at `offset` has these labels.
    fn is_name_at(&self, mut offset: usize, labels: &[&[u8]], same: fn(&[u8], &[u8]) -> bool) -> bool {
        for label in labels {
            offset = self.past_pointers(offset);
            let start = offset + 1;
            let end = start + usize::from(self.octets[offset]);
            if !same(&self.octets[start..end], label) {
                return false;
            }
            offset = end;
        }
        self.octets[self.past_pointers(offset)] == 0
    }

    fn past_pointers(&self, mut offset: usize) -> usize {
        // Every pointer was written by `name` and points backwards, so this ends.
        while self.octets[offset] & 0xC0 == 0xC0 {
            offset = usize::from(u16::from_be_bytes([self.octets[offset], self.octets[offset + 1]]) & 0x3FFF);
        }
        offset
    }

    fn is_question_name(&self, name: &Name) -> bool {
        // The root is one octet; a pointer to it would be two.
        self.question_name_end > HEADER_LENGTH + 1
            && self.is_name_at(HEADER_LENGTH, &name.iter().collect::<Vec<_>>(), <[u8]>::eq_ignore_ascii_case)
    }

    fn remember_question(&mut self) {
        let mut starts = Vec::new();
        let mut offset = HEADER_LENGTH;
        while self.octets[offset] != 0 {
            starts.push(offset);
            offset += 1 + usize::from(self.octets[offset]);
        }
        let labels: Vec<&[u8]> = starts
            .iter()
            .map(|start| &self.octets[start + 1..start + 1 + usize::from(self.octets[*start])])
            .collect();
        let hashes = hashes_of_suffixes(&labels);
        self.names.extend(hashes.into_iter().zip(starts));
    }
}

/// For each label, a hash of the name that begins with it (FNV-1a).
fn hashes_of_suffixes(labels: &[&[u8]]) -> Vec<u64> {
    const BASIS: u64 = 0xcbf2_9ce4_8422_2325;
    const PRIME: u64 = 0x0000_0100_0000_01b3;
    let mut hashes = vec![0; labels.len()];
    let mut hash = BASIS;
    for (index, label) in labels.iter().enumerate().rev() {
        for octet in label.iter().copied().chain([label.len() as u8]) {
            hash = (hash ^ u64::from(octet)).wrapping_mul(PRIME);
        }
        hashes[index] = hash;
    }
    hashes
}

fn length_of_record(record: &Record) -> usize {
    let data = match &record.data {
        RData::A(_) => 4,
        RData::AAAA(_) => 16,
        other => uncompressed(other).map_or(0, |octets| octets.len()),
    };
    length_of_name(&record.name) + RECORD_FIXED_LENGTH + data
}

/// The length of `name` when it is written out; hickory's `len` is that of its text.
fn length_of_name(name: &Name) -> usize {
    name.iter().map(|label| 1 + label.len()).sum::<usize>() + 1
}

fn uncompressed(data: &RData) -> Result<Vec<u8>, ProtoError> {
    let mut octets = Vec::new();
    let mut encoder = BinEncoder::new(&mut octets);
    encoder.set_name_encoding(NameEncoding::Uncompressed);
    data.emit(&mut encoder)?;
    Ok(octets)
}

fn encoded_opt(edns: &Edns) -> Vec<u8> {
    let mut octets = Vec::new();
    edns.emit(&mut BinEncoder::new(&mut octets)).expect("an OPT record of a few options fits");
    octets
}

#[cfg(test)]
mod tests;
