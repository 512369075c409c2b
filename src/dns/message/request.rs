//! Parsing of untrusted requests, and of responses to our own messages.
//!
//! ```text
//!  octets ──► read() ──► Ignored      shorter than a header, or a response: never answered
//!                   ├──► Malformed    valid header, malformed body: FORMERR
//!                   └──► Request      header, question, EDNS, TSIG
//! ```
//!
//! A response is never answered, even if malformed: otherwise two servers could be made to loop.
//! Trailing octets after the last record are ignored, as most servers do. A QNAME must not contain
//! compression pointers: no name precedes it. Nothing here knows zones.

use hickory_proto::op::{Header, HeaderCounts, MessageType, Metadata, OpCode};
use hickory_proto::rr::{DNSClass, Name, RData, Record, RecordType};
use hickory_proto::serialize::binary::{BinDecodable, BinDecoder};

use super::name;
use super::protocol::{
    CLIENT_COOKIE_LENGTH, COOKIE_LENGTH_MAX, COOKIE_LENGTH_MIN, DATAGRAM_LENGTH_MAX_WITHOUT_EDNS, DO,
    HEADER_LENGTH, LABEL_OCTETS_MAX, OPTION_COOKIE, OPTION_KEEPALIVE, OPTION_NSID, OPTION_PADDING,
    POINTER_OCTET, RECORD_FIXED_LENGTH, TYPE_AND_CLASS_LENGTH,
};
use super::tsig::Signed;

/// A received message, as far as it can be parsed.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "one at a time, taken apart where it is made")]
pub(crate) enum Received<'a> {
    /// Must not be answered.
    Ignored,
    /// The header is valid, the rest is malformed.
    Malformed(Metadata),
    /// A request to answer.
    Request(Request<'a>),
}

/// A request.
#[derive(Debug)]
pub(crate) struct Request<'a> {
    /// The header without its counts.
    pub(crate) header: Metadata,
    /// The question; `None` if there is none or, for opcodes other than QUERY, if it is malformed.
    pub(crate) question: Option<Question<'a>>,
    /// The client's OPT record.
    pub(crate) edns: Option<ClientEdns<'a>>,
    /// The TSIG record and the message that it signs.
    pub(crate) signed: Option<Signed<'a>>,
    /// Serial of the SOA record in the authority section: the version an IXFR client has.
    pub(crate) known_serial: Option<u32>,
}

/// The one question of a request.
#[derive(Clone, Debug)]
pub(crate) struct Question<'a> {
    /// QNAME, QTYPE and QCLASS as sent.
    pub(crate) wire: &'a [u8],
    /// QNAME, in the case as sent.
    pub(crate) name: Name,
    /// QTYPE.
    pub(crate) record_type: RecordType,
    /// QCLASS.
    pub(crate) class: DNSClass,
}

/// The client's OPT record (RFC 6891).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ClientEdns<'a> {
    /// The requestor's UDP payload size in octets; values below 512 count as 512 (RFC 6891, 6.2.3).
    pub(crate) size: u16,
    /// The EDNS version. Options are parsed for version 0 only.
    pub(crate) version: u8,
    /// The DO bit.
    pub(crate) is_dnssec_ok: bool,
    /// Whether the client requests the NSID (RFC 5001).
    pub(crate) wants_nsid: bool,
    /// Whether the client sent edns-tcp-keepalive (RFC 7828).
    pub(crate) wants_keepalive: bool,
    /// Whether the request is padded (RFC 7830), whatever the padding contains.
    pub(crate) is_padded: bool,
    /// The client cookie, followed by the server cookie if the client has one (RFC 7873).
    pub(crate) cookie: Option<&'a [u8]>,
}

