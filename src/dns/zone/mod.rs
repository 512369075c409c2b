//! Zones: RRsets, the tree, the snapshot, versions and the journal.
//!
//! ```text
//!   Zones ── by apex ──► Zone ── by name ──► Node ── by type ──► RrSet
//!   (persistent map)     (persistent table)  (one allocation)    (packed RDATA)
//! ```
//!
//! A snapshot is a value: its holder sees one consistent version for as long as it keeps it.
//! Nothing here knows what records were made from, of sockets or of time.

mod address_names;
mod journal;
mod lookup;
mod node;
mod ready;
mod reasons;
mod records;
mod rrset;
mod soa;
mod stamps;
mod table;
mod tree;
mod version;
mod zones;

pub use address_names::AddressNameRule;
pub(crate) use address_names::{address_label, spelled_address};
pub(crate) use journal::Delta;
pub(crate) use lookup::Found;
pub use node::Node;
pub(crate) use ready::{Dependency, Ready, ReadyMade};
pub use reasons::{REASON_OCTETS_MAX, Reason, Reasons};
pub use records::ZoneError;
pub use rrset::{RrSet, RrSets, RrSetsRef};
pub(crate) use rrset::{SOA_FIXED_LENGTH, SRV_FIXED_LENGTH, decode as decode_rdata};
pub(crate) use table::{Cursor, Named, Table};
pub use tree::Zone;
pub use zones::{SharedZones, Zones};
