//! Serials of rendered zones: one counter, which does not fall when the server restarts.
//!
//! ```text
//!   file: no serial beyond this one was used       ▼ kept
//!   ──────────────┬────────────────────────────────┬──────────► serials, around the circle of RFC 1982
//!                 ▲ last used                      └ after a restart it continues here
//! ```
//!
//! Serials are reserved [`STEP`] at a time: the file holds the last serial that may have been used, and
//! is on disk before the first serial of a step is. A thread of its own writes the next reservation half
//! a step ahead, so a change costs an addition. The publisher awaits [`Serials::reserved`], so that a slow
//! disk blocks no thread that runs tasks. A server that was killed continues after its last reservation.
//! Servers that share the file each reserve beyond what any of them has.
//!
//! Without a file, serials begin at the clock's seconds, and fall at a restart if more than one version
//! per second was published. A counter with a file begins at the clock too if that is later, so that
//! losing the file does little harm.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, mpsc};

use rustix::fs::{FlockOperation, flock};
use tokio::sync::Notify;
use tracing::warn;

use crate::clock::Timestamp;
use crate::dns::message::serial::is_newer;

/// How many serials are reserved at a time: what a restart skips at most.
const STEP: u32 = 1024;
/// How many serials one round of publishing takes at most: one for the cluster's zones, one for the
/// catalog, and some to spare.
const ROUND: u32 = 8;
const FILE: &str = "dns-serial";
/// A reservation is written here and then renamed over the one before.
const FILE_NEW: &str = "dns-serial.new";
/// Locked by the server that reserves.
const FILE_LOCK: &str = "dns-serial.lock";

/// Why serials cannot be kept in a folder.
#[derive(Debug, thiserror::Error)]
pub enum SerialsError {
    /// The file cannot be read or written.
    #[error("{}: {source}", path.display())]
    Inaccessible {
        /// The file, or its folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file holds something else.
    #[error("{}: it does not hold a serial; remove it to begin anew", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
    },
}

/// The counter. There is one for all zones of a server.
#[derive(Debug)]
pub struct Serials {
    shared: Arc<Shared>,
    /// Asks the thread for a reservation; `None` without a file.
    reserve: Option<mpsc::SyncSender<()>>,
}

#[derive(Debug)]
struct Shared {
    counter: Mutex<Counter>,
    has_reserved: Notify,
}

/// Which serials may be used. Pure.
#[derive(Debug, PartialEq, Eq)]
struct Counter {
    last: u32,
    /// The last one that is reserved; `None` without a file.
    kept: Option<u32>,
    is_reserving: bool,
}

impl Serials {
    /// A counter without a file, which begins at the clock's seconds.
    pub fn from_clock(now: Timestamp) -> Self {
        let counter = Counter { last: before(of_clock(now)), kept: None, is_reserving: false };
        Self { shared: Arc::new(Shared::new(counter)), reserve: None }
    }

    /// A counter that continues after the reservation in `folder`, which is created if it is missing.
    pub fn kept_in(folder: &Path, now: Timestamp) -> Result<Self, SerialsError> {
        fs::create_dir_all(folder).map_err(inaccessible(folder))?;
        let kept = Kept { folder: folder.to_owned() };
        let (last, limit) = kept.reserve(|stored| match stored {
            Some(stored) if !is_newer(of_clock(now), stored) => stored,
            _ => before(of_clock(now)),
        })?;
        let counter = Counter { last, kept: Some(limit), is_reserving: false };
        let shared = Arc::new(Shared::new(counter));
        let (reserve, wanted) = mpsc::sync_channel(1);
        let keeper = Keeper { kept, shared: shared.clone() };
        std::thread::Builder::new()
            .name("serials".to_owned())
            .spawn(move || keeper.run(&wanted))
            .map_err(inaccessible(folder))?;
        Ok(Self { shared, reserve: Some(reserve) })
    }

    /// Waits until enough serials for one round of publishing are reserved on disk.
    pub async fn reserved(&self) {
        loop {
            // Created before the counter is read, so that no reservation in between is missed.
            let has_reserved = self.shared.has_reserved.notified();
            if self.shared.lock().n_left() >= ROUND {
                return;
            }
            has_reserved.await;
        }
    }

    /// The serial of the next version. Never waits: a caller that does not await [`Serials::reserved`]
    /// between rounds may use serials that a restart uses again.
    pub fn advance(&self) -> u32 {
        let mut counter = self.shared.lock();
        counter.last = after(counter.last);
        if let Some(reserve) = self.reserve.as_ref().filter(|_| counter.wants_more()) {
            counter.is_reserving = true;
            // The thread ends only with the last sender.
            let _ = reserve.try_send(());
        }
        counter.last
    }
}

