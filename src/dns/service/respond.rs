//! From the octets of a request to a response: what every transport calls.
//!
//! ```text
//!  octets ──► request::read ──► refusal? ──► answer(&Zones, &Query) ─┬─► rotate ──► Response
//!                                                                    └─► beyond our zones: Pending
//! ```
//!
//! Pure: the snapshot, the request, the transport and a number that turns RRsets go in. What is no
//! question of class IN is refused here; what a name is answered with is `answer`'s to decide.
//! Datagrams are held to 1232 octets whatever the client offers, so that no reply is fragmented.

use std::net::IpAddr;

use hickory_proto::op::{Edns, Metadata, OpCode, ResponseCode};
use hickory_proto::rr::rdata::TXT;
use hickory_proto::rr::rdata::opt::EdnsOption;
use hickory_proto::rr::{DNSClass, RData, Record, RecordType};

use super::forward::Pending;
use super::policy::Conduct;
use crate::dns::answer::{Answer, Query, answer};
use crate::dns::message::name::WireName;
use crate::dns::message::request::{ClientEdns, Question, Received, Request, read};
use crate::dns::message::response::Response;
use crate::dns::message::tsig::{Refusal, Seal, Signer};
use crate::dns::secondary::transfer::{Transfer, is_newer};
use crate::dns::transport::STREAM_IDLE_TIMEOUT;
use crate::dns::zone::Zones;

/// The longest datagram that is sent, and the size that our OPT record offers (RFC 9715).
pub const DATAGRAM_LENGTH_MAX: u16 = 1232;
/// The longest datagram for a client without EDNS (RFC 1035, 4.2.1).
pub(super) const DATAGRAM_LENGTH_MAX_WITHOUT_EDNS: u16 = 512;
/// The longest message that a stream's length field can announce.
const STREAM_LENGTH_MAX: u16 = u16::MAX;
/// The longest text of an Extended DNS Error, in octets.
const ERROR_TEXT_LENGTH_MAX: usize = 255;
const EXTENDED_ERROR: u16 = 15;

const NSID: u16 = 3;
const COOKIE: u16 = 10;
const KEEPALIVE: u16 = 11;

/// RFC 8914, 4.15: the server is not ready yet.
const NOT_READY: u16 = 14;
/// RFC 8914, 4.19: this client may not.
const PROHIBITED: u16 = 18;
/// RFC 8914, 4.22: the operation or query is not supported.
const NOT_SUPPORTED: u16 = 21;

/// What a request came by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// UDP.
    Datagram,
    /// TCP.
    Stream,
    /// DNS over TLS.
    Tls,
    /// DNS over HTTPS.
    Https,
    /// DNS over QUIC.
    Quic,
}

impl Transport {
    /// Whether messages follow one another on a connection, behind their length: then one request may
    /// be answered by many, and how long the connection may be idle is worth telling.
    fn is_framed(self) -> bool {
        matches!(self, Self::Stream | Self::Tls)
    }

    /// Whether the length of a message is all that others see of it.
    fn is_encrypted(self) -> bool {
        matches!(self, Self::Tls | Self::Https | Self::Quic)
    }
}

/// Who asks, and by what.
#[derive(Clone, Copy, Debug)]
pub struct Asker {
    /// The client's address.
    pub address: IpAddr,
    /// What the request came by.
    pub transport: Transport,
}

/// What a request is met with.
#[derive(Debug)]
pub enum Reply {
    /// One message.
    Message(Box<Response>),
    /// Many.
    Transfer(Box<Transfer>),
    /// One, once others have been asked.
    Pending(Box<Pending>),
}

/// Answers `request` with one message, or does not: a message that is too short or itself a response
/// is met with silence. Transfers that need more than one message are refused, and nobody else is
/// asked.
///
/// `turn` rotates address RRsets; give every request the number after the last one's.
pub fn respond(
    zones: &Zones,
    conduct: &Conduct,
    request: &[u8],
    asker: Asker,
    turn: usize,
) -> Option<Response> {
    let answering = Answering { zones, conduct, asker, turn, may_transfer: false, may_forward: false };
    match answering.reply(request)? {
        Reply::Message(response) => Some(*response),
        Reply::Transfer(_) | Reply::Pending(_) => None,
    }
}

