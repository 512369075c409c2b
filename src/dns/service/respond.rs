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
use crate::dns::message::tsig::{Refusal, Seal, Signer};
use crate::dns::zone::{Zone, Zones};

/// What a request is answered with. `P` is what a response that needs upstreams is at this stage.
#[derive(Debug)]
pub enum Reply<P = Pending> {
    /// One message.
    Message(Box<Response>),
    /// Many messages.
    Transfer(Box<AdmittedTransfer>),
    /// One message, once upstreams have been asked.
    Pending(Box<P>),
}

/// Answers `request` with one message, or does not: a message that is too short or itself a response
/// is met with silence. Transfers that need more than one message are refused, and upstreams are not
/// asked.
///
/// `turn` rotates address RRsets; give every request the number after the last one's.
pub fn respond(
    zones: &Zones,
    policy: &Policy,
    request: &[u8],
    asker: Asker,
    turn: usize,
) -> Option<Response> {
    let answering = Answering { zones, policy, asker, turn, may_transfer: false, may_forward: false };
    match answering.reply(request)? {
        Reply::Message(response) => Some(*response),
        Reply::Transfer(_) | Reply::Pending(_) => None,
    }
}

/// As [`respond`], for those who can send many messages where the transport carries them, and who
/// can ask upstreams.
pub fn reply(zones: &Zones, policy: &Policy, request: &[u8], asker: Asker, turn: usize) -> Option<Reply> {
    let may_transfer = asker.transport.is_framed();
    (Answering { zones, policy, asker, turn, may_transfer, may_forward: true }).reply(request)
}

/// What a request is answered from.
struct Answering<'a> {
    zones: &'a Zones,
    policy: &'a Policy,
    asker: Asker,
    turn: usize,
    may_transfer: bool,
    may_forward: bool,
}

/// An rcode and what comes with it; or the zone that is transferred, from that serial on; or what our
/// zones have of an answer, and the question that upstreams are asked.
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
                Err(Refusal::Sealed(seal)) => {
                    tracing::debug!(key = %signed.key(), client = %self.asker.address, "a TSIG record does not verify");
                    let answer = Answer::empty();
                    return message(self.response(&request, answer, ResponseCode::NotAuth, Some(seal)));
                }
            },
        };
        match self.decide(&request, signer.as_ref()) {
            Decision::Answered(answer, rcode) => {
                let seal = signer.map(|signer| Seal::good(signer, self.policy.now_s()));
                message(self.response(&request, answer, rcode, seal))
            }
            Decision::Transfer(zone, known_serial) => {
                Some(self.transfer(&request, zone, known_serial, signer))
            }
            Decision::Forward(answer, query, recursion) => {
                let seal = signer.map(|signer| Seal::good(signer, self.policy.now_s()));
                let response = self.response(&request, answer, ResponseCode::NoError, seal);
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

    /// What our zones say, or that upstreams have to be asked.
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

    /// Which server this is (RFC 4892). `version.server` is refused: the RFC leaves it to the operator,
    /// and a version helps attackers more than anybody else.
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

    /// Whether and how a zone is transferred.
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
        // The current SOA alone: there is nothing newer, or the client is to come again by TCP
        // (RFC 1995, 2).
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
        seal: Option<Seal>,
    ) -> Response {
        rotate_addresses(&mut answer.answers, self.turn);
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
            seal,
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
            // In units of 100 ms (RFC 7828, 3.1).
            let units = u16::try_from(STREAM_IDLE_TIMEOUT.as_millis() / 100).unwrap_or(u16::MAX);
            put(OPTION_KEEPALIVE, units.to_be_bytes().to_vec());
        }
        if let Some((code, text)) = extended_error {
            add_extended_error(&mut edns, code, &text);
        }
        edns
    }
}

/// The question as it was sent, or nothing.
fn wire_of(request: &Request<'_>) -> Vec<u8> {
    request.question.as_ref().map_or_else(Vec::new, |question| question.wire.to_vec())
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
        (Transport::Udp, None) => DATAGRAM_LENGTH_MAX_WITHOUT_EDNS,
        (Transport::Udp, Some(edns)) => {
            edns.size.clamp(DATAGRAM_LENGTH_MAX_WITHOUT_EDNS, DATAGRAM_LENGTH_MAX)
        }
        _ => MESSAGE_LENGTH_MAX,
    })
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
