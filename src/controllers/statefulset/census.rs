//! The census: the pods and revisions of every set, kept up to date from the store's history.
//!
//! ```text
//!   history ──► changed objects, by the uid of their controller ──► records in order of ordinals
//! ```
//!
//! A sync of a set of thousands of pods costs what has changed since the last one, plus one pass
//! over small records. Nothing is missed: before each use the census reads the history up to the
//! store's present revision, and lists everything again if the history does not reach back so far.
//! It holds one record per pod that has a controller, and nothing of sets that are gone.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use k8s_openapi::api::apps::v1::StatefulSet;

use super::identity::PodName;
use super::record::Record;
use crate::objects::{Kind, Object, ObjectKey, Selector, controller_of};
use crate::store::{Change, Event, Gone, Interest, Store, Watch};

const KINDS: [Kind; 2] = [Kind::Pod, Kind::ControllerRevision];

/// What all sets have.
#[derive(Default)]
pub(super) struct Census {
    watch: Option<Watch>,
    families: HashMap<String, Family>,
}

/// What one set has.
#[derive(Default)]
pub(super) struct Family {
    /// Changed since they were last looked at; `None` is gone.
    fresh: HashMap<ObjectKey, Option<Object>>,
    records: Vec<Record>,
    revisions: BTreeMap<ObjectKey, Object>,
    names: Vec<Arc<str>>,
}

impl Census {
    /// The family of a set, as of now.
    pub(super) fn family(&mut self, store: &Store, set: &StatefulSet, selector: &Selector) -> &Family {
        self.catch_up(store);
        let uid = set.metadata.uid.clone().unwrap_or_default();
        let family = self.families.entry(uid).or_default();
        family.digest(set, selector);
        family
    }

    /// Forgets the family of a set that is gone.
    pub(super) fn forget(&mut self, uid: &str) {
        self.families.remove(uid);
    }

    fn catch_up(&mut self, store: &Store) {
        if !matches!(self.read_history(), Ok(true)) {
            self.start_over(store);
        }
    }

    /// Whether there was a history to read from.
    fn read_history(&mut self) -> Result<bool, Gone> {
        let Some(mut watch) = self.watch.take() else { return Ok(false) };
        loop {
            let events = watch.ready()?;
            if events.is_empty() {
                self.watch = Some(watch);
                return Ok(true);
            }
            events.iter().for_each(|event| self.note(event));
        }
    }

    fn start_over(&mut self, store: &Store) {
        self.families.clear();
        let from = store.revision();
        for object in KINDS.iter().flat_map(|kind| store.list(*kind, None).objects) {
            if let Some(uid) = controller_uid(&object) {
                let family = self.families.entry(uid.to_owned()).or_default();
                family.fresh.insert(object.key().clone(), Some(object));
            }
        }
        self.watch = Some(store.watch(Interest::in_kinds(&KINDS), from));
        // What was written while listing comes again, in its order, and ends as it is.
        if self.read_history().is_err() {
            self.watch = None;
        }
    }

    fn note(&mut self, event: &Event) {
        let object = &event.object;
        let before = event.previous.as_ref().and_then(controller_uid);
        let after = controller_uid(object).filter(|_| event.change != Change::Deleted);
        if let Some(before) = before.filter(|before| Some(*before) != after) {
            self.lose(before, object.key());
        }
        if let Some(after) = after {
            let fresh = |family: &mut Family| family.fresh.insert(object.key().clone(), Some(object.clone()));
            match self.families.get_mut(after) {
                Some(family) => fresh(family),
                None => fresh(self.families.entry(after.to_owned()).or_default()),
            };
        }
    }

    fn lose(&mut self, uid: &str, key: &ObjectKey) {
        let Some(family) = self.families.get_mut(uid) else { return };
        if family.records.is_empty() && family.revisions.is_empty() {
            family.fresh.remove(key);
        } else {
            family.fresh.insert(key.clone(), None);
        }
        if family.fresh.is_empty() {
            self.families.remove(uid);
        }
    }
}

impl Family {
    /// The pods, in order of their ordinals.
    pub(super) fn records(&self) -> &[Record] {
        &self.records
    }

    /// The revisions, in no particular order.
    pub(super) fn revisions(&self) -> Vec<Object> {
        self.revisions.values().cloned().collect()
    }

    /// The pods that the set controls although they are not its own any more.
    pub(super) fn strays(&self) -> Vec<Object> {
        self.records.iter().filter(|record| !record.is_ours).map(|record| record.object.clone()).collect()
    }

    /// The revisions that pods are of.
    pub(super) fn revisions_in_use(&self) -> Vec<String> {
        let is_used = |name: &&Arc<str>| Arc::strong_count(name) > 1;
        self.names.iter().filter(is_used).map(|name| name.as_ref().to_owned()).collect()
    }

    fn digest(&mut self, set: &StatefulSet, selector: &Selector) {
        let mut fresh = std::mem::take(&mut self.fresh);
        let is_revision = |key: &ObjectKey| key.kind == Kind::ControllerRevision;
        for (key, object) in fresh.extract_if(|key, _| is_revision(key)) {
            match object {
                Some(object) => drop(self.revisions.insert(key, object)),
                None => drop(self.revisions.remove(&key)),
            }
        }
        if fresh.len() > 16 + self.records.len() / 16 {
            return self.replace_many(set, selector, &fresh);
        }
        for (key, object) in fresh {
            let record = object.and_then(|object| Record::of(set, selector, &object, &mut self.names));
            self.replace(&key, record);
        }
    }

    fn replace(&mut self, key: &ObjectKey, record: Option<Record>) {
        let ordinal = ordinal(key);
        let place = self.records.binary_search_by(|present| present.order(ordinal, key));
        match (place, record) {
            (Ok(place), Some(record)) => self.records[place] = record,
            (Ok(place), None) => drop(self.records.remove(place)),
            (Err(place), Some(record)) => self.records.insert(place, record),
            (Err(_), None) => {}
        }
    }

    fn replace_many(
        &mut self,
        set: &StatefulSet,
        selector: &Selector,
        fresh: &HashMap<ObjectKey, Option<Object>>,
    ) {
        self.records.retain(|record| !fresh.contains_key(record.object.key()));
        let objects = fresh.values().flatten();
        let new: Vec<Record> =
            objects.filter_map(|object| Record::of(set, selector, object, &mut self.names)).collect();
        self.records.extend(new);
        self.records.sort_by(|a, b| a.order(ordinal(b.object.key()), b.object.key()));
    }
}

fn ordinal(key: &ObjectKey) -> Option<i32> {
    PodName::parse(&key.name).ordinal
}

fn controller_uid(object: &Object) -> Option<&str> {
    controller_of(object.meta()).map(|owner| owner.uid.as_str())
}
