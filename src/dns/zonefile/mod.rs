//! Zones from files: master files (RFC 1035 section 5) and folders of them.
//!
//! Text goes in, [`Zone`](super::zone::Zone)s or mistakes with file and line come out. Nothing here knows
//! of sockets; when to read a folder again is decided elsewhere.

mod folder;
pub mod master;

pub use folder::{FolderError, FolderMistake, Loaded, Unraised, ZoneFolder, load_folder};
