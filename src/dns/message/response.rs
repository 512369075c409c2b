//! A response before it is octets: what the transports are given.
//!
//! The sections hold everything that the answer is; how much of it one message can carry is
//! decided by [`Response::to_octets`] for datagrams and by [`Response::shorten`] for streams.

use hickory_proto::op::{Edns, Metadata, ResponseCode};
use hickory_proto::rr::Record;
use hickory_proto::rr::rdata::opt::EdnsOption;

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

/// Responses are padded to a multiple of this (RFC 8467, 4.1).
pub const PADDING_BLOCK: usize = 468;
const PADDING: u16 = 12;
/// Code and length of an option.
const OPTION_HEAD_LENGTH: usize = 4;

impl Response {
    /// The response padded, if it is to be: `length` is what it has without padding. As much as there
    /// is room for, where a whole block is too much.
    pub(crate) fn padded(&self, length: impl Fn(&Response) -> usize) -> Option<Response> {
        if !self.is_padded || self.edns.is_none() {
            return None;
        }
        let mut padded = Response { is_padded: false, ..self.clone() };
        let n_octets = length(&padded).checked_add(OPTION_HEAD_LENGTH)?;
        let whole = n_octets.next_multiple_of(PADDING_BLOCK).min(self.length_max);
        let padding = vec![0; whole.checked_sub(n_octets)?];
        padded.edns.as_mut()?.options_mut().insert(EdnsOption::Unknown(PADDING, padding));
        Some(padded)
    }

    /// Leaves out records until `length` of what remains is at most `length_max`: first the
    /// additional section, then answers from the end.
    ///
    /// An RRset that no stream message can hold is thus answered in part, without TC: there is no
    /// larger transport that a client could turn to, and a headless service of thousands of
    /// endpoints is of more use with most of them than with none. As the RRset is rotated, every
    /// endpoint is seen in turn. If not even one record has room it is a failure, for an answer without
    /// records would say that there are none.
    pub(crate) fn shorten(&mut self, length: impl Fn(&Response) -> usize) {
        if self.length_uncompressed() <= self.length_max || length(self) <= self.length_max {
            return;
        }
        self.additional.clear();
        loop {
            let (n, octets) = (self.answers.len(), length(self));
            if octets <= self.length_max || n == 0 {
                return;
            }
            let n_left = (n * self.length_max / octets).min(n - 1);
            if n_left == 0 {
                self.header.response_code = ResponseCode::ServFail;
            }
            self.answers.truncate(n_left);
        }
    }
}
