//! From the octets of a request to a response: what every transport calls.
//!
//! ```text
//!  octets ──► request::read ──► refusal? ──► answer(&Zones, &Query) ──► rotate ──► Response
//! ```
//!
//! Pure: the snapshot, the request, the transport and a number that turns RRsets go in. What is no
//! question of class IN is refused here; what a name is answered with is `answer`'s to decide.
//! Datagrams are held to 1232 octets whatever the client offers, so that no reply is fragmented.

use hickory_proto::op::{Edns, Metadata, OpCode, ResponseCode};
use hickory_proto::rr::rdata::opt::EdnsOption;
use hickory_proto::rr::{DNSClass, Record, RecordType};

use super::answer::{Answer, Query, answer};
use super::request::{ClientEdns, Received, Request, read};
use super::response::Response;
use super::zone::Zones;

/// The longest datagram that is sent, and the size that our OPT record offers (RFC 9715).
pub const DATAGRAM_LENGTH_MAX: u16 = 1232;
/// The longest datagram for a client without EDNS (RFC 1035, 4.2.1).
pub(super) const DATAGRAM_LENGTH_MAX_WITHOUT_EDNS: u16 = 512;
/// The longest message that a stream's length field can announce.
const STREAM_LENGTH_MAX: u16 = u16::MAX;
/// The longest text of an Extended DNS Error, in octets.
const ERROR_TEXT_LENGTH_MAX: usize = 255;
const EXTENDED_ERROR: u16 = 15;

/// RFC 8914, 4.22: the operation or query is not supported.
const NOT_SUPPORTED: u16 = 21;

/// What a request came by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// UDP.
    Datagram,
    /// TCP, and what is built on it.
    Stream,
}

/// Answers `request`, or does not: a message that is too short or itself a response is met with
/// silence.
///
/// `turn` rotates address RRsets; give every request the number after the last one's.
pub fn respond(zones: &Zones, request: &[u8], transport: Transport, turn: usize) -> Option<Response> {
    match read(request) {
        Received::Ignored => None,
        Received::Malformed(header) => Some(malformed(&header)),
        Received::Request(request) => {
            let (answer, rcode) = match refusal(&request) {
                Some((rcode, error)) => (refused(error), rcode),
                None => found(zones, &request),
            };
            Some(response(&request, answer, rcode, transport, turn))
        }
    }
}

/// The rcode for what is not even looked up, and an Extended DNS Error for it.
fn refusal(request: &Request<'_>) -> Option<(ResponseCode, Option<(u16, String)>)> {
    match request.header.op_code {
        OpCode::Query => {}
        // RFC 1996, 3.10 and RFC 2136, 2.1 leave the code open; a server that is nobody's secondary
        // is not authorized to take notifications.
        OpCode::Notify => return Some((ResponseCode::NotAuth, None)),
        _ => return Some((ResponseCode::NotImp, None)),
    }
    if request.edns.is_some_and(|edns| edns.version > 0) {
        return Some((ResponseCode::BADVERS, None));
    }
    let Some(question) = &request.question else { return Some((ResponseCode::FormErr, None)) };
    if question.class != DNSClass::IN {
        return Some((ResponseCode::Refused, None));
    }
    match question.record_type {
        RecordType::AXFR | RecordType::IXFR => {
            Some((ResponseCode::Refused, Some((NOT_SUPPORTED, "zone transfers are not offered here".into()))))
        }
        _ => None,
    }
}

fn found(zones: &Zones, request: &Request<'_>) -> (Answer, ResponseCode) {
    let question = request.question.as_ref().expect("a request without a question is refused");
    let query = Query { name: question.name.clone(), record_type: question.record_type };
    let answer = answer(zones, &query);
    let rcode = answer.rcode;
    (answer, rcode)
}

fn refused(extended_error: Option<(u16, String)>) -> Answer {
    Answer {
        rcode: ResponseCode::Refused,
        is_authoritative: false,
        answers: Vec::new(),
        authority: Vec::new(),
        additional: Vec::new(),
        extended_error,
    }
}

fn response(
    request: &Request<'_>,
    mut answer: Answer,
    rcode: ResponseCode,
    transport: Transport,
    turn: usize,
) -> Response {
    rotate_addresses(&mut answer.answers, turn);
    let mut header = Metadata::response_from_request(&request.header);
    header.authoritative = answer.is_authoritative;
    header.response_code = rcode;
    let mut response = Response {
        header,
        question: request.question.as_ref().map_or_else(Vec::new, |question| question.wire.to_vec()),
        answers: answer.answers,
        authority: answer.authority,
        additional: answer.additional,
        edns: request.edns.map(|edns| our_edns(edns, answer.extended_error)),
        length_max: length_max(transport, request.edns),
    };
    if transport == Transport::Stream {
        response.shorten(Response::length);
    }
    response
}

/// A header alone: it is never longer than what it answers, and echoes nothing that is broken.
fn malformed(header: &Metadata) -> Response {
    let mut header = Metadata::response_from_request(header);
    header.response_code = ResponseCode::FormErr;
    Response {
        header,
        question: Vec::new(),
        answers: Vec::new(),
        authority: Vec::new(),
        additional: Vec::new(),
        edns: None,
        length_max: usize::from(DATAGRAM_LENGTH_MAX_WITHOUT_EDNS),
    }
}

fn length_max(transport: Transport, edns: Option<ClientEdns>) -> usize {
    usize::from(match (transport, edns) {
        (Transport::Stream, _) => STREAM_LENGTH_MAX,
        (Transport::Datagram, None) => DATAGRAM_LENGTH_MAX_WITHOUT_EDNS,
        (Transport::Datagram, Some(edns)) => {
            edns.size.clamp(DATAGRAM_LENGTH_MAX_WITHOUT_EDNS, DATAGRAM_LENGTH_MAX)
        }
    })
}

fn our_edns(client: ClientEdns, extended_error: Option<(u16, String)>) -> Edns {
    let mut edns = Edns::new();
    edns.set_max_payload(DATAGRAM_LENGTH_MAX).set_dnssec_ok(client.is_dnssec_ok);
    if let Some((code, text)) = extended_error {
        add_extended_error(&mut edns, code, &text);
    }
    edns
}

/// Adds an Extended DNS Error (RFC 8914) of this info code and text.
pub(super) fn add_extended_error(edns: &mut Edns, code: u16, text: &str) {
    let mut option = code.to_be_bytes().to_vec();
    option.extend_from_slice(beginning(text, ERROR_TEXT_LENGTH_MAX).as_bytes());
    edns.options_mut().insert(EdnsOption::Unknown(EXTENDED_ERROR, option));
}

/// As much of `text` as has at most `length_max` octets, in whole characters.
fn beginning(text: &str, length_max: usize) -> &str {
    let end = (0..=length_max.min(text.len())).rev().find(|end| text.is_char_boundary(*end));
    &text[..end.unwrap_or(0)]
}

/// Clients take the first address of an RRset, so each gets another first one.
fn rotate_addresses(answers: &mut [Record], turn: usize) {
    for rrset in
        answers.chunk_by_mut(|one, other| one.record_type() == other.record_type() && one.name == other.name)
    {
        if rrset[0].record_type().is_ip_addr() {
            rrset.rotate_left(turn % rrset.len());
        }
    }
}

#[cfg(test)]
mod tests;
