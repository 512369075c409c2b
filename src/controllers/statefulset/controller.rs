//! Which sets an event concerns, and the reconcile of one set.
//!
//! Orphans are adopted without listing the namespace in every sync. A set looks for them in its first
//! sync, and again after an event about an orphan that its selector matches: an object becomes an
//! orphan only by a write, and every write is an event. After a lost watch every set looks again. So
//! none is missed, and a set without orphans costs its own pods only.

use std::collections::HashMap;

use async_trait::async_trait;
use k8s_openapi::api::apps::v1::StatefulSet;
use tracing::warn;

use super::backoff::Backoffs;
use super::decide::growth;
use super::decide::plan::Planner;
use super::naming::pod_name_of;
use super::note::Note;
use super::settings::Options;
use super::sync::{self, Context, Orphans};
use super::world::is_same_to_plans;
use crate::controllers::controller::{Controller, Next, ReconcileError};
use crate::machinery::selector::Selector;
use crate::objects::beyond::Wishes;
use crate::objects::{Kind, Object, ObjectKey, controller_of};
use crate::store::{Change, Event, Interest, Store};

/// The component in events.
const NAME: &str = "statefulset-controller";

/// The StatefulSet controller.
#[derive(Default)]
pub struct StatefulSets {
    context: Context,
    /// The sets, by key and uid, that have seen all orphans there were. One entry per set.
    looked: HashMap<ObjectKey, String>,
    /// What stands in a set's way and has been recorded already. One entry per set that has such.
    recorded: HashMap<ObjectKey, Vec<Note>>,
}

impl StatefulSets {
    /// A controller that does what Kubernetes' does, except that nothing makes and deletes pods without
    /// end.
    pub fn new() -> Self {
        Self::default()
    }

    /// As [`StatefulSets::new`], with other defaults for sets without annotations.
    pub fn with(options: Options) -> Self {
        Self { context: Context { options, ..Context::default() }, ..Self::default() }
    }

    /// A controller with another planner.
    pub(crate) fn with_planner(planner: Planner) -> Self {
        Self { context: Context { planner, ..Context::default() }, ..Self::default() }
    }

    /// The same without a back-off of identities, to see what a planner does then.
    pub(crate) fn without_backoff(mut self) -> Self {
        self.context.backoffs = Backoffs::off();
        self
    }

    /// The notes in `standing` that are new since the last sync. A failed sync may not have seen all.
    fn news(&mut self, key: &ObjectKey, mut standing: Vec<Note>, has_failed: bool) -> Vec<Note> {
        let before = self.recorded.remove(key).unwrap_or_default();
        let news = standing.iter().filter(|note| !before.contains(note)).cloned().collect();
        if has_failed {
            standing.extend(before.into_iter().filter(|note| !standing.contains(note)).collect::<Vec<_>>());
        }
        if !standing.is_empty() {
            self.recorded.insert(key.clone(), standing);
        }
        news
    }

    fn may_grow(&self, set: &Object) -> bool {
        let wish = Wishes::of(set.meta()).grow_claims;
        wish.unwrap_or(self.context.options.grow_claims)
    }

    /// Whether to look for orphans now. The set is marked before it looks, so that an event that comes
    /// meanwhile makes it look again.
    pub(crate) fn begin(&mut self, store: &Store, key: &ObjectKey) -> Orphans {
        let Some(set) = store.get(key) else {
            if let Some(uid) = self.looked.remove(key) {
                self.context.census.forget(store, &uid);
            }
            self.recorded.remove(key);
            self.context.backoffs.forget(key);
            return Orphans::Skip;
        };
        let before = self.looked.insert(key.clone(), set.uid().to_owned());
        if before.as_deref() == Some(set.uid()) { Orphans::Skip } else { Orphans::Look }
    }

    /// The sets that an orphan could be for; they will look for it.
    fn matching(&mut self, store: &Store, orphan: &Object) -> Vec<ObjectKey> {
        let sets = store.list(Kind::StatefulSet, Some(orphan.namespace())).objects;
        let matches = |set: &Object| {
            let selector = &set.get::<StatefulSet>()?.spec.selector;
            let selector = Selector::from_label_selector(selector).ok()?;
            Some(selector.matches(orphan.meta().labels.as_ref()))
        };
        let keys: Vec<ObjectKey> =
            sets.iter().filter(|set| matches(set) == Some(true)).map(|set| set.key().clone()).collect();
        for key in &keys {
            self.looked.remove(key);
        }
        keys
    }

