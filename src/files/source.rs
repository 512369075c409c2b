//! Manifest files as a source of objects: applied at start, and again whenever one is saved.
//!
//! Each file has a last good content. A file with a mistake keeps what it last had, and says so;
//! the others go on. Objects that no file holds any more are deleted, but only those that came
//! from a file.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::Value;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::changes::{Changes, FollowError};
use super::reading::{self, Text};
use crate::machinery::apply::three_way_merge;
use crate::machinery::manifest::{self, Located, Mistake, Rules, Source};
use crate::objects::{Object, ObjectKey, Typed};
use crate::rules::defaulting;
use crate::rules::lint::{LintWorld, Warning, lint};
use crate::store::{DeleteOptions, Store, StoreError};

/// How objects of files become objects of the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// They are what the user wants: defaulted, validated, merged with what others wrote.
    Apply,
    /// They are what is: put as they are, their status included.
    Mirror,
}

/// What became of one object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It did not exist.
    Created,
    /// It existed and is now different.
    Configured,
    /// No file holds it any more.
    Deleted,
}

/// Why a part of the files is not in the store.
#[derive(Debug, thiserror::Error)]
pub enum Problem {
    /// A path cannot be read.
    #[error("{}: {source}", .path.display())]
    Unreadable {
        /// The path.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// A file has a mistake.
    #[error("{0}")]
    Mistake(#[from] Mistake),
    /// Two places hold the same object.
    #[error("{}:{}: {key} is also in {}:{}; remove one of the two", .second.file, .second.line, .first.file, .first.line)]
    Twice {
        /// The object.
        key: ObjectKey,
        /// The place that counts.
        first: Box<Source>,
        /// The place that is ignored.
        second: Box<Source>,
    },
    /// The store refuses an object.
    #[error("{}:{}: {error}", .place.file, .place.line)]
    Refused {
        /// Where the object is.
        place: Box<Source>,
        /// Why.
        error: Box<StoreError>,
    },
}

/// What one reading of the files has changed.
#[derive(Debug, Default)]
pub struct Report {
    /// Objects that are different now.
    pub changes: Vec<(ObjectKey, Outcome)>,
    /// What is not in the store, and why.
    pub problems: Vec<Problem>,
}

/// Files and folders whose objects are kept in the store.
pub struct Files {
    store: Store,
    mode: Mode,
    paths: Vec<PathBuf>,
    good: BTreeMap<String, GoodFile>,
    applied: BTreeMap<ObjectKey, Arc<Wanted>>,
}

/// The last content of a file that had no mistake; the same text is not parsed again.
struct GoodFile {
    text_hash: u64,
    objects: Vec<Arc<Wanted>>,
}

/// One object of a file.
struct Wanted {
    key: ObjectKey,
    typed: Typed,
    source: Source,
}

impl From<Located> for Wanted {
    fn from(located: Located) -> Self {
        let Located { typed, source } = located;
        Self { key: ObjectKey::of(&typed), typed, source }
    }
}

/// The objects of all files, each once.
type WantedObjects = BTreeMap<ObjectKey, Arc<Wanted>>;

/// The namespace of objects that do not name one.
const NAMESPACE_DEFAULT: &str = "default";

/// How often an object that others write at the same time is merged again.
const ATTEMPTS_MAX: usize = 8;

impl Files {
    /// Nothing is read yet.
    pub fn new(store: Store, mode: Mode, paths: Vec<PathBuf>) -> Self {
        Self { store, mode, paths, good: BTreeMap::new(), applied: BTreeMap::new() }
    }

    /// Reads all files and brings the store in step with them.
    pub async fn load(&mut self) -> Report {
        let mut report = Report::default();
        let texts = self.read(&mut report);
        self.parse(texts, &mut report);
        let wanted = self.wanted(&mut report);
        self.remove_absent(&wanted, &mut report).await;
        for (key, object) in wanted {
            match self.put(&object).await {
                Ok(Some(outcome)) => report.changes.push((key, outcome)),
                Ok(None) => {}
                Err(error) => report.problems.push(refused(&object.source, error)),
            }
        }
        report
    }

    /// Loads again, at once for what has changed since they were read and after every change of the
    /// files, until `stop` is cancelled; reports what changed and what is wrong. Standard input is read
    /// only once.
    pub async fn follow(
        mut self,
        reports: mpsc::Sender<Report>,
        stop: CancellationToken,
    ) -> Result<(), FollowError> {
        let is_followed = |path: &&PathBuf| path.as_os_str() != reading::STANDARD_INPUT;
        let paths: Vec<PathBuf> = self.paths.iter().filter(is_followed).cloned().collect();
        if paths.is_empty() {
            return Ok(());
        }
        let mut changes = Changes::of(&paths, self.store.clock().clone())?;
        let mut told: Vec<String> = Vec::new();
        loop {
            let report = self.load().await;
            // Other files of the same folder change too; a problem is told once, not each time.
            let problems: Vec<String> = report.problems.iter().map(Problem::to_string).collect();
            let has_news = !report.changes.is_empty() || problems != told;
            told = problems;
            if has_news && reports.send(report).await.is_err() {
                return Ok(());
            }
            tokio::select! {
                () = stop.cancelled() => return Ok(()),
                () = changes.next() => {}
            }
        }
    }

    fn read(&mut self, report: &mut Report) -> Vec<Text> {
        let is_first = self.good.is_empty();
        let mut texts = Vec::new();
        // Of what is there, or may be: of a folder that cannot be read every file may.
        let mut present: BTreeSet<PathBuf> = BTreeSet::new();
        for path in self.paths.iter().collect::<BTreeSet<_>>() {
            if path.as_os_str() == reading::STANDARD_INPUT && !is_first {
                present.insert(path.clone());
                continue;
            }
            for read in reading::read(path) {
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
        }
        let is_present = |file: &str| Path::new(file).ancestors().any(|path| present.contains(path));
        self.good.retain(|file, _| is_present(file));
        texts
    }

    fn parse(&mut self, texts: Vec<Text>, report: &mut Report) {
        let rules = match self.mode {
            Mode::Apply => Rules::Strict,
            Mode::Mirror => Rules::AsIs,
        };
        for text in texts {
            let text_hash = hash_of(&text.content);
            if self.good.get(&text.file).is_some_and(|good| good.text_hash == text_hash) {
                continue;
            }
            let manifest = manifest::parse(&text.file, &text.content, NAMESPACE_DEFAULT, rules);
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
                Err(error) => report.problems.push(refused(&applied.source, error)),
            }
        }
    }

    /// Puts one object; `None` when it is already as wanted.
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

/// What `check` found in files.
#[derive(Debug, Default)]
pub struct Checked {
    /// Files that could be read.
    pub n_files: usize,
    /// Objects without a mistake.
    pub n_objects: usize,
    /// Every mistake.
    pub problems: Vec<Problem>,
    /// What is no mistake, and likely not meant.
    pub remarks: Vec<Remark>,
}

/// A warning about an object of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remark {
    /// Where the object is.
    pub place: Source,
    /// The object.
    pub key: ObjectKey,
    /// The warning.
    pub warning: Warning,
}

impl std::fmt::Display for Remark {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Source { file, line, .. } = &self.place;
        write!(f, "{file}:{line}: warning: {}: {}", self.key, self.warning)
    }
}

/// Reads and validates files without applying them.
pub fn check(paths: &[PathBuf]) -> Checked {
    let mut checked = Checked::default();
    let mut objects = Vec::new();
    for path in paths {
        for read in reading::read(path) {
            let text = match read {
                Ok(text) => text,
                Err((path, source)) => {
                    checked.problems.push(Problem::Unreadable { path, source });
                    continue;
                }
            };
            let manifest = manifest::parse(&text.file, &text.content, NAMESPACE_DEFAULT, Rules::Strict);
            checked.n_files += 1;
            checked.n_objects += manifest.objects.len();
            checked.problems.extend(manifest.mistakes.into_iter().map(Problem::from));
            objects.extend(manifest.objects.into_iter().map(|located| Arc::new(Wanted::from(located))));
        }
    }
    checked.remarks = remarks(&each_once(objects, &mut checked.problems));
    checked
}

/// What is likely not meant. A server has classes of its own, so nothing is said of those.
fn remarks(objects: &WantedObjects) -> Vec<Remark> {
    let defaulted = |object: &Arc<Wanted>| {
        let mut typed = object.typed.clone();
        defaulting::default(&mut typed);
        typed
    };
    let typed: Vec<Typed> = objects.values().map(defaulted).collect();
    let world = LintWorld::of(&typed).without_classes();
    let mut remarks = Vec::new();
    for (typed, object) in typed.iter().zip(objects.values()) {
        let remark = |warning| Remark { place: object.source.clone(), key: object.key.clone(), warning };
        remarks.extend(lint(typed, &world).into_iter().map(remark));
    }
    remarks.sort_by(|one, other| place(one).cmp(&place(other)));
    remarks
}

fn place(remark: &Remark) -> (&str, usize) {
    (&remark.place.file, remark.place.line)
}

/// The objects by key; of those that stand in two places the first counts and the others are told.
fn each_once(objects: impl IntoIterator<Item = Arc<Wanted>>, problems: &mut Vec<Problem>) -> WantedObjects {
    let mut once = WantedObjects::new();
    for object in objects {
        match once.get(&object.key) {
            Some(first) => problems.push(twice(&object.key, &first.source, &object.source)),
            None => {
                once.insert(object.key.clone(), object);
            }
        }
    }
    once
}

fn twice(key: &ObjectKey, first: &Source, second: &Source) -> Problem {
    Problem::Twice { key: key.clone(), first: Box::new(first.clone()), second: Box::new(second.clone()) }
}

fn refused(place: &Source, error: StoreError) -> Problem {
    Problem::Refused { place: Box::new(place.clone()), error: Box::new(error) }
}

fn hash_of(text: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish()
}

fn to_value(typed: &Typed) -> Value {
    let json = typed.to_json().expect("the types of the table serialize to JSON");
    let mut value: Value = serde_json::from_slice(&json).expect("serialized JSON is JSON");
    if let Some(object) = value.as_object_mut() {
        object.remove("apiVersion");
        object.remove("kind");
    }
    value
}

#[cfg(test)]
mod tests;
