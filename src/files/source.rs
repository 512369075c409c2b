//! Manifest files as a source of objects: applied at start, and again whenever one is saved.
//!
//! The objects of a file are those of its last version without a mistake. A mistake is reported and
//! does not affect other files. When a file is saved, its objects are applied, changed or not: those
//! that somebody deleted are created again, as `kubectl apply` would do. Between saves nothing is
//! taken back. How fields are owned is on the page of `applying`.
//!
//! Objects that are no longer in any file are deleted, but only if they came from a file. A file that
//! is gone or empty keeps its objects for [`GRACE`]: editors save by renaming, and a shell empties a
//! file before the program runs that writes it. A file that cannot be read keeps them.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::applying::apply;
use super::changes::{Changes, FollowError};
use super::export;
use super::manifests::Manifests;
use super::problem::Problem;
use super::reading::{self, Reading, Stamp, Text};
use super::reload::Reload;
use super::remark::{Remark, remarks};
use super::report::{Change, Outcome, Report};
use super::told::Told;
use super::wanted::{NAMESPACE_DEFAULT, STRICT, Wanted, WantedObjects, each_once};
use crate::clock::Timestamp;
use crate::machinery::manifest::{self, Manifest, Mistake, Skipped, Strictness};
use crate::objects::ObjectKey;
use crate::store::{DeleteOptions, Store};

/// How objects of files become objects of the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// They are desired state: defaulted, validated, merged with what others wrote.
    Apply,
    /// As [`Mode::Apply`], and a file with mistakes gives its other objects.
    Check,
    /// They are a copy of another source of truth: stored as they are, including their status.
    Mirror,
}

/// Files and folders whose objects are kept in the store.
pub struct Files {
    store: Store,
    mode: Mode,
    manifests: Manifests,
    good: BTreeMap<String, GoodFile>,
    applied: BTreeMap<ObjectKey, Arc<Wanted>>,
    /// Objects whose last save could not be applied.
    pending: BTreeSet<ObjectKey>,
    told: Told,
    /// The folders whose changes matter.
    folders: BTreeSet<PathBuf>,
    /// What was read and can be read only once.
    streams: BTreeSet<PathBuf>,
    has_begun: bool,
    /// When to look again without being told of a change.
    next_look: Option<Timestamp>,
    /// How long the next try waits.
    retry: Duration,
    reload: Reload,
}

/// The last content of a file that had no mistake; the same text is not parsed again.
struct GoodFile {
    text_hash: u64,
    stamp: Option<Stamp>,
    objects: Vec<Arc<Wanted>>,
    /// What is said of a file that is an export of a cluster.
    export: Option<Remark>,
    skipped: Vec<Skipped>,
    /// Since when the file is gone or empty.
    vanished: Option<Timestamp>,
}

/// How long the objects of a file that is gone or empty are kept.
pub const GRACE: Duration = Duration::from_secs(2);
/// After how long objects are tried again that could not be applied for a reason that may pass; the
/// time doubles up to the longest.
const RETRY: Duration = Duration::from_secs(1);
const RETRY_MAX: Duration = Duration::from_secs(32);

/// What is found in a reading, and what follows from it.
#[derive(Default)]
struct Round {
    report: Report,
    /// Files that were saved since the last reading.
    saved: BTreeSet<String>,
    /// Files that are there or may be: any file of a folder that cannot be read.
    present: BTreeSet<PathBuf>,
}

impl Files {
    /// Nothing is read yet.
    pub fn new(store: Store, mode: Mode, manifests: impl Into<Manifests>) -> Self {
        Self {
            store,
            mode,
            manifests: manifests.into(),
            good: BTreeMap::new(),
            applied: BTreeMap::new(),
            pending: BTreeSet::new(),
            told: Told::default(),
            folders: BTreeSet::new(),
            streams: BTreeSet::new(),
            has_begun: false,
            next_look: None,
            retry: RETRY,
            reload: Reload::default(),
        }
    }

    /// A handle that asks for the files to be read again while they are followed. All of their objects
    /// are then applied, as if every file had been saved.
    pub fn reload(&self) -> Reload {
        self.reload.clone()
    }

    /// Reads all files and applies those that were saved. The report has what was not told before.
    pub async fn load(&mut self) -> Report {
        self.load_as(false).await
    }

    async fn load_as(&mut self, is_asked: bool) -> Report {
        self.next_look = None;
        let mut round = Round::default();
        let readings = self.read().await;
        for reading in readings {
            self.take_in(reading, &mut round);
        }
        self.has_begun = true;
        self.let_go(&round.present);
        if is_asked {
            round.saved.extend(self.good.keys().cloned());
        }
        let Round { mut report, saved, .. } = round;
        report.is_asked = is_asked;
        let wanted = self.wanted(&mut report);
        self.pending.retain(|key| wanted.contains_key(key));
        self.remove_absent(&wanted, &mut report).await;
        for object in wanted.values() {
            self.put(object, saved.contains(&object.source.file), &mut report).await;
        }
        self.try_again(report.problems.iter().any(Problem::may_pass));
        if self.mode != Mode::Mirror && !(saved.is_empty() && report.changes.is_empty()) {
            let exports = self.good.values().filter_map(|good| good.export.clone());
            let found = exports.chain(remarks(&self.store, wanted.values())).collect();
            report.remarks = self.told.new_remarks(found);
        }
        report.n_objects = wanted.len();
        self.told.reduce(&mut report);
        report
    }

