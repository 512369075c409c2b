//! A folder of master files: every `*.zone` is a zone.
//!
//! Relative names are completed with the file's name until the file says otherwise, so that
//! `example.test.zone` needs no `$ORIGIN`. A broken file is reported and does not stop the others.
//! `$INCLUDE` reaches files of the folder and below it, symbolic links resolved, and nothing else.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use hickory_proto::rr::Name;

use super::Zone;
use super::master::{MasterError, parse_zone_with};

const EXTENSION: &str = "zone";

/// What a folder holds.
#[derive(Debug, Default)]
pub struct Loaded {
    /// The zones, in the order of their files' names.
    pub zones: Vec<Zone>,
    /// What is wrong with the other files.
    pub mistakes: Vec<MasterError>,
}

/// Reads every `*.zone` in `dir`.
pub fn load_folder(dir: &Path) -> Loaded {
    let mut loaded = Loaded::default();
    let paths = match zone_files(dir) {
        Ok(paths) => paths,
        Err(source) => {
            loaded.mistakes.push(unreadable(dir, source));
            return loaded;
        }
    };
    for path in paths {
        match load_file(&path, dir) {
            Ok(zone) => loaded.zones.push(zone),
            Err(mistake) => loaded.mistakes.push(mistake),
        }
    }
    loaded
}

fn zone_files(dir: &Path) -> io::Result<Vec<PathBuf>> {
    let mut paths = fs::read_dir(dir)?
        .map(|entry| entry.map(|entry| entry.path()))
        .filter(|path| !path.as_ref().is_ok_and(|path| path.extension().is_none_or(|is| is != EXTENSION)))
        .collect::<io::Result<Vec<_>>>()?;
    paths.sort();
    Ok(paths)
}

fn load_file(path: &Path, dir: &Path) -> Result<Zone, MasterError> {
    let text = fs::read_to_string(path).map_err(|source| unreadable(path, source))?;
    let include = |included: &str| read_included(dir, included);
    parse_zone_with(&path.display().to_string(), &text, origin_of(path), &include)
}

/// `example.test.` for `example.test.zone`, and nothing for a name that is no domain name.
fn origin_of(path: &Path) -> Option<Name> {
    let mut origin = Name::from_ascii(path.file_stem()?.to_str()?).ok()?;
    origin.set_fqdn(true);
    Some(origin)
}

fn read_included(dir: &Path, included: &str) -> Result<String, String> {
    let dir = dir.canonicalize().map_err(|error| error.to_string())?;
    let path = dir.join(included).canonicalize().map_err(|error| error.to_string())?;
    if !path.starts_with(&dir) {
        return Err(format!("it is outside of {}; move it there", dir.display()));
    }
    fs::read_to_string(&path).map_err(|error| error.to_string())
}

fn unreadable(path: &Path, source: io::Error) -> MasterError {
    MasterError::Unreadable { file: path.display().to_string(), source }
}

#[cfg(test)]
mod tests;
