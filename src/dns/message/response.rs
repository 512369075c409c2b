//! A response before it is octets: what the transports are given.
//!
//! The sections hold the whole answer. How much of it one message can carry is for `fit` to say:
//! `Response::to_octets` for datagrams, `Response::shorten` for streams.

use hickory_proto::op::{Edns, Metadata};
use hickory_proto::rr::Record;

use super::tsig::Seal;

/// A response to one request.
#[derive(Clone, Debug)]
pub struct Response {
    /// Id, flags, opcode and rcode. TC is set only when the response is encoded.
    pub header: Metadata,
    /// The question as it was sent, or nothing.
    pub question: Vec<u8>,
    /// The answer section.
    pub answers: Vec<Record>,
    /// The authority section.
    pub authority: Vec<Record>,
    /// The additional section, without OPT.
    pub additional: Vec<Record>,
    /// Our OPT record, if the request had one.
    pub edns: Option<Edns>,
    /// The TSIG record that signs the message, if the request had one.
    pub seal: Option<Seal>,
    /// How many octets the message may have.
    pub length_max: usize,
    /// Whether the client has shown by a cookie that it is where it says (RFC 7873): then the response
    /// floods nobody.
    pub is_to_known_client: bool,
    /// Whether the message is padded, so that its length tells little of what is in it.
    pub is_padded: bool,
}
