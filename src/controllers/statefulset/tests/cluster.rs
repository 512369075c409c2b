//! A store with one set, a node that does what the test says, and faults on demand.

use std::collections::HashSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use k8s_openapi::api::apps::v1::{StatefulSet, StatefulSetStatus};
use k8s_openapi::api::core::v1::{Namespace, PersistentVolumeClaim, Pod};

use super::super::naming::PodName;
use super::super::note::Note;
use super::super::sync::{Context, Orphans, sync};
use super::{fixture, invariants};
use crate::clock::{Clock, Timestamp};
use crate::controllers::{Next, ReconcileError};
use crate::objects::{Kind, Object, ObjectKey};
use crate::store::{
    Backend, Cache, CommitError, DeleteOptions, Event, Expected, MemoryBackend, Store, StoreOptions, Write,
};

/// What a write does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Verb {
    Create,
    Update,
    Delete,
    /// The second write of a deletion, which follows the one that makes the object terminate.
    Removal,
}

/// A memory backend that counts writes and refuses those it is told to.
#[derive(Default)]
pub(crate) struct Faulty {
    inner: MemoryBackend,
    state: Mutex<Faults>,
    in_flight: AtomicUsize,
    in_flight_max: AtomicUsize,
}

#[derive(Default)]
struct Faults {
    /// Refuse the write of that kind and verb after so many more of them.
    refused: Vec<(Kind, Verb, usize)>,
    /// Report a conflict at the write of that kind and verb, once.
    outrun: Vec<(Kind, Verb)>,
    /// How many writes remain until everything fails; `None` for ever.
    n_writes_left: Option<usize>,
    log: Vec<(Kind, Verb)>,
}

impl Faulty {
    /// Refuses one write after letting `n_passed` of its sort pass.
    pub(crate) fn refuse(&self, kind: Kind, verb: Verb, n_passed: usize) {
        self.state.lock().unwrap().refused.push((kind, verb, n_passed));
    }

    /// Lets one write meet a conflict.
    pub(crate) fn outrun(&self, kind: Kind, verb: Verb) {
        self.state.lock().unwrap().outrun.push((kind, verb));
    }

    /// Lets `n` more writes pass and then none; `None` lets all pass again.
    pub(crate) fn crash_after(&self, n: Option<usize>) {
        self.state.lock().unwrap().n_writes_left = n;
    }

    /// Lets all writes pass and not count against the crash; returns what to resume with.
    pub(crate) fn pause(&self) -> Option<usize> {
        self.state.lock().unwrap().n_writes_left.take()
    }

    /// How many writes of a sort were tried so far.
    pub(crate) fn count(&self, kind: Kind, verb: Verb) -> usize {
        self.state.lock().unwrap().log.iter().filter(|entry| **entry == (kind, verb)).count()
    }

    /// How many writes were tried so far; those of events do not count.
    pub(crate) fn n_writes(&self) -> usize {
        self.state.lock().unwrap().log.iter().filter(|(kind, _)| *kind != Kind::Event).count()
    }

    /// The most writes that were under way at one time.
    pub(crate) fn in_flight_max(&self) -> usize {
        self.in_flight_max.load(Ordering::Relaxed)
    }

    fn check(&self, write: &Write) -> Result<(), CommitError> {
        let sort = (write.key.kind, self.verb(write));
        let mut state = self.state.lock().unwrap();
        if sort.0 == Kind::Event {
            return Ok(());
        }
        state.log.push(sort);
        match &mut state.n_writes_left {
            Some(0) => return Err(CommitError::Backend("the process is gone".into())),
            Some(n) => *n -= 1,
            None => {}
        }
        if let Some(at) = state.outrun.iter().position(|outrun| *outrun == sort) {
            state.outrun.remove(at);
            let refused = write.next.clone().map(Box::new);
            return Err(CommitError::Conflict { present: self.inner.get(&write.key), refused });
        }
        let Some(at) = state.refused.iter().position(|refused| (refused.0, refused.1) == sort) else {
            return Ok(());
        };
        if state.refused[at].2 > 0 {
            state.refused[at].2 -= 1;
            return Ok(());
        }
        state.refused.remove(at);
        Err(CommitError::Backend("InternalError".into()))
    }

