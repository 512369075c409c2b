//! What a message asks, read without trusting it.
//!
//! ```text
//!  octets ──► read() ──► Ignored      shorter than a header, or itself a response: never answered
//!                   ├──► Malformed    a header and something broken: FORMERR
//!                   └──► Request      header, question, EDNS, signature
//! ```
//!
//! A response is never answered, however broken it is: two servers could otherwise be set to loop.
//! Octets after the last counted record are ignored. A question must not contain compression
//! pointers; there is nothing before it that one could point to. Nothing here knows zones.

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

/// A message, as far as it can be read.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "one at a time, taken apart where it is made")]
pub(crate) enum Received<'a> {
    /// Not to be answered.
    Ignored,
    /// The header is whole, what follows is not.
    Malformed(Metadata),
    /// To be answered by what it asks.
    Request(Request<'a>),
}

/// A message that wants an answer.
#[derive(Debug)]
pub(crate) struct Request<'a> {
    /// The header without its counts.
    pub(crate) header: Metadata,
    /// The question; `None` if there is none, or, for other opcodes than QUERY, if it is unreadable.
    pub(crate) question: Option<Question<'a>>,
    /// What the client's OPT record says.
    pub(crate) edns: Option<ClientEdns<'a>>,
    /// The message's TSIG record and what it signs.
    pub(crate) signed: Option<Signed<'a>>,
    /// The serial of the SOA record in the authority section: what a client of IXFR has.
    pub(crate) known_serial: Option<u32>,
}

/// The one question of a request.
#[derive(Clone, Debug)]
pub(crate) struct Question<'a> {
    /// Name, type and class as they were sent.
    pub(crate) wire: &'a [u8],
    /// The name, its case as sent.
    pub(crate) name: Name,
    /// QTYPE.
    pub(crate) record_type: RecordType,
    /// QCLASS.
    pub(crate) class: DNSClass,
}

/// What the client's OPT record says (RFC 6891).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ClientEdns<'a> {
    /// The longest datagram the client takes, in octets; never below 512.
    pub(crate) size: u16,
    /// The EDNS version the client speaks. Nothing is known of the options of others than ours.
    pub(crate) version: u8,
    /// The DO bit.
    pub(crate) is_dnssec_ok: bool,
    /// Whether the client asks which server it has reached (RFC 5001).
    pub(crate) wants_nsid: bool,
    /// Whether the client asks how long the connection may be idle (RFC 7828).
    pub(crate) wants_keepalive: bool,
    /// Whether the client has padded its request (RFC 7830), whatever with.
    pub(crate) is_padded: bool,
    /// The client's cookie, and the server's behind it if there is one (RFC 7873).
    pub(crate) cookie: Option<&'a [u8]>,
}

/// Reads `message`.
pub(crate) fn read(message: &[u8]) -> Received<'_> {
    let mut decoder = BinDecoder::new(message);
    let Ok(Header { metadata: header, counts }) = Header::read(&mut decoder) else {
        return Received::Ignored;
    };
    if header.message_type == MessageType::Response {
        return Received::Ignored;
    }
    match (read_body(message, counts), header.op_code) {
        (Some((question, extras)), _) => {
            let Extras { edns, signed, known_serial } = extras;
            Received::Request(Request { header, question, edns, signed, known_serial })
        }
        (None, OpCode::Query) => Received::Malformed(header),
        // Whether this body is broken depends on what the opcode means, which is not known here.
        (None, _) => Received::Request(Request {
            header,
            question: None,
            edns: None,
            signed: None,
            known_serial: None,
        }),
    }
}

/// A response to a message of ours.
pub(crate) struct ResponseRead<'a> {
    /// The header without its counts.
    pub(crate) header: Metadata,
    /// The question, if it is repeated.
    pub(crate) question: Option<Question<'a>>,
    /// The message's TSIG record and what it signs.
    pub(crate) signed: Option<Signed<'a>>,
}

/// Reads a response; `None` for anything else and what is broken.
pub(crate) fn read_response(message: &[u8]) -> Option<ResponseRead<'_>> {
    let Header { metadata: header, counts } = Header::read(&mut BinDecoder::new(message)).ok()?;
    if header.message_type != MessageType::Response {
        return None;
    }
    let (question, extras) = read_body(message, counts)?;
    Some(ResponseRead { header, question, signed: extras.signed })
}

/// What is read of the records behind the question.
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

/// What matters of the records, or `None` if one is broken or where it must not be: OPT anywhere but
/// once in the additional section (RFC 6891, 6.1.1), TSIG anywhere but last (RFC 8945, 5.1).
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

/// A record whose data is not looked into.
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

/// Unknown options are passed over; `None` if their lengths lie or a cookie has a length that none
/// has (RFC 7873, 5.2.2). Of several cookies the first counts.
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
