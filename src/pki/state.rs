//! The state of the authority: one file with credentials, in a folder beside a file of the caller.
//!
//! Whoever can write the state decides whom the server lets in, and whoever can read it gets in. So
//! a folder or file that belongs to another user, or that other users can access, is not used but
//! reported. A file that cannot be read is reported too, not replaced: other machines may trust it.

use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::{fs, io};

use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;

use super::credentials::{CredentialError, Kept, Subject};
use super::private_file;
use crate::clock::Timestamp;

/// The name of the file.
const FILE: &str = "credentials.json";
/// Whoever holds the lock on this file makes the credentials.
const LOCK_FILE: &str = "lock";

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

/// The credentials whose state is beside `file`. New ones, with a certificate for `client`, are made
/// where there are none, or where those there are expire soon.
pub(crate) fn load_or_make(file: &Path, client: &Subject<'_>, now: Timestamp) -> Result<Kept, StateError> {
    let path = folder_beside(file).join(FILE);
    let valid = || Ok::<_, StateError>(load(&path)?.filter(|kept| kept.is_valid(now)));
    if let Some(kept) = valid()? {
        return Ok(kept);
    }
    // Of several servers that start for the first time, one makes them and the others wait for it.
    let _lock = lock(path.parent().unwrap_or(&path))?;
    if let Some(kept) = valid()? {
        return Ok(kept);
    }
    let kept = Kept::make(client, now)?;
    let text = serde_json::to_string_pretty(&kept)
        .map_err(|source| StateError::Malformed { path: path.clone(), source })?;
    private_file::write(&path, &text).map_err(|source| StateError::Io { path: path.clone(), source })?;
    // The folder may have existed before, and belong to another user.
    check_own(path.parent().unwrap_or(&path))?;
    Ok(kept)
}

/// Creates the folder if it is missing, and takes the lock in it until the result is dropped. Where
/// files cannot be locked, as on some network filesystems, the first to write wins.
fn lock(folder: &Path) -> Result<fs::File, StateError> {
    let path = folder.join(LOCK_FILE);
    let io = |source: io::Error| StateError::Io { path: path.clone(), source };
    private_file::make_folder(folder).map_err(io)?;
    let lock = fs::OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(&path);
    let lock = lock.map_err(io)?;
    match flock(&lock, FlockOperation::LockExclusive) {
        Ok(()) | Err(Errno::NOLCK | Errno::OPNOTSUPP | Errno::NOSYS) => Ok(lock),
        Err(error) => Err(io(error.into())),
    }
}

/// The folder `NAME.state` beside the file `NAME`.
pub(super) fn folder_beside(file: &Path) -> PathBuf {
    let mut name = file.file_name().unwrap_or_default().to_owned();
    name.push(".state");
    file.with_file_name(name)
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

fn check_own(path: &Path) -> Result<(), StateError> {
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

    #[test]
    fn credentials_are_made_once_and_again_only_when_they_run_out() {
        let folder = tempfile::tempdir().unwrap();
        let kubeconfig = folder.path().join("a/kubeconfig");
        let now: Timestamp = "2024-02-29T12:00:00Z".parse().unwrap();
        let made = load_or_make(&kubeconfig, &CLIENT, now).unwrap();
        assert_eq!(load_or_make(&kubeconfig, &CLIENT, now).unwrap(), made);
        let state = folder.path().join("a/kubeconfig.state");
        for (path, mode) in [(state.clone(), 0o700), (state.join(FILE), 0o600)] {
            assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, mode, "{path:?}");
        }
        let later = now + Duration::from_secs(10 * 365 * 24 * 3600);
        assert_ne!(load_or_make(&kubeconfig, &CLIENT, later).unwrap(), made);
    }

    #[test]
    fn servers_that_start_for_the_first_time_at_once_have_the_same_credentials() {
        let folder = tempfile::tempdir().unwrap();
        let kubeconfig = folder.path().join("kubeconfig");
        let now: Timestamp = "2024-02-29T12:00:00Z".parse().unwrap();
        let start = std::sync::Barrier::new(8);
        let made: Vec<Kept> = std::thread::scope(|scope| {
            let server = || {
                start.wait();
                load_or_make(&kubeconfig, &CLIENT, now).unwrap()
            };
            let servers: Vec<_> = (0..8).map(|_| scope.spawn(server)).collect();
            servers.into_iter().map(|server| server.join().unwrap()).collect()
        });
        assert!(made.iter().all(|kept| *kept == made[0]));
        assert_eq!(load_or_make(&kubeconfig, &CLIENT, now).unwrap(), made[0]);
    }

    #[test]
    fn credentials_that_others_could_have_written_or_read_are_not_used() {
        let folder = tempfile::tempdir().unwrap();
        let kubeconfig = folder.path().join("kubeconfig");
        let now: Timestamp = "2024-02-29T12:00:00Z".parse().unwrap();
        let state = folder.path().join("kubeconfig.state");
        let told = || load_or_make(&kubeconfig, &CLIENT, now).unwrap_err().to_string();
        fs::create_dir(&state).unwrap();
        fs::set_permissions(&state, fs::Permissions::from_mode(0o755)).unwrap();
        assert!(told().contains("is open to other users"), "{}", told());
        fs::set_permissions(&state, fs::Permissions::from_mode(0o700)).unwrap();
        load_or_make(&kubeconfig, &CLIENT, now).unwrap();
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
