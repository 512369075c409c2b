//! The message encoder: header, sections and name compression.
//!
//! hickory's encoder does not compress against the QNAME if the question is echoed verbatim, and
//! compresses at most 120 names per message: a response with three addresses gets a third longer, and
//! an RRset of some thousand addresses does not fit into a TCP message. So this is our own encoder
//! over hickory's types. `fit` decides what goes into a message.
//!
//! RFC 1035, 4.1.4 leaves compression to the server. We choose:
//! - An owner that equals the QNAME, ignoring case, is the pointer `c00c`: the client sees the case it
//!   asked with.
//! - Any other name is compressed only against a name of the same case, and names in RDATA only in the
//!   types of RFC 1035 (RFC 3597, section 4).

use std::collections::HashMap;

use hickory_proto::ProtoError;
use hickory_proto::op::{Edns, Header, HeaderCounts, Metadata};
use hickory_proto::rr::{Name, RData, Record};
use hickory_proto::serialize::binary::{BinEncodable, BinEncoder, NameEncoding};

use super::name;
use super::protocol::{HEADER_LENGTH, POINTER, POINTER_OCTET, POINTER_TARGET_END, TYPE_AND_CLASS_LENGTH};

/// A message under construction.
pub(crate) struct Message {
    octets: Vec<u8>,
    header: Metadata,
    counts: HeaderCounts,
    /// Offset of the end of the QNAME, which starts right after the header; 0 without a question.
    question_name_end: usize,
    /// Offset of the name with this hash. Octets are compared before a pointer is written; of two names
    /// with the same hash the later one is not compressed against.
    names: HashMap<u64, usize>,
}

/// Whether a name may be replaced by a pointer. A name that must be written in full can still be the
/// target of pointers.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Compression {
    Allowed,
    Forbidden,
}

/// A position in a message, to rewind to.
#[derive(Clone, Copy)]
pub(crate) struct Mark {
    length: usize,
    counts: HeaderCounts,
}

impl Message {
    /// A message with this header and the question in wire format, or without one.
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
            message.question_name_end = message.octets.len() - TYPE_AND_CLASS_LENGTH;
            message.remember_question();
        }
        message
    }

    /// The length so far, in octets.
    pub(crate) fn length(&self) -> usize {
        self.octets.len()
    }

    /// Appends a record to the answer section; no later section may have been started.
    pub(crate) fn answer(&mut self, record: &Record) -> Result<(), ProtoError> {
        self.record(record)?;
        self.counts.answers += 1;
        Ok(())
    }

    /// Appends a record to the authority section; the additional section may not have been started.
    pub(super) fn authority(&mut self, record: &Record) -> Result<(), ProtoError> {
        self.record(record)?;
        self.counts.authorities += 1;
        Ok(())
    }

    /// Appends a record to the additional section.
    pub(super) fn additional(&mut self, record: &Record) -> Result<(), ProtoError> {
        self.record(record)?;
        self.counts.additionals += 1;
        Ok(())
    }

    /// The current position.
    pub(crate) fn mark(&self) -> Mark {
        Mark { length: self.octets.len(), counts: self.counts }
    }

    /// Removes everything appended since `mark`.
    pub(crate) fn rewind(&mut self, mark: Mark) {
        self.octets.truncate(mark.length);
        self.counts = mark.counts;
        self.names.retain(|_, offset| *offset < mark.length);
    }

    /// The complete message; `edns` becomes the last record.
    pub(crate) fn finish(mut self, edns: Option<&Edns>) -> Vec<u8> {
        if let Some(edns) = edns {
            let mut edns = edns.clone();
            edns.set_rcode_high(self.header.response_code.high());
            let mut opt = Vec::new();
            edns.emit(&mut BinEncoder::new(&mut opt)).expect("an OPT record of a few options fits");
            self.octets.extend(opt);
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
            self.u16(POINTER | HEADER_LENGTH as u16);
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
                self.u16(POINTER | offset as u16);
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

    /// Whether the name at `offset` has exactly these labels.
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
        // All pointers were written by `name` and point backwards, so this terminates.
        while self.octets[offset] >= POINTER_OCTET {
            let pointer = u16::from_be_bytes([self.octets[offset], self.octets[offset + 1]]);
            offset = usize::from(pointer & !POINTER);
        }
        offset
    }

    fn is_question_name(&self, name: &Name) -> bool {
        // The root name is one octet, a pointer to it would be two.
        self.question_name_end > HEADER_LENGTH + 1
            && self.is_name_at(HEADER_LENGTH, &name.iter().collect::<Vec<_>>(), <[u8]>::eq_ignore_ascii_case)
    }

    fn remember_question(&mut self) {
        let Self { octets, names, question_name_end: end, .. } = self;
        let asked = &octets[HEADER_LENGTH..*end];
        let labels: Vec<&[u8]> = name::ancestors(asked).filter_map(name::first_label).collect();
        let starts = name::ancestors(asked).map(|suffix| *end - suffix.len());
        names.extend(hashes_of_suffixes(&labels).into_iter().zip(starts));
    }
}

/// For each label, the FNV-1a hash of the name that starts with it.
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

/// Length of uncompressed RDATA; 0 if it cannot be encoded.
pub(super) fn rdata_length(data: &RData) -> usize {
    match data {
        RData::A(_) => 4,
        RData::AAAA(_) => 16,
        other => uncompressed(other).map_or(0, |octets| octets.len()),
    }
}

fn uncompressed(data: &RData) -> Result<Vec<u8>, ProtoError> {
    let mut octets = Vec::new();
    let mut encoder = BinEncoder::new(&mut octets);
    encoder.set_name_encoding(NameEncoding::Uncompressed);
    data.emit(&mut encoder)?;
    Ok(octets)
}
