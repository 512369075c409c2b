//! The census: the pods and revisions of every set, kept up to date from the store's history.
//!
//! ```text
//!   history ──► changed objects, by the uid of their controller ──► records in order of ordinals
//! ```
//!
//! A sync of a set of thousands of pods costs what has changed since the last one, plus one pass
//! over small records. It holds one record per pod that has a controller, and nothing of sets that
//! are gone.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use k8s_openapi::api::apps::v1::StatefulSet;
use k8s_openapi::api::core::v1::PodTemplateSpec;

use super::record::Record;
use super::spec::{RetentionPolicy, templates};
use crate::controllers::informer::{Indexer, Informer};
use crate::controllers::statefulset::naming::{PodName, name_of, uid_of};
use crate::machinery::selector::Selector;
use crate::objects::{Kind, Object, ObjectKey, Revision, controller_of};
use crate::store::{Change, Event, Store};

/// The families of all sets, as of the store's present revision.
#[derive(Default)]
pub(crate) struct Census(Informer<Families>);

/// The families by set.
#[derive(Default)]
struct Families {
    by_uid: HashMap<String, Family>,
    /// The uids of sets by the beginning of their claims' names, namespace included.
    homes: HashMap<String, String>,
}

/// The pods and revisions of one set.
#[derive(Default)]
pub(crate) struct Family {
    /// Changed since the last sync; `None` is gone.
    fresh: HashMap<ObjectKey, Option<Object>>,
    records: Vec<Record>,
    revisions: BTreeMap<ObjectKey, Object>,
    names: Vec<Arc<str>>,
    is_home_known: bool,
    newest: Option<Newest>,
}

/// A template that was found to be the newest of these revisions.
struct Newest {
    template: PodTemplateSpec,
    revisions: Vec<Revision>,
    name: String,
}

impl Census {
    /// The family of a set, as of now.
    pub(crate) fn family(&mut self, store: &Store, set: &StatefulSet, selector: &Selector) -> &mut Family {
        let Families { by_uid, homes } = self.0.current(store);
        let uid = uid_of(&set.metadata);
        let is_known = by_uid.get(uid).is_some_and(|family| family.is_home_known);
        if !is_known {
            for template in templates(set) {
                let home = format!("{}-{}", name_of(&template.metadata), name_of(&set.metadata));
                let namespace = set.metadata.namespace.as_deref().unwrap_or_default();
                homes.insert(home_of(namespace, &home), uid.to_owned());
            }
        }
        let family = by_uid.entry(uid.to_owned()).or_default();
        family.is_home_known = true;
        family.digest(set, selector);
        family
    }

    /// Forgets the family of a set that is gone.
    pub(crate) fn forget(&mut self, store: &Store, uid: &str) {
        let Families { by_uid, homes } = self.0.current(store);
        by_uid.remove(uid);
        homes.retain(|_, home| home != uid);
    }
}

impl Indexer for Families {
    const INDEXED: &'static [Kind] = &[Kind::Pod, Kind::ControllerRevision];
    /// Of claims only that they change.
    const FOLLOWED: &'static [Kind] = &[Kind::Pod, Kind::ControllerRevision, Kind::PersistentVolumeClaim];

    fn add(&mut self, object: &Object) {
        if let Some(uid) = controller_uid(object) {
            let family = self.by_uid.entry(uid.to_owned()).or_default();
            family.fresh.insert(object.key().clone(), Some(object.clone()));
        }
    }

    fn note(&mut self, event: &Event) {
        let object = &event.object;
        if object.kind() == Kind::PersistentVolumeClaim {
            return self.note_claim(object);
        }
        let before = event.previous.as_ref().and_then(controller_uid);
        let after = controller_uid(object).filter(|_| event.change != Change::Deleted);
        if let Some(before) = before.filter(|before| Some(*before) != after) {
            self.lose(before, object.key());
        }
        if let Some(after) = after {
            let fresh = |family: &mut Family| family.fresh.insert(object.key().clone(), Some(object.clone()));
            match self.by_uid.get_mut(after) {
                Some(family) => fresh(family),
                None => fresh(self.by_uid.entry(after.to_owned()).or_default()),
            };
        }
    }
}

impl Families {
    /// A claim has changed: the claims of its pod must be looked up again.
    fn note_claim(&mut self, claim: &Object) {
        let name = PodName::parse(claim.name());
        let uid = self.homes.get(&home_of(claim.namespace(), name.parent));
        if let Some(family) = uid.and_then(|uid| self.by_uid.get_mut(uid)) {
            family.set_whole_claims(name.ordinal, None);
        }
    }

    fn lose(&mut self, uid: &str, key: &ObjectKey) {
        let Some(family) = self.by_uid.get_mut(uid) else { return };
        if family.records.is_empty() && family.revisions.is_empty() {
            family.fresh.remove(key);
        } else {
            family.fresh.insert(key.clone(), None);
        }
        if family.fresh.is_empty() {
            self.by_uid.remove(uid);
        }
    }
}

impl Family {
    /// The pods, in order of their ordinals.
    pub(crate) fn records(&self) -> &[Record] {
        &self.records
    }

    /// The revisions, in no particular order.
    pub(crate) fn revisions(&self) -> Vec<Object> {
        self.revisions.values().cloned().collect()
    }

    /// The name of the template's revision, if it was found to be the newest of these revisions before.
    /// Finding out means encoding the template, which most syncs can skip.
    pub(crate) fn newest(&self, template: &PodTemplateSpec, revisions: &[Object]) -> Option<String> {
        let newest = self.newest.as_ref()?;
        let is_same = newest.revisions.iter().copied().eq(revisions.iter().map(Object::revision));
        (is_same && newest.template == *template).then(|| newest.name.clone())
    }

    /// Notes that the template is the newest of these revisions.
    pub(crate) fn found_newest(&mut self, template: &PodTemplateSpec, revisions: &[Object], name: &str) {
        let revisions = revisions.iter().map(Object::revision).collect();
        self.newest = Some(Newest { template: template.clone(), revisions, name: name.to_owned() });
    }

    /// The pods that the set controls although selector or name no longer match.
    pub(crate) fn strays(&self) -> Vec<Object> {
        self.records.iter().filter(|record| !record.is_ours).map(|record| record.object.clone()).collect()
    }

    /// The revisions that pods use.
    pub(crate) fn revisions_in_use(&self) -> Vec<String> {
        let is_used = |name: &&Arc<str>| Arc::strong_count(name) > 1;
        self.names.iter().filter(is_used).map(|name| name.as_ref().to_owned()).collect()
    }

    /// Notes that the claims of these ordinals were found whole under a policy.
    pub(crate) fn found_whole(&mut self, ordinals: &[i32], policy: RetentionPolicy) {
        ordinals.iter().for_each(|ordinal| self.set_whole_claims(Some(*ordinal), Some(policy)));
    }

    fn set_whole_claims(&mut self, ordinal: Option<i32>, whole: Option<RetentionPolicy>) {
        let first = self.records.partition_point(|record| record.ordinal < ordinal);
        let of_ordinal = self.records[first..].iter_mut().take_while(|record| record.ordinal == ordinal);
        of_ordinal.for_each(|record| record.whole_claims = whole);
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

fn home_of(namespace: &str, beginning: &str) -> String {
    format!("{namespace}/{beginning}")
}

fn ordinal(key: &ObjectKey) -> Option<i32> {
    PodName::parse(&key.name).ordinal
}

fn controller_uid(object: &Object) -> Option<&str> {
    controller_of(object.meta()).map(|owner| owner.uid.as_str())
}
