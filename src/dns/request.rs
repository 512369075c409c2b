//! What a message asks, read without trusting it.
//!
//! ```text
//!  octets ──► read() ──► Ignored      shorter than a header, or itself a response: never answered
//!                   ├──► Malformed    a header and something broken: FORMERR
//!                   └──► Request      header, question, EDNS
//! ```
//!
//! A response is never answered, however broken it is: two servers could otherwise be set to loop.
//! Octets after the last counted record are ignored. A question must not contain compression
//! pointers; there is nothing before it that one could point to. Nothing here knows zones.

use hickory_proto::op::{Edns, Header, HeaderCounts, MessageType, Metadata, OpCode};
use hickory_proto::rr::{DNSClass, Name, Record, RecordType};
use hickory_proto::serialize::binary::{BinDecodable, BinDecoder};

/// The length of a header, in octets (RFC 1035, 4.1.1).
pub(super) const HEADER_LENGTH: usize = 12;
const LABEL_LENGTH_MAX: usize = 63;
const NAME_LENGTH_MAX: usize = 255;

/// A message, as far as it can be read.
#[derive(Debug)]
pub(super) enum Received<'a> {
    /// Not to be answered.
    Ignored,
    /// The header is whole, what follows is not.
    Malformed(Metadata),
    /// To be answered by what it asks.
    Request(Request<'a>),
}

/// A message that wants an answer.
#[derive(Debug)]
pub(super) struct Request<'a> {
    /// The header without its counts.
    pub(super) header: Metadata,
    /// The question; `None` if there is none, or, for other opcodes than QUERY, if it is unreadable.
    pub(super) question: Option<Question<'a>>,
    /// What the client's OPT record says.
    pub(super) edns: Option<ClientEdns>,
}

/// The one question of a request.
#[derive(Clone, Debug)]
pub(super) struct Question<'a> {
    /// Name, type and class as they were sent.
    pub(super) wire: &'a [u8],
    /// The name, its case as sent.
    pub(super) name: Name,
    /// QTYPE.
    pub(super) record_type: RecordType,
    /// QCLASS.
    pub(super) class: DNSClass,
}

/// What the client's OPT record says (RFC 6891).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ClientEdns {
    /// The longest datagram the client takes, in octets; never below 512.
    pub(super) size: u16,
    /// The EDNS version the client speaks.
    pub(super) version: u8,
    /// The DO bit.
    pub(super) is_dnssec_ok: bool,
}

/// Reads `message`.
pub(super) fn read(message: &[u8]) -> Received<'_> {
    let mut decoder = BinDecoder::new(message);
    let Ok(Header { metadata: header, counts }) = Header::read(&mut decoder) else {
        return Received::Ignored;
    };
    if header.message_type == MessageType::Response {
        return Received::Ignored;
    }
    match (read_body(message, counts), header.op_code) {
        (Some((question, edns)), _) => Received::Request(Request { header, question, edns }),
        (None, OpCode::Query) => Received::Malformed(header),
        // Whether this body is broken depends on what the opcode means, which is not known here.
        (None, _) => Received::Request(Request { header, question: None, edns: None }),
    }
}

fn read_body(message: &[u8], counts: HeaderCounts) -> Option<(Option<Question<'_>>, Option<ClientEdns>)> {
    let question = match counts.queries {
        0 => None,
        1 => Some(read_question(message)?),
        _ => return None,
    };
    let records_start = HEADER_LENGTH + question.as_ref().map_or(0, |question| question.wire.len());
    let edns = read_records(message, records_start, counts)?;
    Some((question, edns))
}

fn read_question(message: &[u8]) -> Option<Question<'_>> {
    let after_header = message.get(HEADER_LENGTH..)?;
    let mut labels = Vec::new();
    let mut end = 0;
    loop {
        let length = usize::from(*after_header.get(end)?);
        end += 1;
        if length == 0 {
            break;
        }
        if length > LABEL_LENGTH_MAX {
            return None;
        }
        labels.push(after_header.get(end..end + length)?);
        end += length;
    }
    if end > NAME_LENGTH_MAX {
        return None;
    }
    let fixed = after_header.get(end..end + 4)?;
    let mut name = Name::from_labels(labels).ok()?;
    name.set_fqdn(true);
    Some(Question {
        wire: &after_header[..end + 4],
        name,
        record_type: RecordType::from(u16::from_be_bytes([fixed[0], fixed[1]])),
        class: DNSClass::from(u16::from_be_bytes([fixed[2], fixed[3]])),
    })
}

/// The OPT record's content, or `None` if a record is broken or where it must not be: OPT anywhere
/// but once in the additional section (RFC 6891, 6.1.1), TSIG anywhere but last (RFC 8945, 5.1).
fn read_records(message: &[u8], start: usize, counts: HeaderCounts) -> Option<Option<ClientEdns>> {
    let mut decoder = BinDecoder::new(message);
    decoder.read_slice(start).ok()?;
    let n_before = usize::from(counts.answers) + usize::from(counts.authorities);
    let n_records = n_before + usize::from(counts.additionals);
    let mut edns = None;
    for index in 0..n_records {
        let record = Record::read(&mut decoder).ok()?;
        match record.record_type() {
            RecordType::OPT if index < n_before || edns.is_some() => return None,
            RecordType::OPT => edns = Some(client_edns(&record)),
            RecordType::TSIG if index + 1 < n_records || index < n_before => return None,
            _ => {}
        }
    }
    Some(edns)
}

fn client_edns(record: &Record) -> ClientEdns {
    let edns = Edns::from(record);
    ClientEdns { size: edns.max_payload(), version: edns.version(), is_dnssec_ok: edns.flags().dnssec_ok }
}
