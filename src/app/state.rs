//! The state folder of a server while it runs: taken before anything is bound, described once
//! everything runs.
//!
//! ```text
//!   take ──► lock held ──► (everything that can fail) ──► describe ──► ... ──► release
//!     └────► held by another: refused with its process id, nothing is touched
//! ```
//!
//! The lock is the kernel's (flock), so one that was killed holds nothing up. A folder that cannot be
//! written is replaced by a temporary one, with a warning, unless it was named by `--state-dir`; if not
//! even that can be written, the server runs without state.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::net::SocketAddr;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;

use super::servers::{self, Description};
use crate::clock::{Clock, Timestamp};
use crate::config::{StateRoots, StateSettings, state_roots};
use crate::pki::{private_file, state::check_own};

/// How often a lock is tried for: whoever lists servers holds it for a moment.
const ATTEMPTS_MAX: usize = 10;
/// The pause between attempts.
const PAUSE: Duration = Duration::from_millis(20);
/// The folder of the credentials, in that of the state.
const CREDENTIALS: &str = "credentials";

/// Why a server cannot have its state.
#[derive(Debug, thiserror::Error)]
pub enum StateFolderError {
    /// Another one has it.
    #[error(
        "a server named \"{name}\" runs already ({}); give this one a name and addresses of its own \
         (--name other --dns-listen 127.0.0.1:1054 --api-listen 127.0.0.1:7444), or stop that one first{}",
        .pid.map_or("it is starting".to_owned(), |pid| format!("pid {pid}")),
        .pid.map_or(String::new(), |pid| format!(": kill {pid}"))
    )]
    Taken {
        /// The name.
        name: String,
        /// The process of the other.
        pid: Option<u32>,
    },
    /// The folder that was named cannot be used.
    #[error("cannot keep state in {} (--state-dir): {source}", .path.display())]
    Unusable {
        /// The folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The folder cannot be written any more.
    #[error("cannot write {}: {source}", .path.display())]
    Describe {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// The state folder, which is this server's until this is dropped.
#[derive(Debug)]
pub(super) struct State {
    name: String,
    /// `None` if there is no place for it.
    folder: Option<PathBuf>,
    /// Locked; `None` where files cannot be locked.
    _lock: Option<File>,
}

/// What came of the attempt to lock a folder.
enum Attempt {
    Locked(Option<File>),
    Busy,
}

impl State {
    /// Takes the folder that the settings ask for.
    pub(super) async fn take(settings: &StateSettings, clock: &Clock) -> Result<Self, StateFolderError> {
        Self::take_in(settings, &state_roots(), clock).await
    }

    async fn take_in(
        settings: &StateSettings,
        roots: &StateRoots,
        clock: &Clock,
    ) -> Result<Self, StateFolderError> {
        let name = settings.name.as_str();
        if let Some(folder) = &settings.state_dir {
            let taken = take_folder(name, folder, clock).await?;
            return taken.map_err(|source| StateFolderError::Unusable { path: folder.clone(), source });
        }
        let because = match &roots.lasting {
            None => "neither XDG_STATE_HOME nor HOME is set".to_owned(),
            Some(root) => match take_folder(name, &root.join(name), clock).await? {
                Ok(state) => return Ok(state),
                Err(error) => format!("cannot keep state in {}: {error}", root.join(name).display()),
            },
        };
        let folder = roots.temporary.join(name);
        let own = private_file::make_folder(&roots.temporary)
            .and_then(|()| check_own(&roots.temporary).map_err(io::Error::other));
        let taken = match own {
            Ok(()) => take_folder(name, &folder, clock).await?,
            Err(error) => Err(error),
        };
        match taken {
            Ok(state) => {
                tracing::warn!(
                    "{because}; it is kept in {}, until that is cleared; set XDG_STATE_HOME, or name a directory with --state-dir",
                    folder.display()
                );
                Ok(state)
            }
            Err(error) => {
                tracing::warn!(
                    "{because}, nor in {} ({error}); nothing is kept over a restart, and `dullahan list` does not \
                     show this server; name a directory with --state-dir",
                    folder.display()
                );
                Ok(Self { name: name.to_owned(), folder: None, _lock: None })
            }
        }
    }

    /// The folder.
    pub(super) fn folder(&self) -> Option<&Path> {
        self.folder.as_deref()
    }

    /// The folder for the credentials in it.
    pub(super) fn credentials(&self) -> Option<PathBuf> {
        Some(self.folder()?.join(CREDENTIALS))
    }

    /// The file for the kubeconfig in it.
    pub(super) fn kubeconfig(&self) -> Option<PathBuf> {
        Some(self.folder()?.join(servers::KUBECONFIG))
    }

    /// Says what runs here, for `dullahan list`.
    pub(super) fn describe(
        &self,
        kind: &str,
        since: Timestamp,
        dns: Vec<SocketAddr>,
        api: Option<SocketAddr>,
        kubeconfig: Option<PathBuf>,
    ) -> Result<(), StateFolderError> {
        let Some(folder) = &self.folder else { return Ok(()) };
        let (name, pid) = (self.name.clone(), std::process::id());
        let described = Description { name, kind: kind.to_owned(), pid, since, dns, api, kubeconfig };
        let path = folder.join(servers::DESCRIPTION);
        let text = serde_json::to_string_pretty(&described).expect("its types serialize to JSON");
        private_file::write(&path, &text).map_err(|source| StateFolderError::Describe { path, source })
    }

    /// Gives the folder back: nothing runs here any more.
    pub(super) fn release(self) {
        if let Some(folder) = &self.folder {
            // If it stays, the free lock still says that it is out of date.
            let _ = fs::remove_file(folder.join(servers::DESCRIPTION));
        }
    }
}

/// The outer error is that another server has the folder, the inner one that it cannot be used.
async fn take_folder(
    name: &str,
    folder: &Path,
    clock: &Clock,
) -> Result<io::Result<State>, StateFolderError> {
    for attempt in 1.. {
        match lock(folder) {
            Err(error) => return Ok(Err(error)),
            Ok(Attempt::Locked(lock)) => {
                return Ok(Ok(State { name: name.to_owned(), folder: Some(folder.to_owned()), _lock: lock }));
            }
            Ok(Attempt::Busy) if attempt < ATTEMPTS_MAX => clock.sleep(PAUSE).await,
            Ok(Attempt::Busy) => break,
        }
    }
    Err(StateFolderError::Taken { name: name.to_owned(), pid: servers::holder(folder) })
}

fn lock(folder: &Path) -> io::Result<Attempt> {
    private_file::make_folder(folder)?;
    let path = folder.join(servers::LOCK);
    let mut lock = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(&path)?;
    match flock(&lock, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => {}
        Err(Errno::WOULDBLOCK) => return Ok(Attempt::Busy),
        // As on some network filesystems.
        Err(Errno::NOLCK | Errno::OPNOTSUPP | Errno::NOSYS) => {
            tracing::warn!(
                "{} cannot be locked; see to it that no other server has this name",
                path.display()
            );
            return Ok(Attempt::Locked(None));
        }
        Err(error) => return Err(error.into()),
    }
    tracing::info!(folder = %folder.display(), "the state folder is taken");
    lock.set_len(0)?;
    writeln!(lock, "{}", std::process::id())?;
    Ok(Attempt::Locked(Some(lock)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::servers::servers;

    fn roots(folder: &Path) -> StateRoots {
        StateRoots { lasting: Some(folder.join("lasting")), temporary: folder.join("temporary") }
    }

    fn named(name: &str) -> StateSettings {
        StateSettings { name: name.parse().unwrap(), state_dir: None }
    }

    async fn take(settings: &StateSettings, roots: &StateRoots) -> Result<State, StateFolderError> {
        State::take_in(settings, roots, &Clock::system()).await
    }

    #[tokio::test]
    async fn of_two_servers_with_one_name_the_second_is_refused_and_told_the_process() {
        let folder = tempfile::tempdir().unwrap();
        let roots = roots(folder.path());
        let first = take(&named("a"), &roots).await.unwrap();
        let dns: Vec<SocketAddr> = vec!["127.0.0.1:1053".parse().unwrap()];
        first.describe("dns", Timestamp::UNIX_EPOCH, dns.clone(), None, None).unwrap();
        let told = take(&named("a"), &roots).await.unwrap_err().to_string();
        assert!(
            told.contains(&format!("pid {}", std::process::id())) && told.contains("--name other"),
            "{told}"
        );
        let other = take(&named("b"), &roots).await.unwrap();
        let running = |server: &servers::KnownServer| (server.name.clone(), server.is_running);
        let known = servers(&roots);
        assert_eq!(known.iter().map(running).collect::<Vec<_>>(), [("a".into(), true), ("b".into(), true)]);
        assert_eq!(known[0].description.as_ref().unwrap().dns, dns);
        assert_eq!(known[1].description, None, "it is starting");
        drop(other);
        first.release();
        assert!(take(&named("a"), &roots).await.is_ok());
        assert!(servers(&roots).iter().all(|server| !server.is_running));
    }

    #[tokio::test]
    async fn where_nothing_can_be_written_a_temporary_folder_or_none_takes_its_place() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("file"), "").unwrap();
        let mut roots = roots(folder.path());
        for lasting in [None, Some(folder.path().join("file"))] {
            roots.lasting = lasting;
            let state = take(&named("a"), &roots).await.unwrap();
            assert_eq!(state.folder(), Some(&*folder.path().join("temporary/a")));
            assert!(take(&named("a"), &roots).await.is_err(), "names collide there too");
        }
        roots.temporary = folder.path().join("file/temporary");
        assert_eq!(take(&named("a"), &roots).await.unwrap().folder(), None);
    }

    #[tokio::test]
    async fn a_folder_that_was_named_is_used_or_refused() {
        let folder = tempfile::tempdir().unwrap();
        let roots = roots(folder.path());
        let at = |path: &str| StateSettings { state_dir: Some(folder.path().join(path)), ..named("a") };
        fs::write(folder.path().join("file"), "").unwrap();
        let told = take(&at("file"), &roots).await.unwrap_err().to_string();
        assert!(told.contains("file (--state-dir)"), "{told}");
        assert!(take(&at("here"), &roots).await.is_ok());
    }
}
