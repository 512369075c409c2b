//! Changes of files and folders, as the kernel reports them, gathered into one wake-up.
//!
//! Editors save by renaming, so the folder of a file is watched, not the file. Many reports in a
//! row are one change; what has changed is for the reader to find out by reading again.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use notify::{EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use tokio::sync::mpsc;

use crate::clock::Clock;

/// A subscription to changes of some files and folders.
pub struct Changes {
    reports: mpsc::Receiver<()>,
    clock: Clock,
    _watcher: RecommendedWatcher,
}

/// Why files cannot be followed.
#[derive(Debug, thiserror::Error)]
#[error("cannot follow changes of {}: {source}", .path.display())]
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
    /// Follows `paths`; a file need not exist, its folder must.
    pub fn of(paths: &[PathBuf], clock: Clock) -> Result<Self, FollowError> {
        let (sender, reports) = mpsc::channel(1);
        let handler = move |event: notify::Result<notify::Event>| {
            let is_read = matches!(&event, Ok(event) if matches!(event.kind, EventKind::Access(_)));
            if !is_read {
                // A full channel means that a wake-up is already on its way.
                let _ = sender.try_send(());
            }
        };
        let failed = |path: &Path, source| FollowError { path: path.to_owned(), source };
        let mut watcher =
            notify::recommended_watcher(handler).map_err(|source| failed(Path::new("files"), source))?;
        let folders: BTreeSet<PathBuf> = paths.iter().map(|path| folder_of(path)).collect();
        for folder in &folders {
            watcher.watch(folder, RecursiveMode::NonRecursive).map_err(|source| failed(folder, source))?;
        }
        Ok(Self { reports, clock, _watcher: watcher })
    }

    /// Waits for the next change and until it seems complete. Cancel safe.
    pub async fn next(&mut self) {
        if self.reports.recv().await.is_none() {
            std::future::pending::<()>().await;
        }
        for _ in 0..ROUNDS_MAX {
            self.clock.sleep(QUIET).await;
            if self.reports.try_recv().is_err() {
                return;
            }
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