/// Parses a received message.
pub(crate) fn read(message: &[u8]) -> Received<'_> {
    let mut decoder = BinDecoder::new(message);
    let Ok(Header { metadata: header, counts }) = Header::read(&mut decoder) else {
        return Received::Ignored;
    };
    if header.message_type == MessageType::Response {
        return Received::Ignored;
    }
    let body = read_body(message, counts);
    // Other opcodes may give the sections another meaning (RFC 2136): their body is not judged here.
    if body.is_none() && header.op_code == OpCode::Query {
        return Received::Malformed(header);
    }
    let (question, Extras { edns, signed, known_serial }) = body.unwrap_or_default();
    Received::Request(Request { header, question, edns, signed, known_serial })
}

/// A response to a message that we sent.
pub(crate) struct ResponseRead<'a> {
    /// The header without its counts.
    pub(crate) header: Metadata,
    /// The question, if the response repeats it.
    pub(crate) question: Option<Question<'a>>,
    /// The TSIG record and the message that it signs.
    pub(crate) signed: Option<Signed<'a>>,
}

/// Parses a response; `None` if it is malformed or no response.
pub(crate) fn read_response(message: &[u8]) -> Option<ResponseRead<'_>> {
    let Header { metadata: header, counts } = Header::read(&mut BinDecoder::new(message)).ok()?;
    if header.message_type != MessageType::Response {
        return None;
    }
    let (question, extras) = read_body(message, counts)?;
    Some(ResponseRead { header, question, signed: extras.signed })
}

/// What is kept of the records after the question.
#[derive(Default)]
struct Extras<'a> {
    edns: Option<ClientEdns<'a>>,
    signed: Option<Signed<'a>>,
    known_serial: Option<u32>,
}

fn read_body(message: &[u8], counts: HeaderCounts) -> Option<(Option<Question<'_>>, Extras<'_>)> {
    let question = match counts.queries {
        0 => None,
        1 => Some(read_question(message)?),
        _ => return None,
    };
    let records_start = HEADER_LENGTH + question.as_ref().map_or(0, |question| question.wire.len());
    let extras = read_records(message, records_start, counts)?;
    Some((question, extras))
}

fn read_question(message: &[u8]) -> Option<Question<'_>> {
    let after_header = message.get(HEADER_LENGTH..)?;
    let wire = after_header.get(..name::length(after_header)? + TYPE_AND_CLASS_LENGTH)?;
    let (name, [t0, t1, c0, c1]) = wire.split_last_chunk::<TYPE_AND_CLASS_LENGTH>()?;
    Some(Question {
        wire,
        name: name::to_name(name),
        record_type: RecordType::from(u16::from_be_bytes([*t0, *t1])),
        class: DNSClass::from(u16::from_be_bytes([*c0, *c1])),
    })
}

/// Parses all records; `None` if one is malformed or misplaced: OPT more than once or outside of the
/// additional section (RFC 6891, 6.1.1), TSIG not last (RFC 8945, 5.1).
fn read_records(message: &[u8], start: usize, counts: HeaderCounts) -> Option<Extras<'_>> {
    let mut decoder = BinDecoder::new(message);
    decoder.read_slice(start).ok()?;
    let n_answers = usize::from(counts.answers);
    let n_before = n_answers + usize::from(counts.authorities);
    let n_records = n_before + usize::from(counts.additionals);
    let mut extras = Extras::default();
    for index in 0..n_records {
        let raw = RawRecord::at(message, decoder.index())?;
        match raw.record_type {
            RecordType::OPT if index < n_before || extras.edns.is_some() => return None,
            RecordType::OPT => {
                extras.edns = Some(client_edns(&raw)?);
                decoder.read_slice(raw.end - raw.start).ok()?;
            }
            RecordType::TSIG if index + 1 < n_records || index < n_before => return None,
            RecordType::TSIG => {
                extras.signed = Some(signed(message, &raw)?);
                decoder.read_slice(raw.end - raw.start).ok()?;
            }
            _ => {
                let record = Record::read(&mut decoder).ok()?;
                if let RData::SOA(soa) = &record.data
                    && (n_answers..n_before).contains(&index)
                {
                    extras.known_serial.get_or_insert(soa.serial);
                }
            }
        }
    }
    Some(extras)
}

