//! The StatefulSet controller: decides with a pure planner, then acts.
//!
//! ```text
//!   events ─► concerned ─► key ─► sync ─► roster, claims, retention, rollout ─► plan ─► act ─► store
//!                                   └──► revision, ownership                      └───► status
//! ```
//!
//! [`plan`] says what one sync may do, [`act`] does it, [`sync`] reads the world for the one and
//! writes status and history after the other. It knows nothing of who runs the pods; it sees
//! their phase and their `Ready` condition.
//!
//! Orphans are adopted without listing the namespace in every sync. A set looks for them in its
//! first sync, and again after an event about an orphan that its selector matches: an object
//! becomes an orphan of a set's only by being written, and every write is an event. After lost
//! events every set looks again. So none is missed, and a set without orphans costs its own pods
//! only.

mod act;
mod claims;
mod encoding;
mod fault;
mod identity;
mod note;
mod ownership;
mod plan;
mod predicates;
mod retention;
mod revision;
mod rollout;
mod roster;
mod status;
mod sync;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard};

use async_trait::async_trait;
use k8s_openapi::api::apps::v1::StatefulSet;

use super::{Controller, Next, ReconcileError};
use crate::objects::{Kind, Object, ObjectKey, Selector, controller_of};
use crate::store::{Change, Event, Interest, Store};
#[doc(hidden)]
pub use fault::Fault;
use sync::Orphans;

/// The component in events.
const NAME: &str = "statefulset-controller";

/// The StatefulSet controller.
#[derive(Debug, Default)]
pub struct StatefulSets {
    /// The sets, by key and uid, that have seen all orphans there were. One entry per set.
    looked: Mutex<HashMap<ObjectKey, String>>,
    fault: Option<Fault>,
}

impl StatefulSets {
    /// A controller that has seen nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// A controller whose planner is wrong on purpose.
    #[doc(hidden)]
    pub fn with_fault(fault: Fault) -> Self {
        Self { fault: Some(fault), ..Self::default() }
    }

    fn looked(&self) -> MutexGuard<'_, HashMap<ObjectKey, String>> {
        self.looked.lock().expect("no panic happens while the map is changed")
    }

    /// Whether to look for orphans now. The set is marked before it looks, so that an event which
    /// comes while it does makes it look again.
    fn begin(&self, store: &Store, key: &ObjectKey) -> Orphans {
        let Some(set) = store.get(key) else {
            self.looked().remove(key);
            return Orphans::Skip;
        };
        let before = self.looked().insert(key.clone(), set.uid().to_owned());
        if before.as_deref() == Some(set.uid()) { Orphans::Skip } else { Orphans::Look }
    }

    /// The sets that an orphan could be for; they will look for it.
    fn matching(&self, store: &Store, orphan: &Object) -> Vec<ObjectKey> {
        let sets = store.list(Kind::StatefulSet, Some(orphan.namespace())).objects;
        let matches = |set: &Object| {
            let selector = &set.get::<StatefulSet>()?.spec.selector;
            let selector = Selector::from_label_selector(selector).ok()?;
            Some(selector.matches(orphan.meta().labels.as_ref()))
        };
        let keys: Vec<ObjectKey> =
            sets.iter().filter(|set| matches(set) == Some(true)).map(|set| set.key().clone()).collect();
        let mut looked = self.looked();
        for key in &keys {
            looked.remove(key);
        }
        keys
    }

    fn concerned_by_pod(&self, store: &Store, event: &Event) -> Vec<ObjectKey> {
        let pod = &event.object;
        let mut keys: Vec<ObjectKey> = owner(store, pod).into_iter().collect();
        let before = event.previous.as_ref().and_then(|previous| owner(store, previous));
        keys.extend(before.filter(|before| !keys.contains(before)));
        if is_new_orphan(event) {
            let matching = self.matching(store, pod);
            keys.extend(matching.into_iter().filter(|key| !keys.contains(key)).collect::<Vec<_>>());
        }
        keys
    }

    fn concerned_by_revision(&self, store: &Store, event: &Event) -> Vec<ObjectKey> {
        match event.change {
            Change::Deleted => owner(store, &event.object).into_iter().collect(),
            _ if is_new_orphan(event) => self.matching(store, &event.object),
            _ => Vec::new(),
        }
    }

    /// A claim that is gone may be one that a pod waits for to go, or one that a pod waits for.
    fn concerned_by_claim(&self, store: &Store, event: &Event) -> Vec<ObjectKey> {
        if event.change != Change::Deleted {
            return Vec::new();
        }
        let claim = &event.object;
        let sets = store.list(Kind::StatefulSet, Some(claim.namespace())).objects;
        let is_of = |set: &&Object| claims::pod_name_of(set.name(), claim.name()).is_some();
        sets.iter().filter(is_of).map(|set| set.key().clone()).collect()
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
        ])
    }

    fn concerned(&self, store: &Store, event: &Event) -> Vec<ObjectKey> {
        match event.object.kind() {
            Kind::StatefulSet => vec![event.object.key().clone()],
            Kind::Pod => self.concerned_by_pod(store, event),
            Kind::ControllerRevision => self.concerned_by_revision(store, event),
            Kind::PersistentVolumeClaim => self.concerned_by_claim(store, event),
            _ => Vec::new(),
        }
    }

    fn all(&self, store: &Store) -> Vec<ObjectKey> {
        self.looked().clear();
        let sets = store.list(Kind::StatefulSet, None).objects;
        sets.iter().map(|set| set.key().clone()).collect()
    }

    async fn reconcile(&self, store: &Store, key: &ObjectKey) -> Result<Next, ReconcileError> {
        let orphans = self.begin(store, key);
        let synced = sync::sync(store, key, orphans, self.fault).await;
        if synced.result.is_err() {
            self.looked().remove(key);
        }
        if let Some(set) = store.get(key) {
            for note in &synced.notes {
                store.record(NAME, &set, note.severity, &note.reason, &note.message).await;
            }
        }
        synced.result
    }
}

/// Whether the event may have made its object an orphan that a set can adopt.
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

/// The set that controls an object, if it is there and is the one that is meant.
fn owner(store: &Store, object: &Object) -> Option<ObjectKey> {
    let owner = controller_of(object.meta()).filter(|owner| owner.kind == "StatefulSet")?;
    let set = store.find::<StatefulSet>(object.namespace(), &owner.name)?;
    (set.uid() == owner.uid).then(|| set.key().clone())
}
