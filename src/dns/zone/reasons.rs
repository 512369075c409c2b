//! Why a name has no records: what a snapshot can be asked beside its zones.
//!
//! Zones know records and nothing of what they were made of; whoever renders them does, and hangs
//! its knowledge onto the snapshot behind this trait. It is asked for negative answers alone.

use hickory_proto::rr::{Name, RecordType};

/// What knows why a name has no records.
pub trait Reasons: std::fmt::Debug + Send + Sync {
    /// Why `name` has no records of this type; `None` if nothing is known of it.
    fn reason(&self, name: &Name, record_type: RecordType) -> Option<Reason>;
}

/// Why a name has no records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason {
    /// The cause in one or a few words of a closed set, for counting.
    pub cause: &'static str,
    /// The sentence, at most [`REASON_OCTETS_MAX`] long.
    pub text: String,
}

/// The longest text of a reason, in octets.
pub const REASON_OCTETS_MAX: usize = 200;
