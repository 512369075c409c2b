//! Why a name has no records, for Extended DNS Errors (RFC 8914) of negative answers.
//!
//! Zones know records, not what the records were made from. The part that renders them attaches its
//! knowledge to the snapshot behind this trait.

use hickory_proto::rr::{Name, RecordType};

/// Knows why names have no records.
pub trait Reasons: std::fmt::Debug + Send + Sync {
    /// Why `name` has no records of this type; `None` if nothing is known of it.
    fn reason(&self, name: &Name, record_type: RecordType) -> Option<Reason>;
}

/// Why a name has no records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason {
    /// The cause in one or a few words of a closed set, for counting.
    pub cause: &'static str,
    /// The sentence, at most [`REASON_OCTETS_MAX`] octets long.
    pub text: String,
}

/// The longest text of a reason, in octets.
pub const REASON_OCTETS_MAX: usize = 200;
