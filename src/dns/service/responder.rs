//! The entry point of all transports: adds reasons, limits and counts to what `respond` answers.
//!
//! ```text
//!  octets, client ──► respond(&Zones) ──► negative? add the reason ──► UDP? rate limit ────► octets
//!                      │      ▲                          └── counted by type, rcode, transport ──┘
//!                      ▼      │
//!                    Pending ─► forwarder: cached, or asked of upstreams
//! ```
//!
//! UDP workers never wait: [`Responder::reply_all`] hands out a [`Waiting`], which a task
//! [completes](Responder::complete). Connections wait themselves ([`Responder::answer`]).
//!
//! A reason is looked up only for a negative answer to a client with EDNS that may see it; positive
//! answers cost nothing but their count. Reasons have the info code 0 ("Other", RFC 8914, 4.1): the
//! registered codes are about resolution, filtering and DNSSEC, and "Not Ready" (14) is about a server
//! that is not ready, whereas here the server is and a pod is not.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use hickory_proto::op::ResponseCode;
use hickory_proto::rr::{Name, RData, RecordType};
use tracing::trace;

use super::asker::{Asker, Transport};
use super::fast::{self, Lookup, NameBuffers, Negatives, Terms};
use super::forward::Admission;
use super::limit::{self, Kind, Verdict};
use super::pending::{Pending, Waiting};
use super::policy::{Paths, Policy, SharedPolicy};
use super::respond::{Reply, reply};
use crate::clock::{Clock, Timestamp};
use crate::dns::message::edns::add_extended_error;
use crate::dns::message::name::WireName;
use crate::dns::message::protocol::{EDE_OTHER, HEADER_LENGTH, TYPE_AND_CLASS_LENGTH};
use crate::dns::message::response::Response;
use crate::dns::zone::{SharedZones, Zones};
use crate::metrics::{By, Counts, DropReason, Metrics, Seen};

/// Answers requests from the current snapshot by a policy. One per worker or listener, with its own counters.
pub struct Responder {
    zones: SharedZones,
    policy: SharedPolicy,
    counts: Option<Arc<Counts>>,
    /// Those of every policy of this server.
    metrics: Option<Arc<Metrics>>,
    clock: Clock,
}

impl Responder {
    /// A responder for one worker or listener.
    pub fn new(zones: SharedZones, policy: SharedPolicy) -> Self {
        let first = policy.load();
        let (metrics, clock) = (first.metrics.clone(), first.clock.clone());
        drop(first);
        let counts = metrics.as_ref().map(|metrics| metrics.counts());
        Self { zones, policy, counts, metrics, clock }
    }

    /// Answers a batch of UDP requests: appends the responses to `replies` and, after each request in
    /// order, calls `each` with its index, the length of `replies` so far, and what is to be
    /// [completed](Responder::complete). Nothing is appended for a request without a response, or whose
    /// response waits. `rotation` is that of the first request, each further one has one more. Requests
    /// beyond the number of `buffers` take the ordinary path.
    pub fn reply_all(
        &self,
        requests: &[(&[u8], IpAddr)],
        rotation: usize,
        buffers: &mut NameBuffers,
        replies: &mut Vec<u8>,
        mut each: impl FnMut(usize, usize, Option<Box<Waiting>>),
    ) {
        let began = self.began();
        let (zones, policy) = (self.zones.load(), self.policy.load());
        let lookups = match policy.paths {
            Paths::FastFirst => {
                fast::look_up_all(&zones, requests.iter().map(|(request, _)| *request), buffers)
            }
            Paths::OrdinaryOnly => Vec::new(),
        };
        let lookups = lookups.into_iter().chain(std::iter::repeat_with(|| None));
        // The time for the common lookups is divided equally among the requests.
        let share = self.took(began).map(|took| took / requests.len().max(1) as u32);
        for (index, ((request, client), lookup)) in requests.iter().zip(lookups).enumerate() {
            let rotation = rotation.wrapping_add(index);
            let is_taken = lookup.is_some_and(|lookup| {
                self.reply_fast((&zones, &policy), lookup, (request, *client), (rotation, share), replies)
                    .is_some()
            });
            let waiting = match is_taken {
                true => None,
                false => self.reply_ordinarily(request, *client, rotation, replies),
            };
            each(index, replies.len(), waiting);
        }
    }