    fn verb(&self, write: &Write) -> Verb {
        let before = self.inner.get(&write.key);
        let was_terminating = before.is_some_and(|before| before.is_terminating());
        match (&write.next, write.expected) {
            (None, _) if was_terminating => Verb::Removal,
            (None, _) => Verb::Delete,
            (Some(next), _) if next.meta().deletion_timestamp.is_some() && !was_terminating => Verb::Delete,
            (_, Expected::Absent) => Verb::Create,
            _ => Verb::Update,
        }
    }
}

#[async_trait]
impl Backend for Faulty {
    fn cache(&self) -> &Arc<Cache> {
        self.inner.cache()
    }

    async fn commit(&self, write: Write) -> Result<Event, CommitError> {
        let n = self.in_flight.fetch_add(1, Ordering::Relaxed) + 1;
        self.in_flight_max.fetch_max(n, Ordering::Relaxed);
        tokio::task::yield_now().await;
        self.in_flight.fetch_sub(1, Ordering::Relaxed);
        self.check(&write)?;
        self.inner.commit(write).await
    }
}

/// A store with the set `default/foo` in it.
pub(crate) struct Cluster {
    pub(crate) store: Store,
    pub(crate) backend: Arc<Faulty>,
    pub(crate) key: ObjectKey,
    context: Context,
    pub(crate) notes: Vec<Note>,
    /// What stood in the way at the last sync.
    pub(crate) standing: Vec<Note>,
    /// Whether the test's own doings keep pods ready in order, so that order can be checked.
    pub(crate) is_orderly: bool,
    /// Whether the test breaks identities or claims itself, so that these cannot be checked.
    pub(crate) is_tampered: bool,
    dice: u64,
}

impl Cluster {
    /// A cluster whose set is this one. Must be called with time paused.
    pub(crate) async fn with(set: StatefulSet) -> Self {
        let clock = Clock::starting_at(Timestamp::UNIX_EPOCH + Duration::from_secs(86_400));
        let backend = Arc::new(Faulty::default());
        let options = StoreOptions { seed: Some(7), ..Default::default() };
        let store = Store::new(backend.clone(), clock, options);
        let mut namespace = Namespace::default();
        namespace.metadata.name = Some("default".into());
        store.create(namespace).await.unwrap();
        let key = store.create(set).await.unwrap().key().clone();
        Self {
            store,
            backend,
            key,
            context: Context::default(),
            notes: Vec::new(),
            standing: Vec::new(),
            is_orderly: true,
            is_tampered: false,
            dice: 1,
        }
    }

    /// One sync; checks what must hold after each.
    pub(crate) async fn sync(&mut self) -> Result<Next, ReconcileError> {
        let before = self.pods();
        let synced = sync(&self.store, &self.key, &mut self.context, Orphans::Look).await;
        self.notes.extend(synced.notes);
        self.standing = synced.standing;
        let set = self.set();
        invariants::check_step(&set, &before, &self.pods());
        if !self.is_tampered && synced.result.is_ok() {
            invariants::check_state(&self.store, &set, &self.pods());
        }
        if self.is_orderly {
            invariants::check_order(&set, &self.pods());
        }
        synced.result
    }

    /// Forgets all that a process holds, as after a start.
    pub(crate) fn restart(&mut self) {
        self.context = Context::default();
    }

    /// One sync that must succeed.
    pub(crate) async fn sync_ok(&mut self) {
        self.sync().await.unwrap();
    }

    /// Syncs and moves pods on, one at a time and in no order, until the set has what it wants and
    /// a further sync changes nothing.
    pub(crate) async fn settle(&mut self) {
        for _ in 0..2000 {
            let before = self.store.revision();
            self.sync_ok().await;
            let is_moved = self.advance_one().await;
            if !is_moved && self.store.revision() == before {
                return;
            }
        }
        panic!("the set does not come to rest: {:?}", self.status());
    }

