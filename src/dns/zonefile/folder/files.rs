//! The files of a folder: lists and reads them, and bounds `$INCLUDE` to the folder.
//!
//! Every folder in which a file was read or looked for is noted, even if nothing was found there.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::path::{Component, Path, PathBuf};
use std::{fs, io};

use hickory_proto::rr::Name;

use crate::dns::zonefile::master::{Included, MasterError, PlacedZone, parse_zone_with};

const EXTENSION: &str = "zone";

/// A folder while it is read: only files in or below it can be included.
pub(super) struct Reach {
    dir: PathBuf,
    folders: RefCell<BTreeSet<PathBuf>>,
}

impl Reach {
    pub(super) fn new(dir: &Path) -> Self {
        Self { dir: dir.to_owned(), folders: RefCell::new(BTreeSet::from([dir.to_owned()])) }
    }

    /// The folders in which files were read or looked for.
    pub(super) fn into_folders(self) -> BTreeSet<PathBuf> {
        self.folders.into_inner()
    }

    /// The paths of `*.zone` files, in order.
    pub(super) fn zone_files(&self) -> io::Result<Vec<PathBuf>> {
        let mut paths = fs::read_dir(&self.dir)?
            .map(|entry| entry.map(|entry| entry.path()))
            .filter(|path| !path.as_ref().is_ok_and(|path| path.extension().is_none_or(|is| is != EXTENSION)))
            .collect::<io::Result<Vec<_>>>()?;
        paths.sort();
        Ok(paths)
    }

    /// The zone in a file.
    pub(super) fn zone(&self, path: &Path) -> Result<PlacedZone, MasterError> {
        // The link may change in this folder, its target in another.
        if path.is_symlink()
            && let Ok(target) = path.canonicalize()
        {
            self.note_folder_of(&target);
        }
        let octets = fs::read(path).map_err(|source| unreadable(path, source))?;
        let include = |included: &str| self.included(included);
        parse_zone_with(&path.display().to_string(), octets, origin_of(path), &include)
    }

    fn included(&self, included: &str) -> Result<Included, String> {
        let dir = self.dir.canonicalize().map_err(|error| error.to_string())?;
        let path = self.dir.join(included);
        let is_plain = |part: Component<'_>| matches!(part, Component::Normal(_) | Component::CurDir);
        if Path::new(included).components().all(is_plain) {
            self.note_folder_of(&path);
        }
        let target = path.canonicalize().map_err(|error| error.to_string())?;
        if !target.starts_with(&dir) {
            return Err(format!("it is outside of {}; move it there", dir.display()));
        }
        self.note_folder_of(&target);
        let octets = fs::read(&target).map_err(|error| error.to_string())?;
        Ok(Included { file: path.display().to_string(), octets })
    }

    fn note_folder_of(&self, path: &Path) {
        self.folders.borrow_mut().extend(path.parent().map(Path::to_owned));
    }
}

/// `example.test.` for `example.test.zone`; `None` if the file's name is no domain name.
fn origin_of(path: &Path) -> Option<Name> {
    let mut origin = Name::from_ascii(path.file_stem()?.to_str()?).ok()?;
    origin.set_fqdn(true);
    Some(origin)
}

pub(super) fn unreadable(path: &Path, source: io::Error) -> MasterError {
    MasterError::Unreadable { file: path.display().to_string(), source }
}
