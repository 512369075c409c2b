//! The back-off of identities: how often the pod of one ordinal may be created and deleted.
//!
//! ```text
//!   created, gone, created, gone, created, gone, created ─ 1s ─ gone, created ─ 2s ─ gone, created ─ 4s ─ … ─ 5m
//!   └ at once, FORGIVEN times again                       └ the pod is not deleted, nor the next one created
//! ```
//!
//! Kubernetes' controller has none: a pod that fails at once is made again as fast as the API server
//! allows. Here a pod whose predecessors did not last waits, whoever deleted them. A pod *lasts* if
//! it exists for [`LASTING_MIN`] and twice as long as it may be held back (client-go forgets a back-off
//! after twice its maximum), or if it was ready until someone else deleted it. So what people ask for is
//! done at once: rollouts and scaling begin afresh, since they change the set's generation; deleting a
//! pod by hand is only slowed down if it is done again and again before the pod is ready.
//!
//! Pure: [`Backoff`] is told what is there, what was written and the time. It holds one entry for each
//! young pod and each identity without a lasting pod; a new controller starts with none. Writes that
//! fail are not its business: their key has a back-off in the queue.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use k8s_openapi::api::apps::v1::StatefulSet;

use super::action::{Action, Plan, PodWrite};
use super::naming::{PodName, name_of, uid_of};
use super::note::{Note, Verb};
use super::world::{Record, is_parallel};
use crate::clock::{Timestamp, until};
use crate::objects::ObjectKey;

/// How many pods in a row may not last before the next one waits: what has not worked once or twice is
/// tried again at once, by people and by tests.
const FORGIVEN: u32 = 2;
/// The first wait; each further pod that does not last doubles it.
const WAIT_MIN: Duration = Duration::from_secs(1);
/// The longest wait, that of a kubelet before it restarts a container.
const WAIT_MAX: Duration = Duration::from_secs(300);
/// How long a pod must exist at least to last.
const LASTING_MIN: Duration = Duration::from_secs(30);

/// The back-offs of all sets that have one.
#[derive(Debug, Default)]
pub(crate) struct Backoffs {
    by_set: HashMap<ObjectKey, Backoff>,
    is_off: bool,
}

impl Backoffs {
    /// Holds nothing back, for simulations of what would happen then.
    pub(crate) fn off() -> Self {
        Self { is_off: true, ..Self::default() }
    }

    /// Takes what has to wait out of a plan, with notes in its place.
    pub(crate) fn hold_back(&mut self, set: &StatefulSet, pods: &[Record], plan: &mut Plan, now: Timestamp) {
        let key = key_of(set);
        let Some(backoff) = self.by_set.get_mut(&key) else { return };
        backoff.observe(set, pods, now);
        if backoff.by_ordinal.is_empty() {
            self.by_set.remove(&key);
            return;
        }
        backoff.hold_back(set, plan, now);
    }

    /// Takes in what was written.
    pub(crate) fn note(&mut self, set: &StatefulSet, writes: &[PodWrite], now: Timestamp) {
        if self.is_off || writes.is_empty() {
            return;
        }
        let backoff = self.by_set.entry(key_of(set)).or_insert_with(|| Backoff::of(set));
        writes.iter().for_each(|write| backoff.note(write, now));
    }

    /// Forgets a set that is gone.
    pub(crate) fn forget(&mut self, key: &ObjectKey) {
        self.by_set.remove(key);
    }
}

/// What the identities of one set have been through since its spec was changed.
#[derive(Debug)]
pub(crate) struct Backoff {
    uid: String,
    generation: Option<i64>,
    by_ordinal: BTreeMap<i32, Identity>,
}

/// The recent pods of one ordinal.
#[derive(Debug, Default)]
struct Identity {
    /// How many of them in a row did not last.
    n_short: u32,
    /// The present one.
    life: Option<Life>,
    /// It is not deleted, and its successor not created, before this instant.
    held_until: Option<Timestamp>,
}

/// A pod that the controller created.
#[derive(Debug)]
struct Life {
    uid: String,
    since: Timestamp,
    was_ready: bool,
}

impl Backoff {
    /// A set of which nothing is known.
    pub(crate) fn of(set: &StatefulSet) -> Self {
        let uid = uid_of(&set.metadata).to_owned();
        Self { uid, generation: set.metadata.generation, by_ordinal: BTreeMap::new() }
    }

    /// Compares what is known with the pods there are, which are in order of their ordinals.
    pub(crate) fn observe(&mut self, set: &StatefulSet, pods: &[Record], now: Timestamp) {
        if self.uid != uid_of(&set.metadata) || self.generation != set.metadata.generation {
            *self = Self::of(set);
        }
        let mut pods = pods.iter().peekable();
        self.by_ordinal.retain(|ordinal, identity| {
            while pods.next_if(|pod| pod.ordinal < Some(*ordinal)).is_some() {}
            let of_ordinal = pods.clone().take_while(|pod| pod.ordinal == Some(*ordinal));
            identity.observe(of_ordinal, now)
        });
    }

