//! From a request in wire format to a response, by snapshot and policy. Pure.
//!
//! ```text
//!  octets ──► request::read ──► allowed? ──► answer(&Zones, &Query) ─┬─► rotate ──► Response
//!                                                                    └─► beyond our zones: Pending
//! ```
//!
//! Opcodes, classes, EDNS, TSIG, transfers and CHAOS queries are handled here; questions of class IN
//! are answered by `answer`. UDP responses have at most 1232 octets, whatever the client offers, so that
//! they are not fragmented (RFC 9715, 3.1 leaves a smaller limit than 1400 to the server).

use hickory_proto::op::{Edns, Metadata, OpCode, ResponseCode};
use hickory_proto::rr::rdata::TXT;
use hickory_proto::rr::rdata::opt::EdnsOption;
use hickory_proto::rr::{DNSClass, RData, Record, RecordType};

use super::asker::{Asker, Transport};
use super::pending::Pending;
use super::policy::{Policy, Recursion, STREAM_IDLE_TIMEOUT};
use super::transfer::AdmittedTransfer;
use crate::dns::answer::{Answer, Query, answer};
use crate::dns::message::edns::{add_extended_error, beginning};
use crate::dns::message::name::WireName;
use crate::dns::message::protocol::{
    CHARACTER_STRING_LENGTH_MAX, DATAGRAM_LENGTH_MAX, DATAGRAM_LENGTH_MAX_WITHOUT_EDNS, EDE_NOT_READY,
    EDE_NOT_SUPPORTED, EDE_PROHIBITED, MESSAGE_LENGTH_MAX, OPTION_COOKIE, OPTION_KEEPALIVE, OPTION_NSID,
};
use crate::dns::message::request::{ClientEdns, Question, Received, Request, read};
use crate::dns::message::response::Response;
use crate::dns::message::serial::is_newer;
use crate::dns::message::tsig::{Refusal, ResponseTsig, Signer};
use crate::dns::zone::{Zone, Zones};

/// The reply to a request. `P` is a response that needs upstreams.
#[derive(Debug)]
pub enum Reply<P = Pending> {
    /// One message.
    Message(Box<Response>),
    /// A zone transfer, of one or more messages.
    Transfer(Box<AdmittedTransfer>),
    /// One message, after upstreams have been asked.
    Pending(Box<P>),
}

/// The response to `request`; `None` if there is none, because the message is shorter than a header or
/// itself a response. Transfers of more than one message are refused, and upstreams are not asked.
///
/// `rotation` rotates address RRsets; pass a number one higher for every request.
pub fn respond(
    zones: &Zones,
    policy: &Policy,
    request: &[u8],
    asker: Asker,
    rotation: usize,
) -> Option<Response> {
    let answering = Answering { zones, policy, asker, rotation, may_transfer: false, may_forward: false };
    match answering.reply(request)? {
        Reply::Message(response) => Some(*response),
        Reply::Transfer(_) | Reply::Pending(_) => None,
    }
}

/// As [`respond`], but with transfers (if the transport carries them) and forwarding.
pub fn reply(zones: &Zones, policy: &Policy, request: &[u8], asker: Asker, rotation: usize) -> Option<Reply> {
    let may_transfer = asker.transport.is_framed();
    (Answering { zones, policy, asker, rotation, may_transfer, may_forward: true }).reply(request)
}

/// Everything that a reply depends on, besides the request.
struct Answering<'a> {
    zones: &'a Zones,
    policy: &'a Policy,
    asker: Asker,
    rotation: usize,
    may_transfer: bool,
    may_forward: bool,
}

