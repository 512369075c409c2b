//! What depends on who asks: reasons, limits, counts. Every transport calls [`Responder::respond`].
//!
//! ```text
//!  octets, client ──► respond(&Zones) ──► negative? add its reason ──► datagram? limit ──► octets
//!                                                        └── counted by type, rcode, transport ──┘
//! ```
//!
//! Reasons are looked for only once an answer is negative, the client sent EDNS and may see them;
//! a positive answer pays for none of this but its count. Info code 0 ("Other", RFC 8914, 4.1) is
//! what they carry: the registered codes speak of resolution, filtering and DNSSEC, and "Not
//! Ready" (14) of a server that is not, whereas here the server is well and a pod is not.

use std::net::IpAddr;
use std::sync::Arc;

use hickory_proto::op::ResponseCode;
use hickory_proto::rr::{Name, RData, RecordType};

use super::SharedZones;
use super::conduct::Conduct;
use super::fast::{self, Negatives, Paths};
use super::limit::{self, Kind, Limiter, Verdict};
use super::respond::{Asker, Reply, Transport, add_extended_error, reply, respond};
use super::response::Response;
use super::zone::{WireName, Zones};
use crate::clock::{Clock, Timestamp};
use crate::metrics::{Counts, DropReason, Metrics, Seen};

/// Extended DNS Error "Other" (RFC 8914 section 4.1).
const OTHER: u16 = 0;
const TYPE_AND_CLASS_LENGTH: usize = 4;

/// Who is told why a name is absent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Explain {
    /// Nobody.
    Off,
    /// Clients on this machine: a reason tells of objects, which are not everybody's business.
    #[default]
    Loopback,
    /// Everybody.
    On,
}

impl Explain {
    fn allows(self, client: IpAddr) -> bool {
        match self {
            Self::Off => false,
            Self::Loopback => client.to_canonical().is_loopback(),
            Self::On => true,
        }
    }
}

/// What holds for all answers of a server, whoever asks.
#[derive(Clone, Default)]
pub struct Policy {
    /// Who is told reasons.
    pub explain: Explain,
    /// Identity, cookies, keys and transfers.
    pub conduct: Arc<Conduct>,
    /// Which ways there are to a datagram.
    pub paths: Paths,
    /// How datagrams are limited, if they are; then all go the ordinary way.
    pub limiter: Option<Arc<Limiter>>,
    /// Where answers are counted, if they are.
    pub metrics: Option<Arc<Metrics>>,
}

/// Answers requests from a snapshot by a policy. One per worker: its counts are its own.
pub struct Responder {
    zones: SharedZones,
    policy: Policy,
    counts: Option<Arc<Counts>>,
    clock: Clock,
}

impl Responder {
    /// A responder for one worker.
    pub fn new(zones: SharedZones, policy: Policy, clock: Clock) -> Self {
        let counts = policy.metrics.as_ref().map(|metrics| metrics.counts());
        Self { zones, policy, counts, clock }
    }

    /// Appends the datagram that answers `request` to `replies`, or nothing if none is sent.
    pub fn reply(&self, request: &[u8], client: IpAddr, turn: usize, replies: &mut Vec<u8>) {
        if self.reply_fast(request, client, turn, replies).is_some() {
            return;
        }
        if let Some(octets) = self.respond(request, client, Transport::Datagram, turn) {
            replies.extend_from_slice(&octets);
        }
    }

    /// As [`Responder::reply`]; `None`, and nothing is appended, for what goes the ordinary way.
    fn reply_fast(&self, request: &[u8], client: IpAddr, turn: usize, replies: &mut Vec<u8>) -> Option<()> {
        if self.policy.paths == Paths::OrdinaryOnly || self.policy.limiter.is_some() {
            return None;
        }
        let began = self.began();
        let zones = self.zones.load();
        // A reason is nobody's but who asks, so it is not among what is ready-made.
        let is_explained = zones.has_reasons() && self.policy.explain.allows(client);
        let negatives = if is_explained { Negatives::Left } else { Negatives::Taken };
        let taken = fast::reply(&zones, request, turn, negatives, replies)?;
        self.count(began, Transport::Datagram, Some(taken.record_type), taken.rcode);
        Some(())
    }

    /// The message that answers `request`, if any is sent. `turn` rotates address RRsets.
    pub fn respond(
        &self,
        request: &[u8],
        client: IpAddr,
        transport: Transport,
        turn: usize,
    ) -> Option<Vec<u8>> {
        self.answer(request, client, transport, turn).map(|response| response.to_octets())
    }

    /// The same before it is octets, for transports that look into it.
    pub fn answer(
        &self,
        request: &[u8],
        client: IpAddr,
        transport: Transport,
        turn: usize,
    ) -> Option<Response> {
        let began = self.began();
        let zones = self.zones.load();
        let asker = Asker { address: client, transport };
        let response = respond(&zones, &self.policy.conduct, request, asker, turn);
        self.finish(&zones, asker, began, response)
    }