    /// Takes what has to wait out of a plan. Under OrderedReady what comes after it waits too.
    pub(crate) fn hold_back(&self, set: &StatefulSet, plan: &mut Plan, now: Timestamp) {
        let mut wakes = Vec::new();
        let mut notes = Vec::new();
        let is_ordered = !is_parallel(set);
        plan.actions.retain(|action| {
            if is_ordered && !wakes.is_empty() {
                return false;
            }
            let Some((until, note)) = self.held(set, action, now) else { return true };
            wakes.push(until);
            notes.push(note);
            false
        });
        plan.notes.extend(notes);
        // A full plan is made again at once only if something of it can be done.
        let is_idle = plan.actions.is_empty();
        let planned = plan.wake_at.filter(|at| !(is_idle && *at <= now && !wakes.is_empty()));
        plan.wake_at = wakes.into_iter().chain(planned).min();
    }

    /// Until when an action has to wait, and a note about it.
    fn held(&self, set: &StatefulSet, action: &Action, now: Timestamp) -> Option<(Timestamp, Note)> {
        let (verb, pod, uid) = match action {
            Action::CreatePod { pod, .. } => (Verb::Create, name_of(&pod.metadata), None),
            Action::DeletePod { pod, uid, .. } => (Verb::Delete, pod.as_str(), Some(uid.as_str())),
            _ => return None,
        };
        let identity = self.by_ordinal.get(&PodName::parse(pod).ordinal?)?;
        let until = identity.held_until.filter(|until| *until > now)?;
        // A pod that was created by someone else can go.
        if uid.is_some_and(|uid| identity.life.as_ref().is_none_or(|life| life.uid != uid)) {
            return None;
        }
        Some((until, Note::backoff(verb, pod, name_of(&set.metadata))))
    }

    /// Takes in a write that has succeeded.
    pub(crate) fn note(&mut self, write: &PodWrite, now: Timestamp) {
        let (PodWrite::Created { pod, .. } | PodWrite::Deleted { pod, .. }) = write;
        let Some(ordinal) = PodName::parse(pod).ordinal else { return };
        match write {
            PodWrite::Created { uid, .. } => {
                let identity = self.by_ordinal.entry(ordinal).or_default();
                identity.begin(uid, now);
            }
            PodWrite::Deleted { uid, .. } => {
                let Some(identity) = self.by_ordinal.get_mut(&ordinal) else { return };
                if identity.life.as_ref().is_some_and(|life| life.uid == *uid) && !identity.end(now) {
                    self.by_ordinal.remove(&ordinal);
                }
            }
        }
    }
}

impl Identity {
    fn begin(&mut self, uid: &str, now: Timestamp) {
        self.life = Some(Life { uid: uid.to_owned(), since: now, was_ready: false });
        self.held_until = Some(now + wait(self.n_short));
    }

    /// The present pod is gone or about to go. False if it has lasted.
    fn end(&mut self, now: Timestamp) -> bool {
        let has_lasted = self.life.take().is_some_and(|life| self.has_lasted(&life, now));
        self.n_short = self.n_short.saturating_add(1);
        !has_lasted
    }

    fn has_lasted(&self, life: &Life, now: Timestamp) -> bool {
        until(life.since, now) >= LASTING_MIN.max(wait(self.n_short) * 2)
    }

    /// False if there is nothing to remember any more.
    fn observe<'a>(&mut self, mut pods: impl Iterator<Item = &'a Record>, now: Timestamp) -> bool {
        let Some(life) = &mut self.life else { return true };
        let pod = pods.find(|pod| pod.object.uid() == life.uid);
        life.was_ready |= pod.is_some_and(|pod| pod.is_ready);
        let was_ready = life.was_ready;
        match pod {
            // The controller's own deletions end a life when they are written, so this is another's.
            Some(pod) if !pod.is_terminating => {
                self.life.as_ref().is_none_or(|life| !self.has_lasted(life, now))
            }
            _ => !was_ready && self.end(now),
        }
    }
}

/// How long a pod is held whose predecessors, so many in a row, did not last.
fn wait(n_short: u32) -> Duration {
    match n_short.checked_sub(FORGIVEN + 1) {
        None => Duration::ZERO,
        Some(n) => WAIT_MIN.saturating_mul(1 << n.min(16)).min(WAIT_MAX),
    }
}

fn key_of(set: &StatefulSet) -> ObjectKey {
    let namespace = set.metadata.namespace.as_deref().unwrap_or_default();
    ObjectKey::new(crate::objects::Kind::StatefulSet, namespace, name_of(&set.metadata))
}
