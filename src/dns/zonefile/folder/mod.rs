//! A folder of master files: every `*.zone` is a zone. It can be read again at any time.
//!
//! The origin of a file is its name, so that `example.test.zone` needs no `$ORIGIN`. A broken file is
//! reported and does not affect the others; the zone that it gave last stays. If two files have the same
//! apex, the first by file name counts and the other is reported. `$INCLUDE` reaches only files in or
//! below the folder, after symbolic links are resolved. Nothing here waits for changes;
//! [`Loaded::folders`] says which folders to watch.

mod files;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;
use std::path::{Path, PathBuf};

use hickory_proto::rr::Name;

use self::files::Reach;
use super::master::{MasterError, Place, PlacedZone};
use crate::dns::message::name::WireName;
use crate::dns::message::serial::is_newer;
use crate::dns::zone::{Node, Zone};

/// A folder, and the zones of its files when they were last read.
#[derive(Debug)]
pub struct ZoneFolder {
    dir: PathBuf,
    given: BTreeMap<PathBuf, PlacedZone>,
}

/// The result of reading a folder.
#[derive(Debug, Default)]
pub struct Loaded {
    /// The zones, in the order of their files' names.
    pub zones: Vec<Zone>,
    /// Whether they differ from those of the last reading.
    pub has_changed: bool,
    /// What is wrong with files.
    pub mistakes: Vec<FolderMistake>,
    /// Zones whose records have changed under an old serial, so that secondaries will not notice.
    pub unraised: Vec<Unraised>,
    /// The folders in which files were read or looked for.
    pub folders: BTreeSet<PathBuf>,
}

/// What is wrong with a file or the folder, and which zones stay served.
#[derive(Debug)]
pub struct FolderMistake {
    /// What is wrong.
    pub error: FolderError,
    /// The apexes of zones that stay as they were.
    pub kept: Vec<Name>,
}

/// Why a file gives no zone.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// It is no master file of a zone, or cannot be read.
    #[error(transparent)]
    File(#[from] MasterError),
    /// Another file gives a zone of the same apex.
    #[error(
        "{at}: the zone {apex} is already given by {first}, which counts as the first by file name; \
         remove one of the two files, or change $ORIGIN if another zone is meant"
    )]
    SameApex {
        /// Where the SOA record stands.
        at: Place,
        /// The apex.
        apex: String,
        /// Where the SOA record of the other file stands.
        first: Place,
    },
}

/// A zone that has changed under a serial that is not greater (RFC 1982) than the one before.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{at}: the zone {apex} has changed, but its serial is {serial} and was {before}; raise it above \
     {before}, or secondaries keep the zone that they have"
)]
pub struct Unraised {
    /// Where the SOA record stands.
    pub at: Place,
    /// The apex.
    pub apex: Name,
    /// The serial now.
    pub serial: u32,
    /// The serial before.
    pub before: u32,
}

/// Reads every `*.zone` in `dir`, once.
pub fn load_folder(dir: &Path) -> Loaded {
    ZoneFolder::new(dir).read()
}

impl ZoneFolder {
    /// Nothing is read yet.
    pub fn new(dir: &Path) -> Self {
        Self { dir: dir.to_owned(), given: BTreeMap::new() }
    }

    /// Reads every `*.zone` of the folder as it is now.
    pub fn read(&mut self) -> Loaded {
        let reach = Reach::new(&self.dir);
        let mut loaded = match reach.zone_files() {
            Ok(paths) => self.read_files(&paths, &reach),
            Err(source) => {
                let error = files::unreadable(&self.dir, source).into();
                let kept = self.given.values().map(|given| given.zone.apex().clone()).collect();
                Loaded { mistakes: vec![FolderMistake { error, kept }], ..Loaded::default() }
            }
        };
        loaded.zones = self.given.values().map(|given| given.zone.clone()).collect();
        loaded.folders = reach.into_folders();
        loaded
    }

    fn read_files(&mut self, paths: &[PathBuf], reach: &Reach) -> Loaded {
        let mut loaded = Loaded::default();
        let before = std::mem::take(&mut self.given);
        let served: HashMap<&WireName, &Zone> =
            before.values().map(|given| (given.zone.key(), &given.zone)).collect();
        let mut taken: HashMap<WireName, Place> = HashMap::new();
        for path in paths {
            let read = reach.zone(path).map_err(FolderError::from);
            let given = match read.and_then(|given| first_of_apex(given, &taken)) {
                Ok(mut given) => {
                    let known = served.get(given.zone.key()).copied();
                    loaded.has_changed |= renew(&mut given, known, &mut loaded.unraised);
                    Some(given)
                }
                Err(error) => {
                    let is_free = |given: &&PlacedZone| !taken.contains_key(given.zone.key());
                    let given = before.get(path).filter(is_free).cloned();
                    let kept = given.iter().map(|given| given.zone.apex().clone()).collect();
                    loaded.mistakes.push(FolderMistake { error, kept });
                    given
                }
            };
            if let Some(given) = given {
                taken.insert(given.zone.key().clone(), given.soa_at.clone());
                self.given.insert(path.clone(), given);
            }
        }
        loaded.has_changed |= served.keys().any(|apex| !taken.contains_key(*apex));
        loaded
    }
}

fn first_of_apex(given: PlacedZone, taken: &HashMap<WireName, Place>) -> Result<PlacedZone, FolderError> {
    match taken.get(given.zone.key()) {
        None => Ok(given),
        Some(first) => Err(FolderError::SameApex {
            at: given.soa_at,
            apex: given.zone.apex().to_string(),
            first: first.clone(),
        }),
    }
}

/// Compares a zone with the last one of its apex, and keeps the last one if they are equal, so that
/// memory is shared. Returns whether the zone is new or different.
fn renew(given: &mut PlacedZone, before: Option<&Zone>, unraised: &mut Vec<Unraised>) -> bool {
    let Some(before) = before else { return true };
    if is_newer(given.zone.serial(), before.serial()) {
        return true;
    }
    if is_same(&given.zone, before) {
        given.zone = before.clone();
        return false;
    }
    unraised.push(Unraised {
        at: given.soa_at.clone(),
        apex: given.zone.apex().clone(),
        serial: given.zone.serial(),
        before: before.serial(),
    });
    true
}

/// Whether two zones of one apex have the same records, the case of names included.
fn is_same(one: &Zone, other: &Zone) -> bool {
    let is_there =
        |name: &[u8], node: &Node| other.node(name).is_some_and(|same| same.rrsets() == node.rrsets());
    one.n_names() == other.n_names()
        && one.cased == other.cased
        && one.nodes().all(|node| is_there(node.name(), node))
}

impl fmt::Display for FolderMistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(f)?;
        match self.kept.as_slice() {
            [] => Ok(()),
            [apex] => write!(f, "; until then the zone {apex} stays as it was"),
            kept => write!(f, "; until then its {} zones stay as they were", kept.len()),
        }
    }
}

#[cfg(test)]
mod tests;