    /// Loads again, at once, after every change of the files and whenever it is asked for
    /// ([`Files::reload`]), until `stop` is cancelled; reports what has changed and what is wrong.
    /// Standard input and pipes are read only once.
    pub async fn follow(
        mut self,
        reports: mpsc::Sender<Report>,
        stop: CancellationToken,
    ) -> Result<(), FollowError> {
        let clock = self.store.clock().clone();
        let paths = self.paths_to_read();
        let mut changes = match paths.is_empty() {
            true => None,
            false => Some(Changes::of(&paths, clock.clone())?),
        };
        let mut is_asked = false;
        loop {
            let report = self.load_as(is_asked).await;
            if let Some(Err(error)) = changes.as_mut().map(|changes| changes.follow(&self.folders)) {
                tracing::warn!("{error}; changes of manifests there go unnoticed");
            }
            if report.has_news() && reports.send(report).await.is_err() {
                return Ok(());
            }
            let next_look = self.next_look;
            is_asked = tokio::select! {
                () = stop.cancelled() => return Ok(()),
                () = self.reload.asked() => true,
                () = next_change(&mut changes) => false,
                () = clock.sleep_until(next_look.unwrap_or_default()), if next_look.is_some() => false,
            };
        }
    }

    /// The paths without those that were read and can be read only once.
    fn paths_to_read(&self) -> Vec<PathBuf> {
        let mut paths: Vec<PathBuf> = self.manifests.paths.clone();
        paths.retain(|path| !self.streams.contains(path));
        paths.sort();
        paths.dedup();
        paths
    }

    /// Reads the files in a task of its own, since a disk or a pipe may keep it waiting.
    async fn read(&mut self) -> Vec<Reading> {
        let (paths, is_recursive) = (self.paths_to_read(), self.manifests.is_recursive);
        let all = tokio::task::spawn_blocking(move || {
            let (streams, others): (Vec<_>, Vec<_>) =
                paths.into_iter().partition(|path| reading::is_read_once(path));
            let read = |path: &PathBuf| reading::read(path, is_recursive);
            let readings: Vec<Reading> = streams.iter().chain(&others).map(read).collect();
            (streams, readings)
        });
        let (streams, readings) = all.await.expect("reading files does not panic");
        self.streams.extend(streams);
        let followed = readings.iter().filter(|reading| !self.streams.contains(&reading.path));
        self.folders = followed.flat_map(|reading| &reading.folders).cloned().collect();
        readings
    }

    /// Takes in what one path has given. What gives nothing is a problem at first; later it may be that
    /// its files were removed.
    fn take_in(&mut self, reading: Reading, round: &mut Round) {
        if reading.texts.is_empty() && !self.has_begun {
            round.report.problems.push(Problem::NoManifest(reading.path.clone()));
        }
        let (mut has_objects, mut n_texts) = (false, 0);
        for read in reading.texts {
            match read {
                Ok(text) => {
                    n_texts += 1;
                    has_objects |= self.parse(text, round);
                }
                Err((_, error)) if self.has_begun && error.kind() == std::io::ErrorKind::NotFound => {}
                Err((path, source)) => {
                    round.present.insert(path.clone());
                    round.report.problems.push(Problem::Unreadable { path, source });
                    has_objects = true;
                }
            }
        }
        if n_texts > 0 && !has_objects && !self.has_begun {
            round.report.problems.push(Problem::NoObject(reading.path));
        }
        round.report.n_files += n_texts;
    }

    /// Takes in the text of a file; returns whether there is anything in it.
    fn parse(&mut self, text: Text, round: &mut Round) -> bool {
        let Text { file, content, stamp } = text;
        let text_hash = hash_of(&content);
        if let Some(good) = self.good.get_mut(&file).filter(|good| good.text_hash == text_hash) {
            if good.stamp != stamp || good.vanished.is_some() {
                round.saved.insert(file.clone());
            }
            (good.stamp, good.vanished) = (stamp, None);
            round.present.insert(PathBuf::from(file));
            return true;
        }
        let strictness = match self.mode {
            Mode::Apply | Mode::Check => STRICT,
            Mode::Mirror => Strictness::AsIs,
        };
        let read = manifest::parse(&file, &content, NAMESPACE_DEFAULT, strictness);
        let Manifest { objects, mut skipped, mut mistakes } = read;
        if self.manifests.is_strict {
            mistakes.extend(skipped.drain(..).map(Mistake::from));
        }
        if objects.is_empty() && skipped.is_empty() && mistakes.is_empty() {
            return false;
        }
        round.present.insert(PathBuf::from(&file));
        if mistakes.is_empty() || self.mode == Mode::Check {
            let (objects, export) = match self.mode {
                Mode::Apply | Mode::Check => export::apart(objects),
                Mode::Mirror => (objects.into_iter().map(|one| Arc::new(Wanted::as_is(one))).collect(), None),
            };
            round.saved.insert(file.clone());
            self.good.insert(file, GoodFile { text_hash, stamp, objects, export, skipped, vanished: None });
        }
        round.report.problems.extend(mistakes.into_iter().map(Problem::from));
        true
    }

