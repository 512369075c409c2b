//! Manifest files as a source of objects: applied at start, and again whenever one is saved.
//!
//! The objects of a file are those of its last version without a mistake. A mistake is reported and
//! does not affect other files. Objects that are no longer in any file are deleted, but only if they
//! came from a file.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::Value;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::changes::{Changes, FollowError};
use super::problem::Problem;
use super::reading::{self, Read, Text};
use super::reload::Reload;
use super::wanted::{NAMESPACE_DEFAULT, STRICT, Wanted, WantedObjects, each_once};
use crate::machinery::apply::three_way_merge;
use crate::machinery::manifest::{self, Strictness};
use crate::objects::{Object, ObjectKey, Typed};
use crate::store::{DeleteOptions, Store, StoreError};

/// How objects of files become objects of the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// They are desired state: defaulted, validated, merged with what others wrote.
    Apply,
    /// They are a copy of another source of truth: stored as they are, including their status.
    Mirror,
}

/// What became of one object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It did not exist.
    Created,
    /// It existed and is now different.
    Configured,
    /// It is no longer in any file.
    Deleted,
}

/// What one reading of the files has changed.
#[derive(Debug, Default)]
pub struct Report {
    /// Objects that are different now.
    pub changes: Vec<(ObjectKey, Outcome)>,
    /// What is not in the store, and why.
    pub problems: Vec<Problem>,
    /// Whether somebody asked for the reading: it is then told even if nothing has changed.
    pub is_asked: bool,
}

/// Files and folders whose objects are kept in the store.
pub struct Files {
    store: Store,
    mode: Mode,
    paths: Vec<PathBuf>,
    good: BTreeMap<String, GoodFile>,
    applied: BTreeMap<ObjectKey, Arc<Wanted>>,
    reload: Reload,
}

/// The last content of a file that had no mistake; the same text is not parsed again.
struct GoodFile {
    text_hash: u64,
    objects: Vec<Arc<Wanted>>,
}

/// How often an object that others write at the same time is merged again.
const ATTEMPTS_MAX: usize = 8;

impl Files {
    /// Nothing is read yet.
    pub fn new(store: Store, mode: Mode, paths: Vec<PathBuf>) -> Self {
        Self {
            store,
            mode,
            paths,
            good: BTreeMap::new(),
            applied: BTreeMap::new(),
            reload: Reload::default(),
        }
    }

    /// A handle that asks for the files to be read again while they are followed.
    pub fn reload(&self) -> Reload {
        self.reload.clone()
    }

    /// Reads all files and applies what has changed in them.
    pub async fn load(&mut self) -> Report {
        let mut report = Report::default();
        let texts = self.read(&mut report).await;
        self.parse(texts, &mut report);
        let wanted = self.wanted(&mut report);
        self.remove_absent(&wanted, &mut report).await;
        for (key, object) in wanted {
            match self.put(&object).await {
                Ok(Some(outcome)) => report.changes.push((key, outcome)),
                Ok(None) => {}
                Err(error) => report.problems.push(Problem::refused(&object.source, error)),
            }
        }
        report
    }

    /// Loads again, at once, after every change of the files and whenever it is asked for
    /// ([`Files::reload`]), until `stop` is cancelled; reports what has changed and what is wrong.
    /// Standard input is read only once.
    pub async fn follow(
        mut self,
        reports: mpsc::Sender<Report>,
        stop: CancellationToken,
    ) -> Result<(), FollowError> {
        let is_followed = |path: &&PathBuf| path.as_os_str() != reading::STANDARD_INPUT;
        let paths: Vec<PathBuf> = self.paths.iter().filter(is_followed).cloned().collect();
        let mut changes = match paths.is_empty() {
            true => None,
            false => Some(Changes::of(&paths, self.store.clock().clone())?),
        };
        let mut reported: Vec<String> = Vec::new();
        let mut is_asked = false;
        loop {
            let report = Report { is_asked, ..self.load().await };
            // Other files of the same folder change too; a problem is reported once, not each time.
            let problems: Vec<String> = report.problems.iter().map(Problem::to_string).collect();
            let has_news = is_asked || !report.changes.is_empty() || problems != reported;
            reported = problems;
            if has_news && reports.send(report).await.is_err() {
                return Ok(());
            }
            is_asked = tokio::select! {
                () = stop.cancelled() => return Ok(()),
                () = self.reload.asked() => true,
                () = next_change(&mut changes) => false,
            };
        }
    }

