//! The state of the authority: one file with credentials, in a folder of its own.
//!
//! Whoever can write the state decides whom the server lets in, and whoever can read it gets in. So
//! a folder or file that belongs to another user, or that other users can access, is not used but
//! reported. A file that cannot be read is reported too, not replaced: other machines may trust it.
//! That only one server at a time uses the folder is for the caller to see to.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::{fs, io};

use super::credentials::{CredentialError, Kept, Subject};
use super::private_file;
use crate::clock::Timestamp;

/// The name of the file.
const FILE: &str = "credentials.json";

/// Why the state cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// The file or its folder cannot be read or written.
    #[error("cannot keep credentials in {}: {source}", .path.display())]
    Io {
        /// Where.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// It belongs to another user, or other users can access it.
    #[error("{} {what}, so it cannot be trusted; remove it to have new credentials made", .path.display())]
    Exposed {
        /// The file or folder.
        path: PathBuf,
        /// What is wrong with it.
        what: &'static str,
    },
    /// The file holds no credentials.
    #[error("{} holds no credentials ({source}); remove it to have new ones made", .path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: serde_json::Error,
    },
    /// New credentials cannot be made.
    #[error(transparent)]
    Make(#[from] CredentialError),
}

/// The credentials that are kept in `folder`, and whether they are new: with a certificate for `client`
/// they are made where there are none, or where those there are expire soon. Nothing is written.
pub(crate) fn load_or_make(
    folder: &Path,
    client: &Subject<'_>,
    now: Timestamp,
) -> Result<(Kept, bool), StateError> {
    match load(&folder.join(FILE))?.filter(|kept| kept.is_valid(now)) {
        Some(kept) => Ok((kept, false)),
        None => Ok((Kept::make(client, now)?, true)),
    }
}

/// Keeps credentials in `folder`, which is made if it is missing.
pub(crate) fn keep(folder: &Path, kept: &Kept) -> Result<(), StateError> {
    let path = folder.join(FILE);
    let text = serde_json::to_string_pretty(kept)
        .map_err(|source| StateError::Malformed { path: path.clone(), source })?;
    private_file::write(&path, &text).map_err(|source| StateError::Io { path: path.clone(), source })?;
    // The folder may have existed before, and belong to another user.
    check_own(folder)
}

fn load(path: &Path) -> Result<Option<Kept>, StateError> {
    let folder = path.parent().unwrap_or(path);
    for one in [folder, path] {
        match fs::symlink_metadata(one) {
            Ok(_) => check_own(one)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(StateError::Io { path: one.to_owned(), source }),
        }
    }
    let text = fs::read_to_string(path).map_err(|source| StateError::Io { path: path.to_owned(), source })?;
    let kept = serde_json::from_str(&text)
        .map_err(|source| StateError::Malformed { path: path.to_owned(), source })?;
    Ok(Some(kept))
}

/// Fails if others than this user could write or read the file or folder.
pub(crate) fn check_own(path: &Path) -> Result<(), StateError> {
    let found =
        fs::symlink_metadata(path).map_err(|source| StateError::Io { path: path.to_owned(), source })?;
    let what = if found.file_type().is_symlink() {
        "is a symbolic link"
    } else if found.uid() != nix::unistd::geteuid().as_raw() {
        "belongs to another user"
    } else if found.mode() & 0o077 != 0 {
        "is open to other users"
    } else {
        return Ok(());
    };
    Err(StateError::Exposed { path: path.to_owned(), what })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;
    use std::time::Duration;

    const CLIENT: Subject<'_> = Subject { user: "admin", group: "masters" };

    fn load_and_keep(folder: &Path, now: Timestamp) -> Result<(Kept, bool), StateError> {
        let (kept, is_new) = load_or_make(folder, &CLIENT, now)?;
        keep(folder, &kept).map(|()| (kept, is_new))
    }

    #[test]
    fn credentials_are_made_once_and_again_only_when_they_run_out() {
        let folder = tempfile::tempdir().unwrap();
        let state = folder.path().join("a/credentials");
        let now: Timestamp = "2024-02-29T12:00:00Z".parse().unwrap();
        assert!(load_or_make(&state, &CLIENT, now).unwrap().1);
        assert!(!state.exists(), "nothing is written before it is to be kept");
        let (made, _) = load_and_keep(&state, now).unwrap();
        assert_eq!(load_or_make(&state, &CLIENT, now).unwrap(), (made.clone(), false));
        for (path, mode) in [(state.clone(), 0o700), (state.join(FILE), 0o600)] {
            assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, mode, "{path:?}");
        }
        let later = now + Duration::from_secs(10 * 365 * 24 * 3600);
        let (again, is_new) = load_or_make(&state, &CLIENT, later).unwrap();
        assert!(is_new && again != made);
    }

    #[test]
    fn credentials_that_others_could_have_written_or_read_are_not_used() {
        let folder = tempfile::tempdir().unwrap();
        let now: Timestamp = "2024-02-29T12:00:00Z".parse().unwrap();
        let state = folder.path().join("credentials");
        let told = || load_or_make(&state, &CLIENT, now).unwrap_err().to_string();
        fs::create_dir(&state).unwrap();
        fs::set_permissions(&state, fs::Permissions::from_mode(0o755)).unwrap();
        assert!(told().contains("is open to other users"), "{}", told());
        fs::set_permissions(&state, fs::Permissions::from_mode(0o700)).unwrap();
        load_and_keep(&state, now).unwrap();
        let file = state.join(FILE);
        fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
        assert!(told().contains("credentials.json is open to other users"), "{}", told());
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
        fs::write(&file, "{}").unwrap();
        assert!(told().contains("holds no credentials"), "{}", told());
        fs::remove_file(&file).unwrap();
        std::os::unix::fs::symlink("/dev/null", &file).unwrap();
        assert!(told().contains("is a symbolic link"), "{}", told());
    }
}
