//! Zones: names, RRsets, the snapshot, rendering services into records, master files.
//!
//! ```text
//!   Zones ── by apex ──► Zone ── by name ──► Node ── by type ──► RrSet
//!   (persistent map)     (persistent table)  (one allocation)    (packed RDATA)
//! ```
//!
//! A snapshot is a value: whoever holds one sees one consistent version for as long as it likes.
//! Nothing here knows of the store, of sockets or of time.

mod catalog;
mod folder;
mod journal;
mod ledger;
mod lookup;
pub mod master;
pub(crate) mod name;
mod node;
mod options;
mod pod_names;
mod ready;
mod reasons;
mod records;
pub(crate) mod render;
mod rrset;
mod soa;
mod stamps;
mod table;
mod tree;
mod zones;

pub use catalog::Catalog;
pub use folder::{FolderError, FolderMistake, Loaded, Unraised, ZoneFolder, load_folder};
pub(crate) use journal::Delta;
pub use ledger::{Amendment, Contribution, Entry, Ledger, Rank, Source};
pub(crate) use lookup::Found;
pub use name::{LABEL_OCTETS_MAX, NAME_OCTETS_MAX, NameTooLong, WireName};
pub use node::Node;
pub use options::{PodNames, ZoneOptions};
pub use pod_names::PodNameRule;
pub(crate) use pod_names::{label as address_label, parse as spelled_address};
pub(crate) use ready::{Dependency, Ready, ReadyMade};
pub use reasons::{REASON_OCTETS_MAX, Reason, Reasons};
pub use records::ZoneError;
pub use render::reverse::zones_of as reverse_zones_of;
pub use render::{NameServer, Rendered, Scheme, Touched, endpoint_label};
pub use rrset::{RrSet, RrSets, RrSetsRef};
pub(crate) use rrset::{SOA_FIXED_LENGTH, SRV_FIXED_LENGTH};
pub(crate) use table::Cursor;
pub use tree::Zone;
pub use zones::Zones;
