//! The servers of this user: what the folders of their names say, and who holds their locks.
//!
//! A server runs as long as its lock is held; the kernel lets go of it however the process ends. What
//! [`DESCRIPTION`] says is therefore true of a running server only.

use std::fs::{self, File};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;
use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::config::StateRoots;

/// Locked by the server of the folder, and holds its process id.
pub(super) const LOCK: &str = "lock";
/// Says what the server of the folder is.
pub(super) const DESCRIPTION: &str = "server.json";
/// The kubeconfig, unless another place is named for it.
pub(super) const KUBECONFIG: &str = "kubeconfig";

/// What a server says of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Description {
    /// Its name.
    pub name: String,
    /// The subcommand that runs it: `serve` or `dns`.
    pub kind: String,
    /// Its process.
    pub pid: u32,
    /// When it had started.
    pub since: Timestamp,
    /// Where it answers DNS over UDP and TCP.
    pub dns: Vec<SocketAddr>,
    /// Where it serves the API.
    pub api: Option<SocketAddr>,
    /// Its kubeconfig.
    pub kubeconfig: Option<PathBuf>,
}

/// A server, running or not.
#[derive(Clone, Debug)]
pub struct KnownServer {
    /// Its name, which is that of its folder.
    pub name: String,
    /// Its folder.
    pub folder: PathBuf,
    /// Whether its lock is held.
    pub is_running: bool,
    /// What it says, or the last one of that name said; `None` while the first is starting.
    pub description: Option<Description>,
}

/// All servers that have state in `roots`, by name.
pub fn servers(roots: &StateRoots) -> Vec<KnownServer> {
    let roots = roots.lasting.iter().chain([&roots.temporary]);
    let entries = roots.filter_map(|root| fs::read_dir(root).ok()).flatten().flatten();
    let mut known: Vec<KnownServer> = entries.filter_map(|entry| server(entry.path())).collect();
    known.sort_by(|a, b| a.name.cmp(&b.name).then_with(|| a.folder.cmp(&b.folder)));
    known
}

/// The server of a folder that has ever had one.
fn server(folder: PathBuf) -> Option<KnownServer> {
    let name = folder.file_name()?.to_str()?.to_owned();
    let lock = File::open(folder.join(LOCK)).ok()?;
    let is_running = is_held(&lock);
    let holder = holder(&folder);
    let described = description(&folder).filter(|described| !is_running || Some(described.pid) == holder);
    Some(KnownServer { name, is_running, description: described, folder })
}

/// Whether somebody has locked the file. To ask takes the lock for a moment; who starts tries again.
fn is_held(lock: &File) -> bool {
    matches!(flock(lock, FlockOperation::NonBlockingLockShared), Err(Errno::WOULDBLOCK))
}

/// The process that has last locked the folder.
pub(super) fn holder(folder: &Path) -> Option<u32> {
    fs::read_to_string(folder.join(LOCK)).ok()?.trim().parse().ok()
}

/// What the last server of the folder has said of itself.
pub(super) fn description(folder: &Path) -> Option<Description> {
    serde_json::from_str(&fs::read_to_string(folder.join(DESCRIPTION)).ok()?).ok()
}

/// The kubeconfig of the server `name`, running or not.
pub fn kubeconfig_of(name: &str, roots: &StateRoots) -> Option<PathBuf> {
    let mut of_name: Vec<KnownServer> =
        servers(roots).into_iter().filter(|server| server.name == name).collect();
    of_name.sort_by_key(|server| !server.is_running);
    let server = of_name.into_iter().next()?;
    let written = server.description.and_then(|description| description.kubeconfig);
    Some(written.unwrap_or_else(|| server.folder.join(KUBECONFIG)))
}
