//! A response that waits for what an upstream says. Pure.

use hickory_proto::op::ResponseCode;
use hickory_proto::rr::{Name, RecordType};

use super::Slot;
use super::outcome::Outcome;
use crate::dns::message::response::Response;
use crate::dns::service::respond::{Asker, Transport, add_extended_error};

/// A response as far as our zones have it, and the question that is left.
#[derive(Debug)]
pub struct Pending {
    name: Name,
    record_type: RecordType,
    asker: Asker,
    /// Its answers are the aliases that lead out of our zones.
    response: Response,
    slot: Option<Slot>,
}

impl Pending {
    /// `response` holds the aliases that lead to `name`, which no zone of ours holds.
    pub(in crate::dns) fn new(
        name: Name,
        record_type: RecordType,
        asker: Asker,
        mut response: Response,
    ) -> Self {
        // Whether there are aliases or not: what our zones say of the end is not the last word.
        response.authority.clear();
        response.additional.clear();
        response.header.response_code = ResponseCode::NoError;
        response.header.authoritative &= !response.answers.is_empty();
        Self { name, record_type, asker, response, slot: None }
    }

    /// The name that upstreams are asked for.
    pub fn name(&self) -> &Name {
        &self.name
    }

    /// The type that upstreams are asked for.
    pub fn record_type(&self) -> RecordType {
        self.record_type
    }

    /// Who asks, and by what.
    pub fn asker(&self) -> Asker {
        self.asker
    }

    pub(super) fn keep(&mut self, slot: Slot) {
        self.slot = Some(slot);
    }

    /// The response, its place among those that wait given back.
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
        if self.asker.transport != Transport::Datagram {
            response.shorten(Response::length);
        }
        response
    }
}