    /// Moves some pod that is not ready one step on; terminating pods vanish.
    pub(crate) async fn advance_one(&mut self) -> bool {
        let is_unfinished = |pod: &Object| pod.is_terminating() || !is_ready(pod);
        let unfinished: Vec<Object> = self.pods().into_iter().filter(is_unfinished).collect();
        if unfinished.is_empty() {
            return false;
        }
        self.dice = self.dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let pod = &unfinished[usize::try_from(self.dice >> 33).unwrap() % unfinished.len()];
        let name = pod.name().to_owned();
        match phase(pod).as_str() {
            _ if pod.is_terminating() => self.remove(&name).await,
            "Pending" => self.run(&name).await,
            _ => self.ready(&name).await,
        }
        true
    }

    /// Moves every unfinished pod on by one step.
    pub(crate) async fn advance_all(&self) {
        for pod in self.pods() {
            match phase(&pod).as_str() {
                _ if pod.is_terminating() => self.remove(pod.name()).await,
                "Pending" => self.run(pod.name()).await,
                _ if !is_ready(&pod) => self.ready(pod.name()).await,
                _ => {}
            }
        }
    }

    /// Reason, message and count of the event objects about the set, in the order of their names.
    pub(crate) fn events(&self) -> Vec<(String, String, i32)> {
        let events = self.store.list(Kind::Event, Some("default")).objects;
        let events = events.iter().filter_map(|event| event.get::<k8s_openapi::api::core::v1::Event>());
        let about =
            events.filter(|event| event.involved_object.name.as_deref() == Some(self.key.name.as_str()));
        about
            .map(|event| {
                let (reason, message) = (event.reason.clone(), event.message.clone());
                (reason.unwrap_or_default(), message.unwrap_or_default(), event.count.unwrap_or_default())
            })
            .collect()
    }

    pub(crate) fn set(&self) -> StatefulSet {
        self.store.get(&self.key).unwrap().get::<StatefulSet>().unwrap().clone()
    }

    pub(crate) fn status(&self) -> StatefulSetStatus {
        self.set().status.unwrap_or_default()
    }

    /// All pods of the namespace, by ordinal.
    pub(crate) fn pods(&self) -> Vec<Object> {
        let mut pods = self.store.list(Kind::Pod, Some("default")).objects;
        pods.sort_by_key(|pod| PodName::parse(pod.name()).ordinal);
        pods
    }

    /// The ordinals of all pods.
    pub(crate) fn ordinals(&self) -> Vec<i32> {
        self.pods().iter().filter_map(|pod| PodName::parse(pod.name()).ordinal).collect()
    }

    pub(crate) fn pod(&self, name: &str) -> Option<Pod> {
        self.store.find::<Pod>("default", name)?.get::<Pod>().cloned()
    }

    pub(crate) fn claims(&self) -> Vec<PersistentVolumeClaim> {
        let claims = self.store.list(Kind::PersistentVolumeClaim, Some("default")).objects;
        claims.iter().filter_map(|claim| claim.get::<PersistentVolumeClaim>().cloned()).collect()
    }

    /// The pods' images, by ordinal.
    pub(crate) fn images(&self) -> Vec<String> {
        let image = |pod: &Object| pod.get::<Pod>()?.spec.as_ref()?.containers.first()?.image.clone();
        self.pods().iter().filter_map(image).collect()
    }

    /// Reasons of the events so far.
    pub(crate) fn reasons(&self) -> Vec<&str> {
        self.notes.iter().map(|note| note.reason.as_str()).collect()
    }

    pub(crate) async fn edit(&self, change: impl FnMut(&mut StatefulSet) + Send) {
        self.store.modify::<StatefulSet>(&self.key, change).await.unwrap();
    }

    /// Brings a set up and forgets what was told about it.
    pub(crate) async fn up(set: StatefulSet) -> Self {
        let mut cluster = Self::with(set).await;
        cluster.settle().await;
        cluster.notes.clear();
        cluster
    }

    /// Syncs, moving pods on between, until a sync fails; returns the failure.
    pub(crate) async fn sync_until_error(&mut self) -> String {
        for _ in 0..100 {
            match self.sync().await {
                Ok(_) => self.advance_one().await,
                Err(error) => return error.to_string(),
            };
        }
        panic!("no sync fails");
    }