    /// Notes which files are gone or empty, and forgets those that have been so for long.
    fn let_go(&mut self, present: &BTreeSet<PathBuf>) {
        let now = self.store.clock().now();
        let streams = &self.streams;
        let is_present = |file: &str| {
            let mut above = Path::new(file).ancestors();
            above.any(|path| present.contains(path) || streams.contains(path))
        };
        let mut next: Option<Timestamp> = None;
        self.good.retain(|file, good| {
            if is_present(file) {
                return true;
            }
            let end = *good.vanished.get_or_insert(now) + GRACE;
            if now < end {
                next = Some(next.map_or(end, |next| next.min(end)));
            }
            now < end
        });
        next.into_iter().for_each(|next| self.look_again(next));
    }

    fn try_again(&mut self, is_worth_it: bool) {
        match is_worth_it {
            true => {
                self.look_again(self.store.clock().now() + self.retry);
                self.retry = (self.retry * 2).min(RETRY_MAX);
            }
            false => self.retry = RETRY,
        }
    }

    fn look_again(&mut self, at: Timestamp) {
        self.next_look = Some(self.next_look.map_or(at, |next| next.min(at)));
    }

    fn wanted(&self, report: &mut Report) -> WantedObjects {
        report.skipped = self.good.values().flat_map(|good| &good.skipped).cloned().collect();
        let those = |is_leaving: bool| {
            let files = self.good.values().filter(move |good| good.vanished.is_some() == is_leaving);
            files.flat_map(|good| &good.objects).cloned()
        };
        each_once(those(false), those(true), &mut report.problems)
    }

    async fn remove_absent(&mut self, wanted: &WantedObjects, report: &mut Report) {
        let absent: Vec<ObjectKey> =
            self.applied.keys().filter(|key| !wanted.contains_key(key)).cloned().collect();
        // Dependents before what they depend on: the reverse of the order of creation.
        for key in absent.into_iter().rev() {
            let removed = match self.mode {
                Mode::Apply | Mode::Check => {
                    self.store.delete(&key, &DeleteOptions::default()).await.map(drop)
                }
                Mode::Mirror => self.store.unmirror(&key).await,
            };
            let Some(source) = self.applied.get(&key).map(|applied| applied.source.clone()) else { continue };
            match removed {
                Ok(()) => {
                    self.applied.remove(&key);
                    report.changes.push(Change { key, outcome: Outcome::Deleted, source });
                }
                Err(error) if error.is_not_found() => drop(self.applied.remove(&key)),
                Err(error) => {
                    let (at, error) = (Box::new(source), Box::new(error));
                    report.problems.push(Problem::NotDeleted { at, key, error });
                }
            }
        }
    }

    /// Applies one object if its file was saved, or if it could not be applied before.
    async fn put(&mut self, wanted: &Arc<Wanted>, is_saved: bool, report: &mut Report) {
        let last = self.applied.get(&wanted.key);
        let is_due = is_saved || self.pending.contains(&wanted.key);
        if !is_due && last.is_some_and(|last| Arc::ptr_eq(last, wanted)) {
            return;
        }
        let done = match self.mode {
            Mode::Mirror => self.mirror(wanted).await,
            Mode::Apply | Mode::Check => match apply(&self.store, wanted, last.map(|last| &last.typed)).await
            {
                Ok(applied) => {
                    report.taken.extend(applied.taken);
                    Ok(applied.outcome)
                }
                Err(obstacle) => Err(obstacle.into_problem(wanted)),
            },
        };
        match done {
            Ok(outcome) => {
                self.pending.remove(&wanted.key);
                self.applied.insert(wanted.key.clone(), wanted.clone());
                let (key, source) = (wanted.key.clone(), wanted.source.clone());
                report.changes.extend(outcome.map(|outcome| Change { key, outcome, source }));
            }
            Err(problem) => {
                self.pending.insert(wanted.key.clone());
                report.problems.push(problem);
            }
        }
    }

    async fn mirror(&self, wanted: &Arc<Wanted>) -> Result<Option<Outcome>, Problem> {
        let before = self.store.get(&wanted.key);
        let after = self.store.mirror(wanted.typed.clone()).await;
        let after = after.map_err(|error| Problem::refused(&wanted.source, &wanted.key, error))?;
        Ok(match before {
            None => Some(Outcome::Created),
            Some(before) => (before.revision() != after.revision()).then_some(Outcome::Configured),
        })
    }
}

async fn next_change(changes: &mut Option<Changes>) {
    match changes {
        Some(changes) => changes.next().await,
        None => std::future::pending().await,
    }
}

fn hash_of(text: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests;
