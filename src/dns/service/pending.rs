//! A response that needs an upstream's answer: the aliases that lead out of our zones, and the rest.
//!
//! ```text
//!   respond ──► Pending ─┬─ admitted ──► Waiting ──► upstreams ──► Outcome ──► Response
//!                        └─ known at once, or no slot free ──────► Outcome ──► Response
//! ```
//!
//! What upstreams say is put behind our aliases; a failure is SERVFAIL with an Extended DNS Error.

use std::sync::Arc;

use hickory_proto::op::ResponseCode;
use hickory_proto::rr::{Name, RecordType};

use super::asker::{Asker, Transport};
use super::forward::{Admission, Forwarder, Outcome, Slot};
use crate::dns::message::edns::add_extended_error;
use crate::dns::message::response::Response;

/// A response as far as our zones have it, and the question that is left.
#[derive(Debug)]
pub struct Pending {
    forwarder: Arc<Forwarder>,
    name: Name,
    record_type: RecordType,
    asker: Asker,
    /// Its answers are the aliases that lead out of our zones.
    response: Response,
}

impl Pending {
    /// `response` holds the aliases that lead to `name`, which no zone of ours holds.
    pub(super) fn new(
        forwarder: Arc<Forwarder>,
        (name, record_type): (Name, RecordType),
        asker: Asker,
        mut response: Response,
    ) -> Self {
        // Whether there are aliases or not: what our zones say of the end is not the last word.
        response.authority.clear();
        response.additional.clear();
        response.header.response_code = ResponseCode::NoError;
        response.header.authoritative &= !response.answers.is_empty();
        Self { forwarder, name, record_type, asker, response }
    }

    /// The name that upstreams are asked for.
    pub fn name(&self) -> &Name {
        &self.name
    }

    pub(super) fn asker(&self) -> Asker {
        self.asker
    }

    /// What the forwarder can say at once, or a slot to wait in.
    pub(super) fn admit(&self) -> Admission {
        self.forwarder.admit(&self.name, self.record_type, self.asker.address)
    }

    /// The response.
    ///
    /// AA is that of the first owner of the answer section (RFC 1035, 4.1.1): ours if it begins with
    /// an alias of ours.
    pub fn complete(self, outcome: Outcome) -> Response {
        let mut response = self.response;
        match outcome {
            Outcome::Found { rcode, answers, authority } => {
                response.header.response_code = rcode;
                response.answers.extend(answers);
                response.authority = authority;
            }
            Outcome::Failed(failure) => {
                response.header.response_code = ResponseCode::ServFail;
                response.header.authoritative = false;
                response.answers.clear();
                if let Some(edns) = &mut response.edns {
                    let (code, text) = failure.extended_error();
                    add_extended_error(edns, code, text);
                }
            }
        }
        if self.asker.transport != Transport::Udp {
            response.shorten(Response::length);
        }
        response
    }
}

/// A response that waits for upstreams, in its slot.
#[derive(Debug)]
pub struct Waiting {
    pending: Pending,
    _slot: Slot,
}

impl Waiting {
    pub(super) fn new(pending: Pending, slot: Slot) -> Self {
        Self { pending, _slot: slot }
    }

    /// The response once upstreams have answered, or have not; its slot is given back.
    pub(super) async fn complete(self) -> (Asker, Response) {
        let Pending { forwarder, name, record_type, asker, .. } = &self.pending;
        let (outcome, asker) = (forwarder.ask(name, *record_type).await, *asker);
        (asker, self.pending.complete(outcome))
    }
}

#[cfg(test)]
mod tests;