    fn concerned_by_pod(&mut self, store: &Store, event: &Event) -> Vec<ObjectKey> {
        let pod = &event.object;
        let is_same = |previous: &Object| is_same_to_plans(previous, pod);
        if event.change != Change::Deleted && event.previous.as_ref().is_some_and(is_same) {
            return Vec::new();
        }
        let mut keys: Vec<ObjectKey> = owner(store, pod).into_iter().collect();
        let before = event.previous.as_ref().and_then(|previous| owner(store, previous));
        keys.extend(before.filter(|before| !keys.contains(before)));
        if is_new_orphan(event) {
            let matching = self.matching(store, pod);
            keys.extend(matching.into_iter().filter(|key| !keys.contains(key)).collect::<Vec<_>>());
        }
        keys
    }

    fn concerned_by_revision(&mut self, store: &Store, event: &Event) -> Vec<ObjectKey> {
        match event.change {
            Change::Deleted => owner(store, &event.object).into_iter().collect(),
            _ if is_new_orphan(event) => self.matching(store, &event.object),
            _ => Vec::new(),
        }
    }

    /// A pod may wait for a deleted claim to be gone, or have to get it again. A changed claim matters
    /// only where claims grow.
    fn concerned_by_claim(&self, store: &Store, event: &Event) -> Vec<ObjectKey> {
        let claim = &event.object;
        let is_gone = event.change == Change::Deleted;
        if !is_gone && !growth::concerns(event.previous.as_ref(), claim) {
            return Vec::new();
        }
        let sets = store.list(Kind::StatefulSet, Some(claim.namespace())).objects;
        let is_of = |set: &&Object| {
            pod_name_of(set.name(), claim.name()).is_some() && (is_gone || self.may_grow(set))
        };
        sets.iter().filter(is_of).map(|set| set.key().clone()).collect()
    }

    /// A class may allow expansion now.
    fn concerned_by_class(&self, store: &Store) -> Vec<ObjectKey> {
        let sets = store.list(Kind::StatefulSet, None).objects;
        sets.iter().filter(|set| self.may_grow(set)).map(|set| set.key().clone()).collect()
    }
}

#[async_trait]
impl Controller for StatefulSets {
    fn name(&self) -> &'static str {
        NAME
    }

    fn interest(&self) -> Interest {
        Interest::in_kinds(&[
            Kind::StatefulSet,
            Kind::Pod,
            Kind::ControllerRevision,
            Kind::PersistentVolumeClaim,
            Kind::StorageClass,
        ])
    }

    fn concerned(&mut self, store: &Store, event: &Event) -> Vec<ObjectKey> {
        match event.object.kind() {
            Kind::StatefulSet => vec![event.object.key().clone()],
            Kind::Pod => self.concerned_by_pod(store, event),
            Kind::ControllerRevision => self.concerned_by_revision(store, event),
            Kind::PersistentVolumeClaim => self.concerned_by_claim(store, event),
            Kind::StorageClass => self.concerned_by_class(store),
            _ => Vec::new(),
        }
    }

    fn all(&mut self, store: &Store) -> Vec<ObjectKey> {
        self.looked.clear();
        let sets = store.list(Kind::StatefulSet, None).objects;
        sets.iter().map(|set| set.key().clone()).collect()
    }

    async fn reconcile(&mut self, store: &Store, key: &ObjectKey) -> Result<Next, ReconcileError> {
        let orphans = self.begin(store, key);
        let synced = sync::sync(store, key, &mut self.context, orphans).await;
        if synced.result.is_err() {
            self.looked.remove(key);
        }
        if let Some(set) = store.get(key) {
            let news = self.news(key, synced.standing, synced.result.is_err());
            for Note { reason, message, .. } in &news {
                warn!(%key, reason, "{message}");
            }
            for note in synced.notes.iter().chain(&news) {
                store.record(NAME, &set, note.severity, &note.reason, &note.message).await;
            }
        }
        synced.result
    }
}

/// Whether the event may have made the object an orphan that a set can adopt.
fn is_new_orphan(event: &Event) -> bool {
    let meta = event.object.meta();
    let is_changed = |previous: &Object| {
        let before = previous.meta();
        (&before.labels, &before.owner_references) != (&meta.labels, &meta.owner_references)
    };
    event.change != Change::Deleted
        && controller_of(meta).is_none()
        && !event.object.is_terminating()
        && event.previous.as_ref().is_none_or(is_changed)
}

/// The set that controls an object, if it exists with the uid that the object names.
fn owner(store: &Store, object: &Object) -> Option<ObjectKey> {
    let owner = controller_of(object.meta()).filter(|owner| owner.kind == "StatefulSet")?;
    let set = store.find::<StatefulSet>(object.namespace(), &owner.name)?;
    (set.uid() == owner.uid).then(|| set.key().clone())
}
