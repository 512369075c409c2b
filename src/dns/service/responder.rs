//! What depends on who asks: reasons, limits, counts, and whether others are asked. Every transport
//! comes here.
//!
//! ```text
//!  octets, client ──► respond(&Zones) ──► negative? add its reason ──► datagram? limit ──► octets
//!                      │      ▲                          └── counted by type, rcode, transport ──┘
//!                      ▼      │
//!                    Pending ─► forwarder: remembered, or asked of upstreams
//! ```
//!
//! A worker of datagrams never waits: [`Responder::reply_all`] gives a [`Pending`] on, for a task to
//! [complete](Responder::complete). Connections wait by themselves ([`Responder::answer`]).
//!
//! Reasons are looked for only once an answer is negative, the client sent EDNS and may see them;
//! a positive answer pays for none of this but its count. Info code 0 ("Other", RFC 8914, 4.1) is
//! what they carry: the registered codes speak of resolution, filtering and DNSSEC, and "Not
//! Ready" (14) of a server that is not, whereas here the server is well and a pod is not.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use hickory_proto::op::ResponseCode;
use hickory_proto::rr::{Name, RData, RecordType};

use super::asker::{Asker, Transport};
use super::fast::{self, Lookup, Negatives, Room, Terms};
use super::forward::Admission;
use super::limit::{self, Kind, Verdict};
use super::pending::{Pending, Waiting};
use super::policy::{Paths, Policy};
use super::respond::{Reply, reply};
use crate::clock::Timestamp;
use crate::dns::message::edns::add_extended_error;
use crate::dns::message::name::WireName;
use crate::dns::message::protocol::{EDE_OTHER, HEADER_LENGTH, TYPE_AND_CLASS_LENGTH};
use crate::dns::message::response::Response;
use crate::dns::zone::{SharedZones, Zones};
use crate::metrics::{By, Counts, DropReason, Seen};

/// Answers requests from a snapshot by a policy. One per worker: its counts are its own.
pub struct Responder {
    zones: SharedZones,
    policy: Arc<Policy>,
    counts: Option<Arc<Counts>>,
}

impl Responder {
    /// A responder for one worker.
    pub fn new(zones: SharedZones, policy: Arc<Policy>) -> Self {
        let counts = policy.metrics.as_ref().map(|metrics| metrics.counts());
        Self { zones, policy, counts }
    }

    /// Answers datagrams: appends the replies to `requests` to `replies`, and after each, in their
    /// order, calls `each` with its index, the length of `replies`, and what has to be
    /// [completed](Responder::complete). Nothing is appended if nothing is sent, or not yet. `turn`
    /// rotates the address RRsets of the first, one more those of the next. What there is
    /// no `room` for goes the ordinary way.
    pub fn reply_all(
        &self,
        requests: &[(&[u8], IpAddr)],
        turn: usize,
        room: &mut Room,
        replies: &mut Vec<u8>,
        mut each: impl FnMut(usize, usize, Option<Box<Waiting>>),
    ) {
        let began = self.began();
        let zones = self.zones.load();
        let lookups = match self.policy.paths {
            Paths::FastFirst => fast::look_up_all(&zones, requests.iter().map(|(request, _)| *request), room),
            Paths::OrdinaryOnly => Vec::new(),
        };
        let lookups = lookups.into_iter().chain(std::iter::repeat_with(|| None));
        // What was done for all of them is each one's in equal parts.
        let share = self.took(began).map(|took| took / requests.len().max(1) as u32);
        for (index, ((request, client), lookup)) in requests.iter().zip(lookups).enumerate() {
            let turn = turn.wrapping_add(index);
            let is_taken = lookup.is_some_and(|lookup| {
                self.reply_fast(&zones, lookup, (request, *client), (turn, share), replies).is_some()
            });
            let waiting = match is_taken {
                true => None,
                false => self.reply_ordinarily(request, *client, turn, replies),
            };
            each(index, replies.len(), waiting);
        }
    }

    fn reply_ordinarily(
        &self,
        request: &[u8],
        client: IpAddr,
        turn: usize,
        replies: &mut Vec<u8>,
    ) -> Option<Box<Waiting>> {
        let asker = Asker { address: client, transport: Transport::Udp };
        match self.converse(request, asker, turn)? {
            Reply::Message(response) => replies.extend_from_slice(&response.to_octets()),
            Reply::Pending(waiting) => return Some(waiting),
            // Never over UDP (RFC 5936, 4.2).
            Reply::Transfer(_) => {}
        }
        None
    }

    /// `None`, and nothing is appended, for what goes the ordinary way.
    fn reply_fast(
        &self,
        zones: &Zones,
        lookup: Lookup<'_, '_>,
        (request, client): (&[u8], IpAddr),
        (turn, share): (usize, Option<Duration>),
        replies: &mut Vec<u8>,
    ) -> Option<()> {
        let (start, began) = (replies.len(), self.began());
        // A reason is nobody's but who asks, so it is not among what is ready-made.
        let is_explained = zones.has_reasons() && self.policy.explain.allows(client);
        let terms = Terms {
            negatives: if is_explained { Negatives::Left } else { Negatives::Taken },
            is_recursion_available: self.policy.recursion_for(client).is_some(),
        };
        let taken = lookup.reply(turn, terms, replies)?;
        match self.verdict(client, taken.kind) {
            Verdict::Answer => {}
            Verdict::Slip => taken.truncate(start, replies),
            Verdict::Drop => {
                replies.truncate(start);
                return Some(());
            }
        }
        let asker = Asker { address: client, transport: Transport::Udp };
        let question = &request[HEADER_LENGTH..];
        let is_positive = taken.kind == Kind::Positive;
        let asked = (Some(taken.record_type), taken.rcode);
        let took = self.took(began).zip(share).map(|(own, share)| own + share);
        self.count(took, asker, asked, is_positive.then_some(question));
        Some(())
    }

