//! The outcome of a forwarded question, and the Extended DNS Error that reports a failure (RFC 8914).
//!
//! The text of the error says what happened last: a timeout, an error response, or no free slot.

use hickory_proto::op::ResponseCode;
use hickory_proto::rr::Record;
use hickory_resolver::net::{DnsError, NetError};

use crate::dns::message::protocol::{
    EDE_CACHED_ERROR, EDE_NETWORK_ERROR, EDE_NO_REACHABLE_AUTHORITY, EDE_OTHER,
};

/// The outcome of a forwarded question.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// An upstream answered, positively or negatively.
    Found {
        /// NOERROR or NXDOMAIN.
        rcode: ResponseCode,
        /// The answer section, including CNAMEs.
        answers: Vec<Record>,
        /// The SOA record of a negative answer.
        authority: Vec<Record>,
    },
    /// No answer.
    Failed(Failure),
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The upstreams did not respond or could not be reached.
    Unreachable(String),
    /// An upstream sent an error or a malformed response.
    Refused(String),
    /// The same question failed a moment ago.
    Remembered,
    /// Too many questions are waiting for upstreams.
    Crowded,
}

impl Failure {
    pub(super) fn of(error: &NetError) -> Self {
        match error {
            NetError::Timeout => Self::Unreachable("no upstream answered in time".to_owned()),
            NetError::NoConnections | NetError::Io(_) | NetError::Busy => {
                Self::Unreachable(format!("no upstream could be reached: {error}"))
            }
            NetError::Dns(DnsError::ResponseCode(rcode)) => {
                Self::Refused(format!("the last upstream answered {}", rcode.to_str()))
            }
            error => Self::Refused(format!("the last upstream answered wrongly: {error}")),
        }
    }

    /// Info code and text of the Extended DNS Error.
    pub(in crate::dns::service) fn extended_error(&self) -> (u16, &str) {
        match self {
            Self::Unreachable(text) => (EDE_NO_REACHABLE_AUTHORITY, text),
            Self::Refused(text) => (EDE_NETWORK_ERROR, text),
            Self::Remembered => (EDE_CACHED_ERROR, "no upstream answered a moment ago"),
            Self::Crowded => (EDE_OTHER, "too many questions are waiting for upstreams; ask again"),
        }
    }
}
