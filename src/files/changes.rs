//! Changes of files and folders, as the kernel reports them, gathered into one wake-up.
//!
//! Editors save by renaming, so the folder of a file is watched, not the file. Many events in a row
//! are one change; the reader finds out what has changed by reading again.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use notify::{EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use tokio::sync::mpsc;

use crate::clock::Clock;

/// A subscription to changes of some files and folders.
pub struct Changes {
    reports: mpsc::Receiver<()>,
    wake: mpsc::Sender<()>,
    clock: Clock,
    watcher: RecommendedWatcher,
    folders: BTreeSet<PathBuf>,
}

/// Why files cannot be watched.
#[derive(Debug, thiserror::Error)]
#[error("cannot watch {}: {source}", .path.display())]
pub struct FollowError {
    /// The file or folder.
    pub path: PathBuf,
    /// What the system says.
    pub source: notify::Error,
}

/// How long files must stay unchanged before they are read.
const QUIET: Duration = Duration::from_millis(50);
/// The longest a change waits when files never stay quiet.
const ROUNDS_MAX: usize = 20;

impl Changes {
    /// Watches `paths`; a file need not exist, but its folder must.
    pub fn of(paths: &[PathBuf], clock: Clock) -> Result<Self, FollowError> {
        let (wake, reports) = mpsc::channel(1);
        let sender = wake.clone();
        let handler = move |event: notify::Result<notify::Event>| {
            let is_read = matches!(&event, Ok(event) if matches!(event.kind, EventKind::Access(_)));
            if !is_read {
                // A full channel means that a wake-up is already on its way.
                let _ = sender.try_send(());
            }
        };
        let watcher = notify::recommended_watcher(handler)
            .map_err(|source| FollowError { path: "files".into(), source })?;
        let mut changes = Self { reports, wake, clock, watcher, folders: BTreeSet::new() };
        changes.watch(paths.iter().map(|path| folder_of(path)).collect())?;
        Ok(changes)
    }

    /// Watches `folders` from now on instead of those before, whose changes may still be reported. In
    /// place of a folder that does not exist, its nearest existing ancestor is watched. A folder that
    /// was not watched before counts as changed, since it may have changed after it was read.
    pub fn follow<'p>(&mut self, folders: impl IntoIterator<Item = &'p PathBuf>) -> Result<(), FollowError> {
        let folders: BTreeSet<PathBuf> =
            folders.into_iter().map(|folder| nearest_folder(folder).to_owned()).collect();
        if !folders.is_subset(&self.folders) {
            let _ = self.wake.try_send(());
        }
        self.watch(folders)
    }

    fn watch(&mut self, folders: BTreeSet<PathBuf>) -> Result<(), FollowError> {
        for folder in &folders {
            self.watcher
                .watch(folder, RecursiveMode::NonRecursive)
                .map_err(|source| FollowError { path: folder.clone(), source })?;
        }
        // The other folders stay watched: two paths may lead to the same one, which either would unwatch.
        self.folders = folders;
        Ok(())
    }

    /// Waits for the next change and until it seems complete. Cancel safe.
    pub async fn next(&mut self) {
        if self.reports.recv().await.is_none() {
            std::future::pending::<()>().await;
        }
        for _ in 0..ROUNDS_MAX {
            self.clock.sleep(QUIET).await;
            if self.reports.try_recv().is_err() {
                break;
            }
        }
        for folder in &self.folders {
            // A folder that replaces another of the same name has to be watched anew; the reader finds
            // out if it is gone.
            let _ = self.watcher.watch(folder, RecursiveMode::NonRecursive);
        }
    }
}

fn folder_of(path: &Path) -> PathBuf {
    if path.is_dir() {
        return path.to_owned();
    }
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
        _ => PathBuf::from("."),
    }
}

fn nearest_folder(path: &Path) -> &Path {
    let above = path.ancestors().find(|path| path.is_dir());
    above.filter(|path| !path.as_os_str().is_empty()).unwrap_or(Path::new("."))
}