    /// The response to `request`, for transports that send one message and can wait for it.
    pub async fn answer(&self, request: &[u8], asker: Asker, turn: usize) -> Option<Response> {
        match self.converse(request, asker, turn)? {
            Reply::Message(response) => Some(*response),
            Reply::Pending(waiting) => self.complete(*waiting).await,
            Reply::Transfer(_) => None,
        }
    }

    /// What is said at once: a message, a transfer where the transport carries them, or that upstreams
    /// have to be asked.
    pub fn converse(&self, request: &[u8], asker: Asker, turn: usize) -> Option<Reply<Waiting>> {
        let began = self.began();
        let zones = self.zones.load();
        let response = match reply(&zones, &self.policy, request, asker, turn) {
            Some(Reply::Transfer(transfer)) => return Some(Reply::Transfer(transfer)),
            Some(Reply::Pending(pending)) => return self.begin(&zones, *pending, self.took(began)),
            Some(Reply::Message(response)) => Some(*response),
            None => None,
        };
        let response = self.finish(&zones, asker, self.took(began), response);
        response.map(|response| Reply::Message(Box::new(response)))
    }

    /// What the forwarder can say at once, or that the response waits.
    fn begin(&self, zones: &Zones, pending: Pending, took: Option<Duration>) -> Option<Reply<Waiting>> {
        let outcome = match pending.admit() {
            Admission::Waiting(slot) => return Some(Reply::Pending(Box::new(Waiting::new(pending, slot)))),
            Admission::Known(outcome) => outcome,
        };
        let asker = pending.asker();
        let response = self.finish(zones, asker, took, Some(pending.complete(outcome)));
        response.map(|response| Reply::Message(Box::new(response)))
    }

    /// The response to what waited, once upstreams have been asked; `None` if none is sent.
    pub async fn complete(&self, waiting: Waiting) -> Option<Response> {
        let (asker, response) = waiting.complete().await;
        self.finish(&self.zones.load(), asker, None, Some(response))
    }

    fn began(&self) -> Option<Timestamp> {
        self.counts.as_ref().map(|_| self.policy.clock.now())
    }

    fn took(&self, began: Option<Timestamp>) -> Option<Duration> {
        began.map(|began| crate::clock::until(began, self.policy.clock.now()))
    }

    /// Reasons, limits and counts. `took` is how long it took us, if that is known.
    fn finish(
        &self,
        zones: &Zones,
        asker: Asker,
        took: Option<Duration>,
        response: Option<Response>,
    ) -> Option<Response> {
        let Some(mut response) = response else {
            self.drop(DropReason::Unanswerable);
            return None;
        };
        if is_negative(&response) && self.policy.explain.allows(asker.address) {
            self.explain(zones, &mut response);
        }
        if asker.transport == Transport::Udp && !self.admits(&mut response, asker.address) {
            return None;
        }
        let asked = (record_type(&response), response.header.response_code);
        let is_positive = kind(&response) == Kind::Positive && response.header.authoritative;
        self.count(took, asker, asked, is_positive.then_some(&response.question));
        Some(response)
    }

    /// Counts an answer, and in a sample who asks and the name of a question that got records.
    fn count(
        &self,
        took: Option<Duration>,
        asker: Asker,
        (record_type, rcode): (Option<RecordType>, ResponseCode),
        question: Option<&[u8]>,
    ) {
        if let Some(counts) = &self.counts {
            let by = match asker.transport {
                Transport::Udp => By::Udp,
                Transport::Tcp => By::Tcp,
                Transport::Dot => By::Dot,
                Transport::Doh => By::Doh,
                Transport::Doq => By::Doq,
            };
            counts.answered(Seen { by, record_type: record_type.map(u16::from), rcode: rcode.into(), took });
            if counts.is_sampled() {
                let network = limit::network(asker.address);
                let name = question.and_then(WireName::beginning).map(|name| name.to_string());
                counts.sampled((network.addr(), network.prefix_len()), name);
            }
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
        add_extended_error(edns, EDE_OTHER, &reason.text);
        if let Some(metrics) = &self.policy.metrics {
            metrics.explained(reason.cause);
        }
    }

    /// Whether a datagram is sent, perhaps without its records.
    fn admits(&self, response: &mut Response, client: IpAddr) -> bool {
        if response.is_to_known_client {
            return true;
        }
        match self.verdict(client, kind(response)) {
            Verdict::Answer => true,
            Verdict::Drop => false,
            Verdict::Slip => {
                response.header.truncation = true;
                response.answers.clear();
                response.authority.clear();
                response.additional.clear();
                true
            }
        }
    }

    /// What becomes of a datagram; what is limited is counted.
    fn verdict(&self, client: IpAddr, kind: Kind) -> Verdict {
        let Some(limiter) = &self.policy.limiter else { return Verdict::Answer };
        let verdict = limiter.decide(client, kind, self.policy.clock.now());
        if verdict == Verdict::Answer {
            return verdict;
        }
        if let Some(metrics) = &self.policy.metrics {
            let network = limit::network(client);
            metrics.limited((network.addr(), network.prefix_len()));
        }
        if verdict == Verdict::Drop {
            self.drop(DropReason::RateLimited);
        }
        verdict
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
        // What others have said is authoritative neither, but has answers.
        ResponseCode::NoError if response.header.authoritative || !response.answers.is_empty() => {
            Kind::Positive
        }
        ResponseCode::NoError => Kind::Referral,
        _ => Kind::Error,
    }
}

#[cfg(test)]
mod tests;
