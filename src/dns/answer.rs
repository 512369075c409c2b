//! The one place that decides what a question is answered with. Pure.

use hickory_proto::op::ResponseCode;
use hickory_proto::rr::{Name, Record, RecordType};

use super::zone::Zones;

/// A question of class IN.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Query {
    /// The name, its case as asked.
    pub name: Name,
    /// The type.
    pub record_type: RecordType,
}

/// What a question is answered with, before it is encoded and perhaps truncated.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// The response code.
    pub rcode: ResponseCode,
    /// The AA bit.
    pub is_authoritative: bool,
    /// The answer section.
    pub answers: Vec<Record>,
    /// The authority section.
    pub authority: Vec<Record>,
    /// The additional section, without OPT. What of it does not fit is left out without TC.
    pub additional: Vec<Record>,
    /// An Extended DNS Error (RFC 8914): info code and text.
    pub extended_error: Option<(u16, String)>,
}

/// Answers `query` from `zones`.
pub fn answer(_zones: &Zones, _query: &Query) -> Answer {
    Answer {
        rcode: ResponseCode::Refused,
        is_authoritative: false,
        answers: Vec::new(),
        authority: Vec::new(),
        additional: Vec::new(),
        extended_error: None,
    }
}
