//! Zones: RRsets, the tree, the snapshot, versions and the journal.
//!
//! ```text
//!   Zones ── by apex ──► Zone ── by name ──► Node ── by type ──► RrSet
//!   (persistent map)     (persistent table)  (one allocation)    (packed RDATA)
//! ```
//!
//! A snapshot is a value: whoever holds one sees one consistent version for as long as it likes.
//! Nothing here knows of the store, of sockets or of time.

mod journal;
mod lookup;
mod node;
pub(crate) mod pod_names;
mod ready;
mod reasons;
mod records;
pub(crate) mod rrset;
mod soa;
mod stamps;
pub(crate) mod table;
mod tree;
mod zones;

pub(crate) use journal::Delta;

pub(crate) use lookup::Found;

pub use node::Node;

pub use pod_names::PodNameRule;
pub(crate) use pod_names::{label as address_label, parse as spelled_address};
pub(crate) use ready::{Dependency, Ready, ReadyMade};
pub use reasons::{REASON_OCTETS_MAX, Reason, Reasons};
pub use records::ZoneError;

pub use rrset::{RrSet, RrSets, RrSetsRef};
pub(crate) use rrset::{SOA_FIXED_LENGTH, SRV_FIXED_LENGTH};
pub(crate) use table::Cursor;
pub use tree::Zone;
pub use zones::{SharedZones, Zones};
