//! Carries out the deeds of a history: through the store, as a user would, or on the stage itself.
//!
//! A deed that is impossible now (its set or pod does not exist) is skipped. A user's own writes never
//! fail, so that the history says what was asked for.

use std::time::Duration;

use k8s_openapi::api::apps::v1::{ControllerRevision, StatefulSet, StatefulSetOrdinals};
use k8s_openapi::api::core::v1::Pod;

use super::backend::Trouble;
use super::history::{Deed, Entry};
use super::runtime::Mishap;
use super::stage::complete;
use super::view::TEMPLATE;
use super::world::{Ending, World};
use crate::clock::Timestamp;
use crate::objects::{Kind, Object, ObjectKey, Typed};
use crate::store::{DeleteOptions, Propagation, StoreError};

/// The foreign finalizer that holds a pod.
const HOLD: &str = "simulation.dullahan.dev/hold";
const NEVER_READY: &str = "simulated.dullahan.dev/never-ready";
/// The wait before creating a set whose name is still taken.
const CREATE_RETRY: Duration = Duration::from_secs(5);

impl World<'_> {
    /// Creates the objects that exist before the history begins.
    pub(super) fn set_up(&mut self) {
        for prop in &self.cast.props {
            // An object that exists already, such as the namespace "default", is left alone.
            match complete(self.stage.store.create(prop.clone())) {
                Err(error) if !error.is_already_exists() => self.refused.push(refusal(prop, &error)),
                _ => {}
            }
        }
    }

    /// Carries out one deed.
    pub(super) fn play(&mut self, entry: &Entry) {
        let now = self.stage.now();
        self.writes.note_deed(now);
        match entry.deed.clone() {
            Deed::Sleep { role, lasting } => self.stage.put_to_sleep(role, now + lasting),
            Deed::Repeat(role) => self.stage.repeat(role),
            Deed::Lose { role, lasting } => self.stage.lose(role, now + lasting),
            Deed::Restart(role) => self.stage.restart(role),
            Deed::Disturb { trouble, lasting } => self.disturb(trouble, now + lasting),
            Deed::Mishap { ordinal, mishap, lasting } => {
                self.inject(entry.set, ordinal, mishap, now + lasting)
            }
            deed => {
                let trouble = self.stage.backend.set_trouble(Trouble::default());
                self.ask(entry.set, deed, now);
                self.stage.backend.set_trouble(trouble);
            }
        }
    }

    /// Ends a deed that lasted for some time.
    pub(super) fn end(&mut self, ending: Ending) {
        let now = self.stage.now();
        self.writes.note_deed(now);
        match ending {
            Ending::Disturbance if self.disturbed_until.is_none_or(|until| until > now) => {}
            Ending::Disturbance => self.quieten(),
            Ending::Hold { set, ordinal } => {
                let trouble = self.stage.backend.set_trouble(Trouble::default());
                self.hold(set, ordinal, false);
                self.stage.backend.set_trouble(trouble);
            }
            Ending::Create { set } => {
                let trouble = self.stage.backend.set_trouble(Trouble::default());
                self.create(set, now);
                self.stage.backend.set_trouble(trouble);
            }
        }
    }

    /// Stops the injected write faults.
    pub(super) fn quieten(&mut self) {
        self.disturbed_until = None;
        self.has_failures = false;
        self.stage.backend.set_trouble(Trouble::default());
    }

    /// An operator repairs every template. Where a template was broken the partition is removed too:
    /// below it pods of the broken revision would be created for ever.
    pub(super) fn mend(&mut self) {
        self.quieten();
        for set in 0..self.cast.sets.len() {
            let key = self.set_key(set);
            self.writes.note_deed(self.stage.now());
            let is_broken = |revision: &Object| {
                let revision = revision.get::<ControllerRevision>();
                revision.is_some_and(|revision| revision.data.0.to_string().contains(NEVER_READY))
            };
            let was_broken = self.view.list(Kind::ControllerRevision).any(is_broken);
            self.change(&key, |set| {
                let meta = set.spec.template.metadata.as_ref();
                let annotations = meta.and_then(|meta| meta.annotations.as_ref());
                if annotations.is_some_and(|annotations| annotations.contains_key(NEVER_READY)) {
                    mark(set, NEVER_READY, None);
                    mark(set, TEMPLATE, Some("mended".to_owned()));
                }
                let rolling =
                    set.spec.update_strategy.as_mut().and_then(|strategy| strategy.rolling_update.as_mut());
                if let (true, Some(rolling)) = (was_broken, rolling) {
                    rolling.partition = Some(0);
                }
            });
        }
    }

    /// Deletes the pods that a broken template left behind; false if there are none.
    pub(super) fn delete_broken_pods(&mut self) -> bool {
        let is_broken = |pod: &&Object| {
            let annotations = pod.meta().annotations.as_ref();
            !pod.is_terminating()
                && annotations.is_some_and(|annotations| annotations.contains_key(NEVER_READY))
        };
        let broken: Vec<ObjectKey> =
            self.view.list(Kind::Pod).filter(is_broken).map(|pod| pod.key().clone()).collect();
        for key in &broken {
            self.writes.note_deed(self.stage.now());
            let _ = complete(self.stage.store.delete(key, &DeleteOptions::default()));
        }
        !broken.is_empty()
    }

    fn ask(&mut self, set: usize, deed: Deed, now: Timestamp) {
        let key = self.set_key(set);
        match deed {
            Deed::Create => self.create(set, now),
            Deed::Scale(replicas) => self.change(&key, |set| set.spec.replicas = Some(replicas)),
            Deed::Start(start) => self.change(&key, |set| {
                set.spec.ordinals = Some(StatefulSetOrdinals { start: Some(start) });
            }),
            Deed::Template { version, is_broken } => self.change(&key, |set| {
                let broken = if is_broken { "-broken" } else { "" };
                mark(set, TEMPLATE, Some(format!("{version}{broken}")));
                mark(set, NEVER_READY, is_broken.then(|| "true".to_owned()));
            }),
            Deed::Partition(partition) => self.change(&key, |set| {
                let strategy = set.spec.update_strategy.as_mut();
                if let Some(rolling) = strategy.and_then(|strategy| strategy.rolling_update.as_mut()) {
                    rolling.partition = Some(partition);
                }
            }),
            Deed::DeletePod(ordinal) => {
                let key = self.pod_key(set, ordinal);
                let _ = complete(self.stage.store.delete(&key, &DeleteOptions::default()));
            }
            Deed::DeleteSet(propagation) => self.delete_set(&key, propagation),
            Deed::Hold { ordinal, lasting } if self.hold(set, ordinal, true) => {
                self.ends(now + lasting, Ending::Hold { set, ordinal });
            }
            _ => {}
        }
    }

    fn create(&mut self, set: usize, now: Timestamp) {
        let wanted = self.cast.sets[set].clone();
        match complete(self.stage.store.create(wanted.clone())) {
            Err(StoreError::AlreadyExists(key)) => {
                let is_going = self.stage.store.get(&key).is_some_and(|present| present.is_terminating());
                if is_going {
                    self.ends(now + CREATE_RETRY, Ending::Create { set });
                }
            }
            Err(error) => self.refused.push(refusal(&wanted.into(), &error)),
            Ok(_) => {}
        }
    }

    fn delete_set(&self, key: &ObjectKey, propagation: Propagation) {
        let options = DeleteOptions { propagation, ..DeleteOptions::default() };
        let _ = complete(self.stage.store.delete(key, &options));
    }

    /// A set that does not exist, or refuses the change, stays as it is.
    fn change(&self, key: &ObjectKey, change: impl FnMut(&mut StatefulSet) + Send) {
        let _ = complete(self.stage.store.modify::<StatefulSet>(key, change));
    }

    /// Adds the finalizer to the pod or removes it; false if the pod does not exist.
    fn hold(&self, set: usize, ordinal: i32, is_held: bool) -> bool {
        let key = self.pod_key(set, ordinal);
        let change = |pod: &mut Pod| {
            let mut finalizers = pod.metadata.finalizers.take().unwrap_or_default();
            finalizers.retain(|finalizer| finalizer != HOLD);
            // Kubernetes forbids new finalizers on an object that is being deleted.
            if is_held && pod.metadata.deletion_timestamp.is_none() {
                finalizers.push(HOLD.to_owned());
            }
            pod.metadata.finalizers = (!finalizers.is_empty()).then_some(finalizers);
        };
        complete(self.stage.store.modify::<Pod>(&key, change)).is_ok()
    }

    fn inject(&mut self, set: usize, ordinal: i32, mishap: Mishap, until: Timestamp) {
        let key = self.pod_key(set, ordinal);
        self.stage.runtime.inject((key.namespace.clone(), key.name.clone()), mishap, until);
        if let Some(pod) = self.stage.store.get(&key) {
            self.stage.note_changed(pod.uid());
        }
    }

    fn disturb(&mut self, trouble: Trouble, until: Timestamp) {
        self.stage.backend.set_trouble(trouble);
        self.has_failures = trouble.failed_permille > 0;
        self.disturbed_until = Some(until);
        self.ends(until, Ending::Disturbance);
    }

    fn set_key(&self, set: usize) -> ObjectKey {
        ObjectKey::of(&Typed::from(self.cast.sets[set].clone()))
    }

    fn pod_key(&self, set: usize, ordinal: i32) -> ObjectKey {
        let set = self.set_key(set);
        ObjectKey::new(Kind::Pod, &set.namespace, &format!("{}-{ordinal}", set.name))
    }
}

fn refusal(object: &Typed, error: &StoreError) -> String {
    format!("{} cannot be created: {error}", ObjectKey::of(object))
}

/// Sets an annotation of the template, or removes it.
fn mark(set: &mut StatefulSet, name: &str, value: Option<String>) {
    let annotations = set.spec.template.metadata.get_or_insert_default().annotations.get_or_insert_default();
    match value {
        Some(value) => annotations.insert(name.to_owned(), value),
        None => annotations.remove(name),
    };
}