    pub(crate) async fn change_pod(&self, name: &str, change: impl FnMut(&mut Pod) + Send) {
        self.store.modify::<Pod>(&ObjectKey::new(Kind::Pod, "default", name), change).await.unwrap();
    }

    pub(crate) async fn change_claim(
        &self,
        name: &str,
        change: impl FnMut(&mut PersistentVolumeClaim) + Send,
    ) {
        let key = ObjectKey::new(Kind::PersistentVolumeClaim, "default", name);
        self.store.modify::<PersistentVolumeClaim>(&key, change).await.unwrap();
    }

    pub(crate) async fn scale(&self, replicas: i32) {
        self.edit(|set| set.spec.replicas = Some(replicas)).await;
    }

    pub(crate) async fn set_image(&self, image: &str) {
        self.edit(|set| {
            set.spec.template.spec.as_mut().unwrap().containers[0].image = Some(image.into());
        })
        .await;
    }

    pub(crate) async fn set_phase(&self, name: &str, phase: &str) {
        let key = ObjectKey::new(Kind::Pod, "default", name);
        let change = |pod: &mut Pod| pod.status.get_or_insert_default().phase = Some(phase.into());
        self.store.modify_status::<Pod>(&key, change).await.unwrap();
    }

    pub(crate) async fn run(&self, name: &str) {
        self.set_phase(name, "Running").await;
    }

    /// Running and ready since now.
    pub(crate) async fn ready(&self, name: &str) {
        self.ready_since(name, Some(self.store.clock().now())).await;
    }

    pub(crate) async fn unready(&self, name: &str) {
        self.ready_since(name, None).await;
    }

    pub(crate) async fn ready_since(&self, name: &str, since: Option<Timestamp>) {
        let key = ObjectKey::new(Kind::Pod, "default", name);
        let change = |pod: &mut Pod| {
            pod.status.get_or_insert_default().phase = Some("Running".into());
            fixture::set_ready(pod, since);
        };
        self.store.modify_status::<Pod>(&key, change).await.unwrap();
    }

    /// Removes a pod at once, as its node confirms.
    pub(crate) async fn remove(&self, name: &str) {
        let options = DeleteOptions { grace_s: Some(0), ..Default::default() };
        self.store.delete(&ObjectKey::new(Kind::Pod, "default", name), &options).await.unwrap();
    }

    /// Asks for a pod's deletion; it stays if it is on a node.
    pub(crate) async fn delete(&self, name: &str) {
        let key = ObjectKey::new(Kind::Pod, "default", name);
        self.store.delete(&key, &DeleteOptions::default()).await.unwrap();
    }

    pub(crate) async fn remove_claim(&self, name: &str) {
        let key = ObjectKey::new(Kind::PersistentVolumeClaim, "default", name);
        let free = |claim: &mut PersistentVolumeClaim| claim.metadata.finalizers = None;
        self.store.modify(&key, free).await.unwrap();
        self.store.delete(&key, &DeleteOptions::default()).await.unwrap();
    }

    /// What the garbage controller does to claims: those whose owners are all gone go.
    pub(crate) async fn collect_claims(&self) {
        let everything = [Kind::Pod, Kind::StatefulSet, Kind::ConfigMap];
        let uids: HashSet<String> = everything
            .iter()
            .flat_map(|kind| self.store.list(*kind, None).objects)
            .map(|object| object.uid().to_owned())
            .collect();
        for claim in self.claims() {
            let owners = claim.metadata.owner_references.unwrap_or_default();
            if !owners.is_empty() && owners.iter().all(|owner| !uids.contains(&owner.uid)) {
                self.remove_claim(claim.metadata.name.as_deref().unwrap()).await;
            }
        }
    }
}

pub(crate) fn phase(pod: &Object) -> String {
    let status = pod.get::<Pod>().and_then(|pod| pod.status.as_ref());
    status.and_then(|status| status.phase.clone()).unwrap_or_default()
}

pub(crate) fn is_ready(pod: &Object) -> bool {
    pod.get::<Pod>().is_some_and(crate::objects::pod::is_running_and_ready)
}
