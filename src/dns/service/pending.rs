//! A response that needs an upstream's answer: our CNAMEs, and the question that is left.
//!
//! ```text
//!   respond ──► Pending ─┬─ admitted ──► Waiting ──► upstreams ──► Outcome ──► Response
//!                        └─ known at once, or no slot free ──────► Outcome ──► Response
//! ```
//!
//! The records from upstreams are appended to our CNAMEs; a failure is SERVFAIL with an Extended DNS Error.

use std::sync::Arc;

use hickory_proto::op::ResponseCode;
use hickory_proto::rr::{Name, RecordType};

use super::asker::{Asker, Transport};
use super::forward::{Admission, Forwarder, Outcome, Slot};
use crate::dns::message::edns::add_extended_error;
use crate::dns::message::response::Response;

/// The part of a response that our zones give, and the question for upstreams.
#[derive(Debug)]
pub struct Pending {
    forwarder: Arc<Forwarder>,
    name: Name,
    record_type: RecordType,
    asker: Asker,
    /// Its answer section holds the CNAMEs that lead out of our zones.
    response: Response,
}

impl Pending {
    /// `response` holds the CNAMEs that lead to `name`, which none of our zones holds.
    pub(super) fn new(
        forwarder: Arc<Forwarder>,
        (name, record_type): (Name, RecordType),
        asker: Asker,
        mut response: Response,
    ) -> Self {
        // The rest of the response is what a server without recursion would send.
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

    /// The outcome if it is known already, else a slot to wait in.
    pub(super) fn admit(&self) -> Admission {
        self.forwarder.admit(&self.name, self.record_type, self.asker.address)
    }

    /// The response with this outcome.
    ///
    /// AA is about the first owner name in the answer section (RFC 1035, 4.1.1), so it is set if the
    /// answer starts with a CNAME of ours.
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

/// A response that waits for upstreams, with its slot.
#[derive(Debug)]
pub struct Waiting {
    pending: Pending,
    _slot: Slot,
}

impl Waiting {
    pub(super) fn new(pending: Pending, slot: Slot) -> Self {
        Self { pending, _slot: slot }
    }

    /// Asks upstreams and returns the response; releases the slot.
    pub(super) async fn complete(self) -> (Asker, Response) {
        let Pending { forwarder, name, record_type, asker, .. } = &self.pending;
        let (outcome, asker) = (forwarder.ask(name, *record_type).await, *asker);
        (asker, self.pending.complete(outcome))
    }
}

#[cfg(test)]
mod tests;