    /// What is said on a connection, where the answer may be a transfer.
    pub fn converse(&self, request: &[u8], client: IpAddr, turn: usize) -> Option<Reply> {
        let began = self.began();
        let zones = self.zones.load();
        let asker = Asker { address: client, transport: Transport::Stream };
        let response = match reply(&zones, &self.policy.conduct, request, asker, turn) {
            Some(Reply::Transfer(transfer)) => return Some(Reply::Transfer(transfer)),
            Some(Reply::Message(response)) => Some(*response),
            None => None,
        };
        self.finish(&zones, asker, began, response).map(|response| Reply::Message(Box::new(response)))
    }

    fn began(&self) -> Option<Timestamp> {
        self.counts.as_ref().map(|_| self.clock.now())
    }

    /// Reasons, limits and counts.
    fn finish(
        &self,
        zones: &Zones,
        asker: Asker,
        began: Option<Timestamp>,
        response: Option<Response>,
    ) -> Option<Response> {
        let Some(mut response) = response else {
            self.drop(DropReason::Unanswerable);
            return None;
        };
        if is_negative(&response) && self.policy.explain.allows(asker.address) {
            self.explain(zones, &mut response);
        }
        if asker.transport == Transport::Datagram && !self.admits(&mut response, asker.address) {
            return None;
        }
        self.count(began, asker.transport, record_type(&response), response.header.response_code);
        Some(response)
    }

    fn count(
        &self,
        began: Option<Timestamp>,
        transport: Transport,
        record_type: Option<RecordType>,
        rcode: ResponseCode,
    ) {
        if let (Some(counts), Some(began)) = (&self.counts, began) {
            counts.answered(Seen {
                is_stream: transport == Transport::Stream,
                record_type: record_type.map(u16::from),
                rcode: rcode.into(),
                took: crate::clock::until(began, self.clock.now()),
            });
        }
    }

    /// Adds why there are no records, if that is known.
    fn explain(&self, zones: &Zones, response: &mut Response) {
        let (Some(record_type), Some(edns)) = (record_type(response), &mut response.edns) else { return };
        // Where a chain of aliases ends is what is missing.
        let last = response.answers.iter().rev().find_map(|record| match &record.data {
            RData::CNAME(target) => Some(target.0.clone()),
            _ => None,
        });
        let name = last.unwrap_or_else(|| asked(&response.question));
        let Some(reason) = zones.reason(&name, record_type) else { return };
        add_extended_error(edns, OTHER, &reason.text);
        if let Some(metrics) = &self.policy.metrics {
            metrics.explained(reason.cause);
        }
    }

    /// Whether a datagram is sent, perhaps without its records.
    fn admits(&self, response: &mut Response, client: IpAddr) -> bool {
        let Some(limiter) = &self.policy.limiter else { return true };
        let verdict = limiter.decide(client, kind(response), self.clock.now());
        if verdict == Verdict::Answer {
            return true;
        }
        if let Some(metrics) = &self.policy.metrics {
            let network = limit::network(client);
            metrics.limited((network.addr(), network.prefix_len()));
        }
        if verdict == Verdict::Drop {
            self.drop(DropReason::RateLimited);
            return false;
        }
        response.header.truncation = true;
        response.answers.clear();
        response.authority.clear();
        response.additional.clear();
        true
    }

    fn drop(&self, reason: DropReason) {
        if let Some(counts) = &self.counts {
            counts.dropped(reason);
        }
    }
}

/// The type that was asked for, read back from the response.
fn record_type(response: &Response) -> Option<RecordType> {
    let wire = &response.question;
    let at = wire.len().checked_sub(TYPE_AND_CLASS_LENGTH)?;
    Some(u16::from_be_bytes([wire[at], wire[at + 1]]).into())
}

/// The name in a question that has one.
fn asked(question: &[u8]) -> Name {
    WireName::from(&question[..question.len() - TYPE_AND_CLASS_LENGTH]).to_name()
}

/// Whether a name or its type is said not to exist, by a zone of ours.
fn is_negative(response: &Response) -> bool {
    let has_soa = response.authority.iter().any(|record| record.record_type() == RecordType::SOA);
    let is_negative = matches!(response.header.response_code, ResponseCode::NXDomain | ResponseCode::NoError);
    is_negative && has_soa && response.header.authoritative
}

fn kind(response: &Response) -> Kind {
    match response.header.response_code {
        ResponseCode::NXDomain => Kind::NameError,
        ResponseCode::NoError if is_negative(response) => Kind::NoData,
        ResponseCode::NoError if !response.header.authoritative => Kind::Referral,
        ResponseCode::NoError => Kind::Positive,
        _ => Kind::Error,
    }
}

#[cfg(test)]
mod tests;