/// A record with unparsed RDATA.
struct RawRecord<'a> {
    start: usize,
    is_root: bool,
    record_type: RecordType,
    class: u16,
    ttl: u32,
    rdata: &'a [u8],
    end: usize,
}

impl<'a> RawRecord<'a> {
    fn at(message: &'a [u8], start: usize) -> Option<Self> {
        let mut end = start;
        loop {
            let length = *message.get(end)?;
            end += 1;
            match length {
                0 => break,
                POINTER_OCTET.. => {
                    end += 1;
                    break;
                }
                length if usize::from(length) <= LABEL_OCTETS_MAX => end += usize::from(length),
                _ => return None,
            }
        }
        let [t0, t1, c0, c1, ttl0, ttl1, ttl2, ttl3, l0, l1] =
            *message.get(end..)?.first_chunk::<RECORD_FIXED_LENGTH>()?;
        let data = end + RECORD_FIXED_LENGTH;
        let after = data + usize::from(u16::from_be_bytes([l0, l1]));
        Some(Self {
            start,
            is_root: end == start + 1,
            record_type: RecordType::from(u16::from_be_bytes([t0, t1])),
            class: u16::from_be_bytes([c0, c1]),
            ttl: u32::from_be_bytes([ttl0, ttl1, ttl2, ttl3]),
            rdata: message.get(data..after)?,
            end: after,
        })
    }
}

fn client_edns<'a>(record: &RawRecord<'a>) -> Option<ClientEdns<'a>> {
    if !record.is_root {
        return None;
    }
    let [_, version, flags @ ..] = record.ttl.to_be_bytes();
    let mut edns = ClientEdns {
        size: record.class.max(DATAGRAM_LENGTH_MAX_WITHOUT_EDNS),
        version,
        is_dnssec_ok: u16::from_be_bytes(flags) & DO != 0,
        wants_nsid: false,
        wants_keepalive: false,
        is_padded: false,
        cookie: None,
    };
    if version == 0 {
        read_options(record.rdata, &mut edns)?;
    }
    Some(edns)
}

/// Unknown options are ignored (RFC 6891, 6.1.2); `None` if an option exceeds the RDATA or a cookie has an
/// invalid length (RFC 7873, 5.2.2: FORMERR). Of several cookies only the first counts (RFC 7873, 5.2).
fn read_options<'a>(mut rest: &'a [u8], edns: &mut ClientEdns<'a>) -> Option<()> {
    while !rest.is_empty() {
        let ([c0, c1, l0, l1], after) = rest.split_first_chunk::<4>()?;
        let (data, after) = after.split_at_checked(usize::from(u16::from_be_bytes([*l0, *l1])))?;
        rest = after;
        match u16::from_be_bytes([*c0, *c1]) {
            OPTION_NSID => edns.wants_nsid = true,
            OPTION_KEEPALIVE => edns.wants_keepalive = true,
            OPTION_PADDING => edns.is_padded = true,
            OPTION_COOKIE if !is_cookie_length(data.len()) => return None,
            OPTION_COOKIE => edns.cookie = edns.cookie.or(Some(data)),
            _ => {}
        }
    }
    Some(())
}

fn is_cookie_length(length: usize) -> bool {
    matches!(length, CLIENT_COOKIE_LENGTH | COOKIE_LENGTH_MIN..=COOKIE_LENGTH_MAX)
}

fn signed<'a>(message: &'a [u8], record: &RawRecord<'a>) -> Option<Signed<'a>> {
    if record.class != u16::from(DNSClass::ANY) || record.ttl != 0 {
        return None;
    }
    let mut decoder = BinDecoder::new(message);
    decoder.read_slice(record.start).ok()?;
    let key = Name::read(&mut decoder).ok()?;
    Signed::read(&message[..record.start], &key, record.rdata)
}
