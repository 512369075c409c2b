//! The store's backend with injected write faults. It also hands every event to the checkers once.
//!
//! A write is *outrun* when another writer really changes the object just before it, so the conflict
//! is a real one. A write *fails* either before it happens or after it: in the second case only the
//! answer is lost, as with a broken connection. The seed and the number of the write decide which
//! writes are hit. Writes of Event objects never are.

use std::sync::{Arc, Mutex, MutexGuard};

use async_trait::async_trait;

use super::chance::chance;
use crate::clock::Timestamp;
use crate::objects::{Kind, ObjectKey};
use crate::store::{Backend, Cache, CommitError, Event, Expected, MemoryBackend, Write};

/// How many writes in a thousand go wrong.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Trouble {
    /// Meet a conflict: another writer was faster.
    pub(super) outrun_permille: u64,
    /// Fail.
    pub(super) failed_permille: u64,
}

/// The annotation that the other writer sets.
const TOUCHED: &str = "simulation.dullahan.dev/touched";

/// The backend of a simulation.
pub(super) struct Unreliable {
    inner: MemoryBackend,
    seed: u64,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    trouble: Trouble,
    n_writes: u64,
    /// Events that the checkers have not taken yet.
    events: Vec<Event>,
}

/// The outcome of a write.
enum Fate {
    Done,
    Outrun(u64),
    Refused,
    DoneUnanswered,
}

impl Unreliable {
    /// A backend whose watchers may lag by `history_events_max` events.
    pub(super) fn new(seed: u64, history_events_max: usize) -> Self {
        Self { inner: MemoryBackend::with_history(history_events_max), seed, state: Mutex::default() }
    }

    /// Sets how much goes wrong from now on; returns the setting before.
    pub(super) fn set_trouble(&self, trouble: Trouble) -> Trouble {
        std::mem::replace(&mut self.state().trouble, trouble)
    }

    /// The events since the last call, in their order.
    pub(super) fn take_events(&self) -> Vec<Event> {
        std::mem::take(&mut self.state().events)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("nothing panics while the state is held")
    }

    fn fate(&self, write: &Write) -> Fate {
        let mut state = self.state();
        if write.key.kind == Kind::Event {
            return Fate::Done;
        }
        state.n_writes += 1;
        let number = state.n_writes;
        if matches!(write.expected, Expected::At(_))
            && chance(&(self.seed, "outrun", number), state.trouble.outrun_permille)
        {
            return Fate::Outrun(number);
        }
        match chance(&(self.seed, "failed", number), state.trouble.failed_permille) {
            false => Fate::Done,
            true if chance(&(self.seed, "answered", number), 500) => Fate::Refused,
            true => Fate::DoneUnanswered,
        }
    }

    async fn write(&self, write: Write) -> Result<Event, CommitError> {
        let event = self.inner.commit(write).await?;
        self.state().events.push(event.clone());
        Ok(event)
    }

    /// Another writer changes the object, if it exists.
    async fn touch(&self, key: &ObjectKey, number: u64, at: Timestamp) -> Result<(), CommitError> {
        let Some(present) = self.inner.get(key) else { return Ok(()) };
        let mut next = present.typed().clone();
        let annotations = next.meta_mut().annotations.get_or_insert_default();
        annotations.insert(TOUCHED.to_owned(), number.to_string());
        let expected = Expected::At(present.revision());
        self.write(Write { key: key.clone(), expected, next: Some(next), at }).await.map(drop)
    }
}

#[async_trait]
impl Backend for Unreliable {
    fn cache(&self) -> &Arc<Cache> {
        self.inner.cache()
    }

    async fn commit(&self, write: Write) -> Result<Event, CommitError> {
        match self.fate(&write) {
            Fate::Done => self.write(write).await,
            Fate::Outrun(number) => {
                self.touch(&write.key, number, write.at).await?;
                self.write(write).await
            }
            Fate::Refused => Err(CommitError::Backend("the disk is full".into())),
            Fate::DoneUnanswered => {
                self.write(write).await?;
                Err(CommitError::Backend("the connection broke before the answer came".into()))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use k8s_openapi::api::core::v1::ConfigMap;

    use super::*;
    use crate::clock::Clock;
    use crate::objects::Revision;
    use crate::simulation::stage::complete;
    use crate::store::{Store, StoreError, StoreOptions};

    /// How a write of a fresh object and one of an object that was read end, by the trouble.
    fn check(trouble: Trouble, is_expected: impl Fn(&StoreError) -> bool) -> usize {
        let backend = Arc::new(Unreliable::new(1, 100));
        let options = StoreOptions { seed: Some(1), ..StoreOptions::default() };
        let store = Store::new(backend.clone(), Clock::manual(Timestamp::UNIX_EPOCH), options);
        let bootstrap = crate::store::Bootstrap::default();
        complete(store.bootstrap(&bootstrap)).unwrap();
        let mut map = ConfigMap::default();
        map.metadata.name = Some("map".into());
        map.metadata.namespace = Some("default".into());
        let created = complete(store.create(map)).unwrap();
        backend.set_trouble(trouble);
        let mut n_failed = 0;
        for n in 0..200 {
            let present = store.get(created.key()).unwrap();
            let mut map = present.get::<ConfigMap>().unwrap().clone();
            map.data = Some([("n".to_owned(), n.to_string())].into());
            if let Err(error) = complete(store.update(map)) {
                assert!(is_expected(&error), "{error}");
                n_failed += 1;
            }
        }
        let revisions: Vec<Revision> = backend.take_events().iter().map(|event| event.revision).collect();
        assert!(revisions.is_sorted(), "every event is told once, in order");
        assert_eq!(revisions.last().copied(), Some(store.revision()));
        n_failed
    }

    #[test]
    fn an_outrun_write_conflicts_and_a_failed_one_fails() {
        assert_eq!(check(Trouble::default(), |_| false), 0);
        let outrun = check(Trouble { outrun_permille: 500, failed_permille: 0 }, StoreError::is_conflict);
        let is_backend = |error: &StoreError| matches!(error, StoreError::Backend(_));
        let failed = check(Trouble { outrun_permille: 0, failed_permille: 500 }, is_backend);
        assert!((50..150).contains(&outrun) && (50..150).contains(&failed), "{outrun} {failed}");
    }
}
