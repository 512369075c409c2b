//! Zones: names, RRsets, the snapshot, rendering services into records, master files.

mod folder;
pub mod master;
mod options;

use hickory_proto::rr::{Name, Record};

pub use folder::{Loaded, load_folder};
pub use options::{PodNames, ZoneOptions};

/// All zones that are served, at one version. Cheap to clone; a change shares what it keeps.
#[derive(Clone, Debug, Default)]
pub struct Zones {}

/// One zone at one version.
#[derive(Clone, Debug)]
pub struct Zone {}

/// Why records do not make a zone.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ZoneError {
    /// There must be exactly one SOA, at the apex.
    #[error("zone {0} has no SOA record at its apex")]
    NoSoa(Name),
}

impl Zone {
    /// A zone with these records, SOA included.
    pub fn from_records(_apex: Name, _records: impl IntoIterator<Item = Record>) -> Result<Zone, ZoneError> {
        Ok(Zone {})
    }
}