/// An answer with its rcode; or a transfer of a zone, since a serial; or the beginning of an answer and
/// the question for upstreams.
enum Decision<'a> {
    Answered(Answer, ResponseCode),
    Transfer(&'a Zone, Option<u32>),
    Forward(Answer, Query, &'a Recursion),
}

impl<'a> Answering<'a> {
    fn reply(&self, request: &[u8]) -> Option<Reply> {
        let message = |response| Some(Reply::Message(Box::new(response)));
        let request = match read(request) {
            Received::Ignored => return None,
            Received::Malformed(header) => return message(malformed(&header)),
            Received::Request(request) => request,
        };
        let signer = match &request.signed {
            None => None,
            Some(signed) => match self.policy.keys.check(signed, self.policy.now_s()) {
                Ok(signer) => Some(signer),
                Err(Refusal::Malformed) => return message(malformed(&request.header)),
                Err(Refusal::NotAuth(tsig)) => {
                    tracing::debug!(key = %signed.key(), client = %self.asker.address, "TSIG verification failed");
                    let answer = Answer::empty();
                    return message(self.response(&request, answer, ResponseCode::NotAuth, Some(tsig)));
                }
            },
        };
        match self.decide(&request, signer.as_ref()) {
            Decision::Answered(answer, rcode) => {
                let tsig = signer.map(|signer| ResponseTsig::good(signer, self.policy.now_s()));
                message(self.response(&request, answer, rcode, tsig))
            }
            Decision::Transfer(zone, known_serial) => {
                Some(self.transfer(&request, zone, known_serial, signer))
            }
            Decision::Forward(answer, query, recursion) => {
                let tsig = signer.map(|signer| ResponseTsig::good(signer, self.policy.now_s()));
                let response = self.response(&request, answer, ResponseCode::NoError, tsig);
                let asked = (query.name, query.record_type);
                let pending = Pending::new(recursion.forwarder.clone(), asked, self.asker, response);
                Some(Reply::Pending(Box::new(pending)))
            }
        }
    }

    fn decide(&self, request: &Request<'_>, signer: Option<&Signer>) -> Decision<'a> {
        let with = |rcode| Decision::Answered(Answer::empty(), rcode);
        match request.header.op_code {
            OpCode::Query => {}
            // RFC 1996, 3.10 leaves the rcode for a server that is no secondary to the server: NOTAUTH, as BIND.
            OpCode::Notify => return with(ResponseCode::NotAuth),
            _ => return with(ResponseCode::NotImp),
        }
        if request.edns.is_some_and(|edns| edns.version > 0) {
            return with(ResponseCode::BADVERS);
        }
        let Some(question) = &request.question else {
            // A query for a server cookie alone, without a question (RFC 7873, 5.4).
            let has_cookie =
                self.policy.cookies.is_some() && request.edns.is_some_and(|edns| edns.cookie.is_some());
            return with(if has_cookie { ResponseCode::NoError } else { ResponseCode::FormErr });
        };
        match (question.class, question.record_type) {
            (DNSClass::CH, _) => self.own_identity(question),
            (DNSClass::IN, RecordType::AXFR | RecordType::IXFR) => self.admit(request, question, signer),
            (DNSClass::IN, _) => self.resolve(request, question),
            _ => with(ResponseCode::Refused),
        }
    }

    /// Answers from our zones, or forwards if the answer continues outside of them.
    fn resolve(&self, request: &Request<'_>, question: &Question<'_>) -> Decision<'a> {
        let record_type = question.record_type;
        let mut answer = answer(self.zones, &Query { name: question.name.clone(), record_type });
        if let Some(name) = answer.beyond.take()
            && request.header.recursion_desired
            && self.policy.recursion.is_some()
        {
            match self.policy.recursion_for(self.asker.address) {
                Some(recursion) if self.may_forward => {
                    answer.extended_error = None;
                    return Decision::Forward(answer, Query { name, record_type }, recursion);
                }
                None if answer.rcode == ResponseCode::Refused => {
                    let text = "names outside of this server's zones are not resolved for this client";
                    answer.extended_error = Some((EDE_PROHIBITED, text.to_owned()));
                }
                _ => {}
            }
        }
        let rcode = answer.rcode;
        Decision::Answered(answer, rcode)
    }

    /// `id.server` and `hostname.bind` (RFC 4892). Other CHAOS names are refused: `version.bind` would help
    /// attackers more than operators.
    fn own_identity(&self, question: &Question<'_>) -> Decision<'a> {
        let name = WireName::of(&question.name).to_name();
        let is_asked = [&b"id"[..], b"hostname"]
            .into_iter()
            .zip([&b"server"[..], b"bind"])
            .any(|(first, second)| name.iter().eq([first, second]));
        let Some(id) = self.policy.dns_id.as_ref().filter(|_| is_asked) else {
            return Decision::Answered(Answer::empty(), ResponseCode::Refused);
        };
        let mut answer = Answer { is_authoritative: true, ..Answer::empty() };
        if matches!(question.record_type, RecordType::TXT | RecordType::ANY) {
            let text = RData::TXT(TXT::new(vec![beginning(id, CHARACTER_STRING_LENGTH_MAX).to_owned()]));
            let mut record = Record::from_rdata(question.name.clone(), 0, text);
            record.dns_class = DNSClass::CH;
            answer.answers.push(record);
        }
        Decision::Answered(answer, ResponseCode::NoError)
    }

    /// Decides on AXFR and IXFR.
    fn admit(&self, request: &Request<'_>, question: &Question<'_>, signer: Option<&Signer>) -> Decision<'a> {
        let refused = |rcode, error: u16, text: &str| {
            Decision::Answered(
                Answer { extended_error: Some((error, text.to_owned())), ..Answer::empty() },
                rcode,
            )
        };
        if !self.policy.transfers.allows(self.asker.address, signer.map(Signer::key)) {
            return refused(
                ResponseCode::Refused,
                EDE_PROHIBITED,
                "zone transfers are not allowed to this client",
            );
        }
        let Some(zone) = self.zones.at(&WireName::of(&question.name)) else {
            return Decision::Answered(Answer::empty(), ResponseCode::NotAuth);
        };
        if !zone.is_synced() {
            return refused(ResponseCode::ServFail, EDE_NOT_READY, "not all objects have been read yet");
        }
        if question.record_type == RecordType::AXFR {
            return match self.may_transfer {
                true => Decision::Transfer(zone, None),
                false => refused(ResponseCode::Refused, EDE_NOT_SUPPORTED, "zone transfers need TCP or TLS"),
            };
        }
        let Some(known) = request.known_serial else {
            return Decision::Answered(Answer::empty(), ResponseCode::FormErr);
        };
        if self.may_transfer && is_newer(zone.serial(), known) {
            return Decision::Transfer(zone, Some(known));
        }
        // The current SOA alone: the client is up to date, or has to retry over TCP (RFC 1995, sections 2
        // and 4).
        let soa = Answer { is_authoritative: true, answers: vec![zone.soa_record()], ..Answer::empty() };
        Decision::Answered(soa, ResponseCode::NoError)
    }

    fn transfer(
        &self,
        request: &Request<'_>,
        zone: &Zone,
        known_serial: Option<u32>,
        signer: Option<Signer>,
    ) -> Reply {
        let mut header = Metadata::response_from_request(&request.header);
        header.authoritative = true;
        Reply::Transfer(Box::new(AdmittedTransfer {
            zone: zone.clone(),
            known_serial,
            header,
            first: (wire_of(request), request.edns.map(|edns| self.our_edns(edns, None))),
            signer,
            clock: self.policy.clock.clone(),
        }))
    }

    fn response(
        &self,
        request: &Request<'_>,
        mut answer: Answer,
        rcode: ResponseCode,
        tsig: Option<ResponseTsig>,
    ) -> Response {
        rotate_addresses(&mut answer.answers, self.rotation);
        let mut header = Metadata::response_from_request(&request.header);
        header.authoritative = answer.is_authoritative;
        header.recursion_available = self.policy.recursion_for(self.asker.address).is_some();
        header.response_code = rcode;
        let mut response = Response {
            header,
            question: wire_of(request),
            answers: answer.answers,
            authority: answer.authority,
            additional: answer.additional,
            edns: request.edns.map(|edns| self.our_edns(edns, answer.extended_error)),
            tsig,
            length_max: length_max(self.asker.transport, request.edns),
            is_to_known_client: self.has_good_cookie(request),
            is_padded: self.asker.transport.is_encrypted() && request.edns.is_some_and(|edns| edns.is_padded),
        };
        if self.asker.transport != Transport::Udp {
            response.shorten(Response::length);
        }
        response
    }

    fn has_good_cookie(&self, request: &Request<'_>) -> bool {
        let sent = self.policy.cookies.as_ref().zip(request.edns.and_then(|edns| edns.cookie));
        let now_s = self.policy.now_s() as u32;
        sent.is_some_and(|(cookies, cookie)| cookies.is_good(cookie, self.asker.address, now_s))
    }

    fn our_edns(&self, client: ClientEdns<'_>, extended_error: Option<(u16, String)>) -> Edns {
        let mut edns = Edns::new();
        edns.set_max_payload(DATAGRAM_LENGTH_MAX).set_dnssec_ok(client.is_dnssec_ok);
        let mut put = |code, data| edns.options_mut().insert(EdnsOption::Unknown(code, data));
        if let (Some(cookies), Some(cookie)) = (&self.policy.cookies, client.cookie) {
            put(OPTION_COOKIE, cookies.answer(cookie, self.asker.address, self.policy.now_s() as u32));
        }
        if let Some(nsid) = self.policy.nsid.as_ref().filter(|_| client.wants_nsid) {
            put(OPTION_NSID, nsid.as_bytes().to_vec());
        }
        if client.wants_keepalive && self.asker.transport.is_framed() {
            // The unit is 100 ms (RFC 7828, 3.1).
            let units = u16::try_from(STREAM_IDLE_TIMEOUT.as_millis() / 100).unwrap_or(u16::MAX);
            put(OPTION_KEEPALIVE, units.to_be_bytes().to_vec());
        }
        if let Some((code, text)) = extended_error {
            add_extended_error(&mut edns, code, &text);
        }
        edns
    }
}

/// The question as sent, or empty.
fn wire_of(request: &Request<'_>) -> Vec<u8> {
    request.question.as_ref().map_or_else(Vec::new, |question| question.wire.to_vec())
}

/// FORMERR as a bare header: never longer than the request, and without an echo of malformed octets.
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
        tsig: None,
        length_max: usize::from(DATAGRAM_LENGTH_MAX_WITHOUT_EDNS),
        is_to_known_client: false,
        is_padded: false,
    }
}

fn length_max(transport: Transport, edns: Option<ClientEdns<'_>>) -> usize {
    usize::from(match (transport, edns) {
        (Transport::Udp, None) => DATAGRAM_LENGTH_MAX_WITHOUT_EDNS,
        (Transport::Udp, Some(edns)) => {
            edns.size.clamp(DATAGRAM_LENGTH_MAX_WITHOUT_EDNS, DATAGRAM_LENGTH_MAX)
        }
        _ => MESSAGE_LENGTH_MAX,
    })
}

/// Most clients use the first address of an RRset, so each response starts with another one.
fn rotate_addresses(answers: &mut [Record], rotation: usize) {
    for rrset in
        answers.chunk_by_mut(|one, other| one.record_type() == other.record_type() && one.name == other.name)
    {
        if rrset[0].record_type().is_ip_addr() {
            rrset.rotate_left(rotation % rrset.len());
        }
    }
}

#[cfg(test)]
mod tests;