    /// Reads the files in a task of its own, since a disk or a pipe may keep it waiting.
    async fn read(&mut self, report: &mut Report) -> Vec<Text> {
        let is_first = self.good.is_empty();
        let is_read = |path: &&PathBuf| is_first || path.as_os_str() != reading::STANDARD_INPUT;
        let paths: BTreeSet<PathBuf> = self.paths.iter().filter(is_read).cloned().collect();
        let all =
            tokio::task::spawn_blocking(move || paths.iter().flat_map(|path| reading::read(path)).collect());
        let all: Vec<Read> = all.await.expect("reading files does not panic");
        let mut texts = Vec::new();
        // Files that are there or may be: any file of a folder that cannot be read.
        let mut present = BTreeSet::from([PathBuf::from(reading::STANDARD_INPUT)]);
        for read in all {
            match read {
                Ok(text) => {
                    present.insert(PathBuf::from(&text.file));
                    texts.push(text);
                }
                Err((path, source)) => {
                    present.insert(path.clone());
                    report.problems.push(Problem::Unreadable { path, source });
                }
            }
        }
        let is_present = |file: &str| Path::new(file).ancestors().any(|path| present.contains(path));
        self.good.retain(|file, _| is_present(file));
        texts
    }

    fn parse(&mut self, texts: Vec<Text>, report: &mut Report) {
        let strictness = match self.mode {
            Mode::Apply => STRICT,
            Mode::Mirror => Strictness::AsIs,
        };
        for text in texts {
            let text_hash = hash_of(&text.content);
            if self.good.get(&text.file).is_some_and(|good| good.text_hash == text_hash) {
                continue;
            }
            let manifest = manifest::parse(&text.file, &text.content, NAMESPACE_DEFAULT, strictness);
            if manifest.mistakes.is_empty() {
                let objects = manifest.objects.into_iter().map(|located| Arc::new(located.into())).collect();
                self.good.insert(text.file, GoodFile { text_hash, objects });
            } else {
                report.problems.extend(manifest.mistakes.into_iter().map(Problem::from));
            }
        }
    }

    fn wanted(&self, report: &mut Report) -> WantedObjects {
        let objects = self.good.values().flat_map(|good| &good.objects).cloned();
        each_once(objects, &mut report.problems)
    }

    async fn remove_absent(&mut self, wanted: &WantedObjects, report: &mut Report) {
        let absent: Vec<ObjectKey> =
            self.applied.keys().filter(|key| !wanted.contains_key(key)).cloned().collect();
        // Dependents before what they depend on: the reverse of the order of creation.
        for key in absent.into_iter().rev() {
            let removed = match self.mode {
                Mode::Apply => self.store.delete(&key, &DeleteOptions::default()).await.map(drop),
                Mode::Mirror => self.store.unmirror(&key).await,
            };
            let Some(applied) = self.applied.remove(&key) else { continue };
            match removed {
                Ok(()) => report.changes.push((key, Outcome::Deleted)),
                Err(error) if error.is_not_found() => {}
                Err(error) => report.problems.push(Problem::refused(&applied.source, error)),
            }
        }
    }

    /// Applies one object; `None` if nothing has to change.
    async fn put(&mut self, wanted: &Arc<Wanted>) -> Result<Option<Outcome>, StoreError> {
        let key = &wanted.key;
        let applied = self.applied.get(key);
        if applied.is_some_and(|applied| Arc::ptr_eq(applied, wanted) || applied.typed == wanted.typed) {
            return Ok(None);
        }
        let before = self.store.get(key);
        let after = match (self.mode, &before) {
            (Mode::Mirror, _) => self.store.mirror(wanted.typed.clone()).await?,
            (Mode::Apply, None) => self.store.create(wanted.typed.clone()).await?,
            (Mode::Apply, Some(_)) => self.merge(key, &to_value(&wanted.typed)).await?,
        };
        self.applied.insert(key.clone(), wanted.clone());
        Ok(match before {
            None => Some(Outcome::Created),
            Some(before) => (before.revision() != after.revision()).then_some(Outcome::Configured),
        })
    }

    async fn merge(&self, key: &ObjectKey, wanted: &Value) -> Result<Object, StoreError> {
        let last = self.applied.get(key).map_or(Value::Null, |applied| to_value(&applied.typed));
        let mut attempt = 0;
        loop {
            attempt += 1;
            let live = self.store.get(key).ok_or_else(|| StoreError::NotFound(key.clone()))?;
            if live.is_terminating() {
                let reason = "it is being deleted; save the file again once it is gone".to_owned();
                return Err(StoreError::Conflict { key: key.clone(), reason });
            }
            let merged = three_way_merge(&to_value(live.typed()), &last, wanted);
            let merged = Typed::from_value(key.kind, merged).map_err(|error| StoreError::Conflict {
                key: key.clone(),
                reason: format!("what is there and the file do not merge: {error}"),
            })?;
            match self.store.update(merged).await {
                Err(error) if error.is_conflict() && attempt < ATTEMPTS_MAX => {}
                other => return other,
            }
        }
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

fn to_value(typed: &Typed) -> Value {
    let mut value = typed.to_value().expect("the types of the table serialize to JSON");
    if let Some(object) = value.as_object_mut() {
        object.remove("apiVersion");
        object.remove("kind");
    }
    value
}

#[cfg(test)]
mod tests;