/// As [`respond`], for those who can send many messages where the transport carries them, and who
/// can ask others.
pub fn reply(zones: &Zones, conduct: &Conduct, request: &[u8], asker: Asker, turn: usize) -> Option<Reply> {
    let may_transfer = asker.transport.is_framed();
    (Answering { zones, conduct, asker, turn, may_transfer, may_forward: true }).reply(request)
}

/// What a request is answered from.
struct Answering<'a> {
    zones: &'a Zones,
    conduct: &'a Conduct,
    asker: Asker,
    turn: usize,
    may_transfer: bool,
    may_forward: bool,
}

/// An rcode and what comes with it; or a zone that is to be transferred, from that serial on; or
/// what our zones have of an answer, and the question that is to be asked of others.
enum Decision {
    Answered(Answer, ResponseCode),
    Transfer(WireName, Option<u32>),
    Forward(Answer, Query),
}

impl Answering<'_> {
    fn reply(&self, request: &[u8]) -> Option<Reply> {
        let message = |response| Some(Reply::Message(Box::new(response)));
        let request = match read(request) {
            Received::Ignored => return None,
            Received::Malformed(header) => return message(malformed(&header)),
            Received::Request(request) => request,
        };
        let signer = match &request.signed {
            None => None,
            Some(signed) => match self.conduct.keys.check(signed, self.now_s()) {
                Ok(signer) => Some(signer),
                Err(Refusal::Malformed) => return message(malformed(&request.header)),
                Err(Refusal::Sealed(seal)) => {
                    tracing::debug!(key = %signed.key(), client = %self.asker.address, "a signature is not good");
                    let answer = bare(None);
                    return message(self.response(&request, answer, ResponseCode::NotAuth, Some(seal)));
                }
            },
        };
        match self.decide(&request, signer.as_ref()) {
            Decision::Answered(answer, rcode) => {
                let seal = signer.map(|signer| Seal::good(signer, self.now_s()));
                message(self.response(&request, answer, rcode, seal))
            }
            Decision::Transfer(apex, since) => self.transfer(&request, &apex, since, signer),
            Decision::Forward(answer, query) => {
                let seal = signer.map(|signer| Seal::good(signer, self.now_s()));
                let response = self.response(&request, answer, ResponseCode::NoError, seal);
                let pending = Pending::new(query.name, query.record_type, self.asker, response);
                Some(Reply::Pending(Box::new(pending)))
            }
        }
    }

    fn now_s(&self) -> u64 {
        self.conduct.clock.now().as_second().max(0) as u64
    }

    fn decide(&self, request: &Request<'_>, signer: Option<&Signer>) -> Decision {
        let with = |rcode| Decision::Answered(bare(None), rcode);
        match request.header.op_code {
            OpCode::Query => {}
            // RFC 1996, 3.10 and RFC 2136, 2.1 leave the code open; a server that is nobody's
            // secondary is not authorized to take notifications.
            OpCode::Notify => return with(ResponseCode::NotAuth),
            _ => return with(ResponseCode::NotImp),
        }
        if request.edns.is_some_and(|edns| edns.version > 0) {
            return with(ResponseCode::BADVERS);
        }
        let Some(question) = &request.question else {
            // A client that wants nothing but a cookie (RFC 7873, 5.4).
            let has_cookie =
                self.conduct.cookies.is_some() && request.edns.is_some_and(|edns| edns.cookie.is_some());
            return with(if has_cookie { ResponseCode::NoError } else { ResponseCode::FormErr });
        };
        match (question.class, question.record_type) {
            (DNSClass::CH, _) => self.own_identity(question),
            (DNSClass::IN, RecordType::AXFR | RecordType::IXFR) => self.admit(request, question, signer),
            (DNSClass::IN, _) => self.resolve(request, question),
            _ => with(ResponseCode::Refused),
        }
    }

    /// What our zones say, or that others have to be asked.
    fn resolve(&self, request: &Request<'_>, question: &Question<'_>) -> Decision {
        let record_type = question.record_type;
        let mut answer = answer(self.zones, &Query { name: question.name.clone(), record_type });
        if let Some(name) = answer.beyond.take()
            && request.header.recursion_desired
            && self.conduct.recursion.is_some()
        {
            if self.may_forward && self.may_recurse() {
                answer.extended_error = None;
                return Decision::Forward(answer, Query { name, record_type });
            }
            if answer.rcode == ResponseCode::Refused && !self.may_recurse() {
                let text = "names outside of this server's zones are not resolved for this client";
                answer.extended_error = Some((PROHIBITED, text.to_owned()));
            }
        }
        let rcode = answer.rcode;
        Decision::Answered(answer, rcode)
    }

    /// Whether others are asked for this client.
    fn may_recurse(&self) -> bool {
        self.conduct.recursion.as_ref().is_some_and(|clients| clients.allow(self.asker.address))
    }

    /// RFC 4892: which server this is. Its version is nobody's business.
    fn own_identity(&self, question: &Question<'_>) -> Decision {
        let name = WireName::of(&question.name).to_name();
        let is_asked = [&b"id"[..], b"hostname"]
            .into_iter()
            .zip([&b"server"[..], b"bind"])
            .any(|(first, second)| name.iter().eq([first, second]));
        let Some(id) = self.conduct.dns_id.as_ref().filter(|_| is_asked) else {
            return Decision::Answered(bare(None), ResponseCode::Refused);
        };
        let mut answer = Answer { is_authoritative: true, ..bare(None) };
        if matches!(question.record_type, RecordType::TXT | RecordType::ANY) {
            let text = RData::TXT(TXT::new(vec![beginning(id, ERROR_TEXT_LENGTH_MAX).to_owned()]));
            let mut record = Record::from_rdata(question.name.clone(), 0, text);
            record.dns_class = DNSClass::CH;
            answer.answers.push(record);
        }
        Decision::Answered(answer, ResponseCode::NoError)
    }

    /// Whether and how a zone is transferred.
    fn admit(&self, request: &Request<'_>, question: &Question<'_>, signer: Option<&Signer>) -> Decision {
        let refused =
            |rcode, error: u16, text: &str| Decision::Answered(bare(Some((error, text.to_owned()))), rcode);
        if !self.conduct.transfers.allows(self.asker.address, signer.map(Signer::key)) {
            return refused(
                ResponseCode::Refused,
                PROHIBITED,
                "zone transfers are not allowed to this client",
            );
        }
        let apex = WireName::of(&question.name);
        let Some(zone) = self.zones.at(&apex) else {
            return Decision::Answered(bare(None), ResponseCode::NotAuth);
        };
        if !zone.is_synced() {
            return refused(ResponseCode::ServFail, NOT_READY, "not all objects have been read yet");
        }
        if question.record_type == RecordType::AXFR {
            return match self.may_transfer {
                true => Decision::Transfer(apex, None),
                false => refused(ResponseCode::Refused, NOT_SUPPORTED, "zone transfers need TCP or TLS"),
            };
        }
        let Some(known) = request.known_serial else {
            return Decision::Answered(bare(None), ResponseCode::FormErr);
        };
        if self.may_transfer && is_newer(zone.serial(), known) {
            return Decision::Transfer(apex, Some(known));
        }
        // The current SOA alone: there is nothing newer, or the client is to come again by TCP
        // (RFC 1995, 2).
        let soa = Answer { is_authoritative: true, answers: vec![zone.soa_record()], ..bare(None) };
        Decision::Answered(soa, ResponseCode::NoError)
    }

    fn transfer(
        &self,
        request: &Request<'_>,
        apex: &WireName,
        since: Option<u32>,
        signer: Option<Signer>,
    ) -> Option<Reply> {
        let zone = self.zones.at(apex)?.clone();
        let mut header = Metadata::response_from_request(&request.header);
        header.authoritative = true;
        let edns = request.edns.map(|edns| self.our_edns(edns, None));
        let question = request.question.as_ref().map_or_else(Vec::new, |question| question.wire.to_vec());
        let transfer = Transfer::new(zone, since, header, self.conduct.clock.clone())
            .beginning_with(question, edns)
            .signed_by(signer);
        Some(Reply::Transfer(Box::new(transfer)))
    }

    fn response(
        &self,
        request: &Request<'_>,
        mut answer: Answer,
        rcode: ResponseCode,
        seal: Option<Seal>,
    ) -> Response {
        rotate_addresses(&mut answer.answers, self.turn);
        let mut header = Metadata::response_from_request(&request.header);
        header.authoritative = answer.is_authoritative;
        header.recursion_available = self.may_recurse();
        header.response_code = rcode;
        let mut response = Response {
            header,
            question: request.question.as_ref().map_or_else(Vec::new, |question| question.wire.to_vec()),
            answers: answer.answers,
            authority: answer.authority,
            additional: answer.additional,
            edns: request.edns.map(|edns| self.our_edns(edns, answer.extended_error)),
            seal,
            length_max: length_max(self.asker.transport, request.edns),
            is_to_known_client: self.has_good_cookie(request),
            is_padded: self.asker.transport.is_encrypted() && request.edns.is_some_and(|edns| edns.is_padded),
        };
        if self.asker.transport != Transport::Datagram {
            response.shorten(Response::length);
        }
        response
    }

    fn has_good_cookie(&self, request: &Request<'_>) -> bool {
        let cookie = request.edns.and_then(|edns| edns.cookie);
        self.conduct
            .cookies
            .as_ref()
            .zip(cookie)
            .is_some_and(|(cookies, cookie)| cookies.is_good(cookie, self.asker.address, self.now_s() as u32))
    }

    fn our_edns(&self, client: ClientEdns<'_>, extended_error: Option<(u16, String)>) -> Edns {
        let mut edns = Edns::new();
        edns.set_max_payload(DATAGRAM_LENGTH_MAX).set_dnssec_ok(client.is_dnssec_ok);
        let mut put = |code, data| edns.options_mut().insert(EdnsOption::Unknown(code, data));
        if let (Some(cookies), Some(cookie)) = (&self.conduct.cookies, client.cookie) {
            put(COOKIE, cookies.answer(cookie, self.asker.address, self.now_s() as u32));
        }
        if let Some(nsid) = self.conduct.nsid.as_ref().filter(|_| client.wants_nsid) {
            put(NSID, nsid.as_bytes().to_vec());
        }
        if client.wants_keepalive && self.asker.transport.is_framed() {
            // In units of 100 ms (RFC 7828, 3.1).
            let units = u16::try_from(STREAM_IDLE_TIMEOUT.as_millis() / 100).unwrap_or(u16::MAX);
            put(KEEPALIVE, units.to_be_bytes().to_vec());
        }
        if let Some((code, text)) = extended_error {
            add_extended_error(&mut edns, code, &text);
        }
        edns
    }
}

/// An answer that holds nothing, but perhaps why.
fn bare(extended_error: Option<(u16, String)>) -> Answer {
    Answer {
        rcode: ResponseCode::NoError,
        is_authoritative: false,
        answers: Vec::new(),
        authority: Vec::new(),
        additional: Vec::new(),
        extended_error,
        beyond: None,
    }
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
        seal: None,
        length_max: usize::from(DATAGRAM_LENGTH_MAX_WITHOUT_EDNS),
        is_to_known_client: false,
        is_padded: false,
    }
}

fn length_max(transport: Transport, edns: Option<ClientEdns<'_>>) -> usize {
    usize::from(match (transport, edns) {
        (Transport::Datagram, None) => DATAGRAM_LENGTH_MAX_WITHOUT_EDNS,
        (Transport::Datagram, Some(edns)) => {
            edns.size.clamp(DATAGRAM_LENGTH_MAX_WITHOUT_EDNS, DATAGRAM_LENGTH_MAX)
        }
        _ => STREAM_LENGTH_MAX,
    })
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
