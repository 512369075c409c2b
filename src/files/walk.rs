//! The manifests in a folder and, if wanted, in the folders below it.
//!
//! What is hidden (its name begins with a dot) is left out: there are version control's folders, the
//! files that editors lock with, and the folders that a mounted ConfigMap keeps its versions in. A
//! folder is read once, whatever links lead to it, so loops of links end.

use std::collections::HashSet;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// The file name extensions of manifests in a folder, as for `kubectl -f FOLDER`.
const ENDINGS: [&str; 3] = ["yaml", "yml", "json"];
/// The most files that are read of one folder and those below it.
pub(super) const FILES_MAX: usize = 10_000;
/// The most folders that are read below one, and watched.
pub(super) const FOLDERS_MAX: usize = 2_000;

/// What a walk has found.
#[derive(Default)]
pub(super) struct Found {
    /// The manifests, in the order of their names.
    pub(super) files: Vec<PathBuf>,
    /// The folders, the first one included.
    pub(super) folders: Vec<PathBuf>,
    /// Folders that could not be read, and why.
    pub(super) unreadable: Vec<(PathBuf, io::Error)>,
    /// Device and inode of each folder.
    seen: HashSet<(u64, u64)>,
}

/// Looks for manifests in a folder. Fails if there is too much.
pub(super) fn walk(folder: &Path, is_recursive: bool) -> io::Result<Found> {
    let mut found = Found::default();
    let mut left = vec![folder.to_owned()];
    while let Some(folder) = left.pop() {
        match entries(&folder, &mut found) {
            Ok(below) if is_recursive => left.extend(below.into_iter().rev()),
            Ok(_) => {}
            Err(error) => found.unreadable.push((folder, error)),
        }
        check(found.files.len(), FILES_MAX, "manifests")?;
        check(found.folders.len() + left.len(), FOLDERS_MAX, "folders")?;
    }
    Ok(found)
}

fn check(n: usize, max: usize, what: &str) -> io::Result<()> {
    if n <= max {
        return Ok(());
    }
    let text = format!("there are more than {max} {what} in it, the most that are read; name what is meant");
    Err(io::Error::other(text))
}

/// Adds the manifests of one folder, and gives the folders in it.
fn entries(folder: &Path, found: &mut Found) -> io::Result<Vec<PathBuf>> {
    let metadata = std::fs::metadata(folder)?;
    if !found.seen.insert((metadata.dev(), metadata.ino())) {
        return Ok(Vec::new());
    }
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        if !entry.file_name().as_encoded_bytes().starts_with(b".") {
            paths.push(entry.path());
        }
    }
    paths.sort();
    found.folders.push(folder.to_owned());
    let (folders, files): (Vec<_>, Vec<_>) = paths.into_iter().partition(|path| path.is_dir());
    found.files.extend(files.into_iter().filter(|path| is_manifest(path)));
    Ok(folders)
}

fn is_manifest(path: &Path) -> bool {
    let ending = path.extension().and_then(|ending| ending.to_str());
    ending.is_some_and(|ending| ENDINGS.contains(&ending)) && path.is_file()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(folder: &Path, is_recursive: bool) -> Vec<String> {
        let found = walk(folder, is_recursive).unwrap();
        let short = |path: &PathBuf| path.strip_prefix(folder).unwrap().display().to_string();
        found.files.iter().map(short).collect()
    }

    #[test]
    fn folders_below_are_read_and_what_is_hidden_is_not() {
        let folder = tempfile::tempdir().unwrap();
        for path in ["z", "a/deep.yaml", ".git", "b/.hidden"] {
            std::fs::create_dir_all(folder.path().join(path)).unwrap();
        }
        for file in [
            "m.yaml",
            ".n.yaml",
            "notes.txt",
            "a/deep.yaml/x.json",
            "z/y.yml",
            ".git/g.yaml",
            "b/.hidden/h.yaml",
        ] {
            std::fs::write(folder.path().join(file), "").unwrap();
        }
        assert_eq!(found(folder.path(), true), ["m.yaml", "a/deep.yaml/x.json", "z/y.yml"]);
        assert_eq!(found(folder.path(), false), ["m.yaml"]);
        assert_eq!(found(&folder.path().join(".git"), true), ["g.yaml"], "what is named is read");
    }

    #[test]
    fn links_are_followed_and_loops_of_them_end() {
        let folder = tempfile::tempdir().unwrap();
        let elsewhere = tempfile::tempdir().unwrap();
        std::fs::write(elsewhere.path().join("e.yaml"), "").unwrap();
        std::fs::create_dir(folder.path().join("below")).unwrap();
        let link = |to: &Path, name: &str| std::os::unix::fs::symlink(to, folder.path().join(name)).unwrap();
        link(folder.path(), "below/up");
        link(elsewhere.path(), "there");
        link(elsewhere.path(), "there-again");
        link(Path::new("itself.yaml"), "itself.yaml");
        assert_eq!(found(folder.path(), true), ["there/e.yaml"]);
    }

    #[test]
    fn a_folder_with_too_much_in_it_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        for n in 0..=FOLDERS_MAX {
            std::fs::create_dir(folder.path().join(n.to_string())).unwrap();
        }
        let error = walk(folder.path(), true).err().unwrap().to_string();
        assert!(error.starts_with("there are more than 2000 folders in it"), "{error}");
        assert!(walk(folder.path(), false).is_ok());
    }
}