    fn reply_ordinarily(
        &self,
        request: &[u8],
        client: IpAddr,
        rotation: usize,
        replies: &mut Vec<u8>,
    ) -> Option<Box<Waiting>> {
        let asker = Asker { address: client, transport: Transport::Udp };
        match self.converse(request, asker, rotation)? {
            Reply::Message(response) => replies.extend_from_slice(&response.to_octets()),
            Reply::Pending(waiting) => return Some(waiting),
            // Never over UDP (RFC 5936, 4.2): `respond` refuses it.
            Reply::Transfer(_) => {}
        }
        None
    }

    /// `None`, with nothing appended, if the request needs the ordinary path.
    fn reply_fast(
        &self,
        (zones, policy): (&Zones, &Policy),
        lookup: Lookup<'_, '_>,
        (request, client): (&[u8], IpAddr),
        (rotation, share): (usize, Option<Duration>),
        replies: &mut Vec<u8>,
    ) -> Option<()> {
        let (start, began) = (replies.len(), self.began());
        // Reasons depend on the client, so negative answers with reasons take the ordinary path.
        let is_explained = zones.has_reasons() && policy.explain.allows(client);
        let terms = Terms {
            negatives: if is_explained { Negatives::Leave } else { Negatives::Answer },
            is_recursion_available: policy.recursion_for(client).is_some(),
        };
        let taken = lookup.reply(rotation, terms, replies)?;
        match self.verdict(policy, client, taken.kind) {
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

    /// The response to `request`, for transports that wait for a single message.
    pub async fn answer(&self, request: &[u8], asker: Asker, rotation: usize) -> Option<Response> {
        match self.converse(request, asker, rotation)? {
            Reply::Message(response) => Some(*response),
            Reply::Pending(waiting) => self.complete(*waiting).await,
            Reply::Transfer(_) => None,
        }
    }

    /// The immediate reply: a message, a transfer if the transport carries them, or a response that waits
    /// for upstreams.
    pub fn converse(&self, request: &[u8], asker: Asker, rotation: usize) -> Option<Reply<Waiting>> {
        let began = self.began();
        let (zones, policy) = (self.zones.load(), self.policy.load());
        let response = match reply(&zones, &policy, request, asker, rotation) {
            Some(Reply::Transfer(transfer)) => return Some(Reply::Transfer(transfer)),
            Some(Reply::Pending(pending)) => {
                return self.begin((&zones, &policy), *pending, self.took(began));
            }
            Some(Reply::Message(response)) => Some(*response),
            None => None,
        };
        let response = self.finish((&zones, &policy), asker, self.took(began), response);
        response.map(|response| Reply::Message(Box::new(response)))
    }

    /// The response if the forwarder knows the outcome already, else one that waits.
    fn begin(
        &self,
        current: (&Zones, &Policy),
        pending: Pending,
        took: Option<Duration>,
    ) -> Option<Reply<Waiting>> {
        let outcome = match pending.admit() {
            Admission::Waiting(slot) => return Some(Reply::Pending(Box::new(Waiting::new(pending, slot)))),
            Admission::Known(outcome) => outcome,
        };
        let asker = pending.asker();
        let response = self.finish(current, asker, took, Some(pending.complete(outcome)));
        response.map(|response| Reply::Message(Box::new(response)))
    }

    /// Asks upstreams; `None` if the response is dropped by the rate limit.
    pub async fn complete(&self, waiting: Waiting) -> Option<Response> {
        let (asker, response) = waiting.complete().await;
        self.finish((&self.zones.load(), &self.policy.load()), asker, None, Some(response))
    }

    fn began(&self) -> Option<Timestamp> {
        self.counts.as_ref().map(|_| self.clock.now())
    }

    fn took(&self, began: Option<Timestamp>) -> Option<Duration> {
        began.map(|began| crate::clock::until(began, self.clock.now()))
    }

    /// Adds reasons, applies limits, counts. `took` is our own processing time, if known.
    fn finish(
        &self,
        (zones, policy): (&Zones, &Policy),
        asker: Asker,
        took: Option<Duration>,
        response: Option<Response>,
    ) -> Option<Response> {
        let Some(mut response) = response else {
            self.drop(DropReason::Unanswerable);
            return None;
        };
        if is_negative(&response) && policy.explain.allows(asker.address) {
            self.explain(zones, &mut response);
        }
        if asker.transport == Transport::Udp && !self.admits(policy, &mut response, asker.address) {
            return None;
        }
        let asked = (record_type(&response), response.header.response_code);
        let is_positive = kind(&response) == Kind::Positive && response.header.authoritative;
        self.count(took, asker, asked, is_positive.then_some(&response.question));
        Some(response)
    }

    /// Counts a response; a sample of them also by client network and, if positive, by name.
    fn count(
        &self,
        took: Option<Duration>,
        asker: Asker,
        (record_type, rcode): (Option<RecordType>, ResponseCode),
        question: Option<&[u8]>,
    ) {
        trace!(client = %asker.address, transport = ?asker.transport, ?record_type, %rcode, "answered");
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

    /// Adds the reason of a negative answer, if there is one.
    fn explain(&self, zones: &Zones, response: &mut Response) {
        let (Some(record_type), Some(edns)) = (record_type(response), &mut response.edns) else { return };
        // The last name of a CNAME chain is the missing one.
        let last = response.answers.iter().rev().find_map(|record| match &record.data {
            RData::CNAME(target) => Some(target.0.clone()),
            _ => None,
        });
        let name = last.unwrap_or_else(|| asked(&response.question));
        let Some(reason) = zones.reason(&name, record_type) else { return };
        add_extended_error(edns, EDE_OTHER, &reason.text);
        if let Some(metrics) = &self.metrics {
            metrics.explained(reason.cause);
        }
    }

    /// Applies the rate limit; false if the response is dropped.
    fn admits(&self, policy: &Policy, response: &mut Response, client: IpAddr) -> bool {
        if response.is_to_known_client {
            return true;
        }
        match self.verdict(policy, client, kind(response)) {
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

    /// The verdict of the rate limiter; limited responses are counted.
    fn verdict(&self, policy: &Policy, client: IpAddr, kind: Kind) -> Verdict {
        let Some(limiter) = &policy.limiter else { return Verdict::Answer };
        let verdict = limiter.decide(client, kind, self.clock.now());
        if verdict == Verdict::Answer {
            return verdict;
        }
        if let Some(metrics) = &self.metrics {
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

/// QTYPE, from the question in the response.
fn record_type(response: &Response) -> Option<RecordType> {
    let wire = &response.question;
    let at = wire.len().checked_sub(TYPE_AND_CLASS_LENGTH)?;
    Some(u16::from_be_bytes([wire[at], wire[at + 1]]).into())
}

/// QNAME of a question.
fn asked(question: &[u8]) -> Name {
    WireName::from(&question[..question.len() - TYPE_AND_CLASS_LENGTH]).to_name()
}

/// Whether this is NXDOMAIN or NODATA of one of our zones.
fn is_negative(response: &Response) -> bool {
    let has_soa = response.authority.iter().any(|record| record.record_type() == RecordType::SOA);
    let is_negative = matches!(response.header.response_code, ResponseCode::NXDomain | ResponseCode::NoError);
    is_negative && has_soa && response.header.authoritative
}

fn kind(response: &Response) -> Kind {
    match response.header.response_code {
        ResponseCode::NXDomain => Kind::NameError,
        ResponseCode::NoError if is_negative(response) => Kind::NoData,
        // Forwarded answers are not authoritative, but they have records, unlike referrals.
        ResponseCode::NoError if response.header.authoritative || !response.answers.is_empty() => {
            Kind::Positive
        }
        ResponseCode::NoError => Kind::Referral,
        _ => Kind::Error,
    }
}

#[cfg(test)]
mod tests;