const NO_PANIC: &str = "no panic happens while a serial is given";

impl Shared {
    fn new(counter: Counter) -> Self {
        Self { counter: Mutex::new(counter), has_reserved: Notify::new() }
    }

    fn lock(&self) -> MutexGuard<'_, Counter> {
        self.counter.lock().expect(NO_PANIC)
    }
}

impl Counter {
    /// How many serials are reserved and not used yet.
    fn n_left(&self) -> u32 {
        match self.kept {
            Some(kept) if is_newer(kept, self.last) => kept.wrapping_sub(self.last),
            Some(_) => 0,
            None => u32::MAX,
        }
    }

    /// Whether less than half of a step is left.
    fn wants_more(&self) -> bool {
        self.n_left() < STEP / 2 && !self.is_reserving
    }
}

/// Writes one reservation each time it is asked to.
struct Keeper {
    kept: Kept,
    shared: Arc<Shared>,
}

impl Keeper {
    fn run(self, wanted: &mpsc::Receiver<()>) {
        let mut is_failing = false;
        for () in wanted {
            let last = self.shared.lock().last;
            let reserved = self.kept.reserve(|stored| match stored {
                Some(stored) if is_newer(stored, last) => stored,
                _ => last,
            });
            let mut counter = self.shared.lock();
            counter.kept = match &reserved {
                // Another server may have reserved between the two, for zones of its own.
                Ok((_, limit)) => Some(*limit),
                // Publishing must not stop because a disk is full.
                Err(_) => Some(last.wrapping_add(STEP)),
            };
            counter.is_reserving = false;
            drop(counter);
            self.shared.has_reserved.notify_waiters();
            if let Err(error) = &reserved
                && !is_failing
            {
                warn!("serials of zones may fall when the server is started again: {error}");
            }
            is_failing = reserved.is_err();
        }
    }
}

/// The file.
struct Kept {
    folder: PathBuf,
}

impl Kept {
    /// Reserves the serials after what `begin` makes of the stored limit; returns the one before the
    /// first of them, and the last one.
    fn reserve(&self, begin: impl FnOnce(Option<u32>) -> u32) -> Result<(u32, u32), SerialsError> {
        let path = self.folder.join(FILE_LOCK);
        let lock = File::create(&path).map_err(inaccessible(&path))?;
        // Released when the file is closed.
        flock(&lock, FlockOperation::LockExclusive).map_err(|error| inaccessible(&path)(error.into()))?;
        let before = begin(self.read()?);
        let limit = before.wrapping_add(STEP);
        self.write(limit)?;
        Ok((before, limit))
    }

    fn read(&self) -> Result<Option<u32>, SerialsError> {
        let path = self.folder.join(FILE);
        match fs::read_to_string(&path) {
            Ok(text) => text.trim().parse().map(Some).map_err(|_| SerialsError::Unreadable { path }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(inaccessible(&path)(error)),
        }
    }

    /// The reservation is completely on disk when this returns.
    fn write(&self, limit: u32) -> Result<(), SerialsError> {
        let (path, new) = (self.folder.join(FILE), self.folder.join(FILE_NEW));
        let mut file = File::create(&new).map_err(inaccessible(&new))?;
        let written = writeln!(file, "{limit}").and_then(|()| file.sync_all());
        written.map_err(inaccessible(&new))?;
        fs::rename(&new, &path).map_err(inaccessible(&path))?;
        File::open(&self.folder).and_then(|folder| folder.sync_all()).map_err(inaccessible(&self.folder))
    }
}

fn inaccessible(path: &Path) -> impl FnOnce(io::Error) -> SerialsError {
    let path = path.to_owned();
    move |source| SerialsError::Inaccessible { path, source }
}

/// Serials wrap around (RFC 1982), so the low 32 bits of the seconds are right.
fn of_clock(now: Timestamp) -> u32 {
    (now.as_second() as u32).max(1)
}

/// Zero is skipped: some secondaries take it for "no zone yet".
fn after(serial: u32) -> u32 {
    serial.wrapping_add(1).max(1)
}

fn before(serial: u32) -> u32 {
    match serial {
        1 => u32::MAX,
        serial => serial.wrapping_sub(1),
    }
}

#[cfg(test)]
mod tests;
