//! A response before encoding, as the transports get it.
//!
//! The sections hold the complete answer. `fit` decides how much of it fits into one message:
//! `Response::to_octets` truncates, `Response::shorten` cuts down responses over TCP and the like.

use hickory_proto::op::{Edns, Metadata};
use hickory_proto::rr::Record;

use super::tsig::ResponseTsig;

/// A response to one request.
#[derive(Clone, Debug)]
pub struct Response {
    /// ID, flags, opcode and rcode. TC is set by the encoder.
    pub header: Metadata,
    /// The question as sent, or empty.
    pub question: Vec<u8>,
    /// The answer section.
    pub answers: Vec<Record>,
    /// The authority section.
    pub authority: Vec<Record>,
    /// The additional section, without OPT.
    pub additional: Vec<Record>,
    /// Our OPT record, if the request had one.
    pub edns: Option<Edns>,
    /// The TSIG record, if the request had one.
    pub tsig: Option<ResponseTsig>,
    /// Maximum length of the message, in octets.
    pub length_max: usize,
    /// Whether a valid server cookie proves the client's address (RFC 7873): then the response cannot be
    /// reflected to a victim, and is not rate limited.
    pub is_to_known_client: bool,
    /// Whether the message is padded (RFC 7830), so that its length reveals little.
    pub is_padded: bool,
}
