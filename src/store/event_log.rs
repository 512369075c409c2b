//! The index of event objects: by age, to expire them, and by content, to count repetitions.
//!
//! It follows the store's history, so it knows the events that clients write too.

use std::collections::{BTreeMap, HashMap};
use std::hash::BuildHasher;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use foldhash::quality::RandomState;
use k8s_openapi::api::core::v1 as core;

use super::cache::Cache;
use super::event::{Change, Event, Interest};
use super::watch::Watch;
use crate::clock::Timestamp;
use crate::objects::{Kind, Object, ObjectKey, Revision};

/// How long an event is kept after it was last written: the API server's `--event-ttl`.
pub const EVENT_LIFETIME: Duration = Duration::from_secs(3600);
/// How many events are kept; the oldest go first.
pub const EVENTS_MAX: usize = 8192;

/// The event objects of the store, by age and by content.
#[derive(Default)]
pub(super) struct EventLog {
    watch: Option<Watch>,
    by_age: BTreeMap<(Timestamp, Revision), ObjectKey>,
    by_sameness: HashMap<Sameness, ObjectKey>,
    names: HashMap<ObjectKey, Sameness>,
    last_nanosecond: i128,
}

impl EventLog {
    /// The name to record under, and whether an equal event has it already.
    pub(super) fn name(
        &mut self,
        sameness: Sameness,
        about: &Object,
        now: Timestamp,
        is_taken: impl Fn(&ObjectKey) -> bool,
    ) -> (ObjectKey, bool) {
        if let Some(present) = self.by_sameness.get(&sameness) {
            return (present.clone(), true);
        }
        self.last_nanosecond = now.as_nanosecond().max(self.last_nanosecond + 1);
        let key = loop {
            let name = format!("{}.{:x}", about.name(), self.last_nanosecond);
            let key = ObjectKey::new(Kind::Event, namespace_of(about), &name);
            if !is_taken(&key) {
                break key;
            }
            self.last_nanosecond += 1;
        };
        self.remember(key.clone(), sameness);
        (key, false)
    }

    /// The oldest event, when it expires, and whether there are more than [`EVENTS_MAX`].
    pub(super) fn oldest(&self) -> Option<(ObjectKey, Timestamp, bool)> {
        let ((written, _), key) = self.by_age.first_key_value()?;
        Some((key.clone(), *written + EVENT_LIFETIME, self.by_age.len() > EVENTS_MAX))
    }

    fn remember(&mut self, key: ObjectKey, sameness: Sameness) {
        self.by_sameness.insert(sameness, key.clone());
        self.names.insert(key, sameness);
    }

    pub(super) fn forget(&mut self, key: &ObjectKey) {
        if let Some(sameness) = self.names.remove(key)
            && self.by_sameness.get(&sameness) == Some(key)
        {
            self.by_sameness.remove(&sameness);
        }
    }

    /// Takes in what has happened since the last call.
    pub(super) fn catch_up(&mut self, cache: &Arc<Cache>) {
        self.watch = self.watch.take().and_then(|watch| watch.drained(|event| self.note(event)));
        if self.watch.is_none() {
            self.start_over(cache);
        }
    }

    fn start_over(&mut self, cache: &Arc<Cache>) {
        let listing = cache.list(Kind::Event, None, |_| true);
        *self = Self { last_nanosecond: self.last_nanosecond, ..Self::default() };
        listing.objects.iter().for_each(|object| self.add(object));
        let interest = Interest::in_kinds(&[Kind::Event]);
        self.watch = Some(Watch::new(cache.clone(), interest, listing.revision));
    }

    fn note(&mut self, event: &Event) {
        if let Some(previous) = &event.previous {
            self.by_age.remove(&(age_of(previous), previous.revision()));
        }
        match event.change {
            Change::Deleted => self.forget(event.object.key()),
            Change::Added | Change::Modified => self.add(&event.object),
        }
    }

    fn add(&mut self, object: &Object) {
        let Some(event) = object.get::<core::Event>() else { return };
        self.by_age.insert((age_of(object), object.revision()), object.key().clone());
        self.remember(object.key().clone(), Sameness::of(event));
    }
}

/// Two independent hash functions.
static HASHING: LazyLock<(RandomState, RandomState)> = LazyLock::new(Default::default);

/// A digest of what makes two events equal; 128 bits, so that different events never collide.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Sameness(u64, u64);

impl Sameness {
    pub(super) fn of(event: &core::Event) -> Self {
        let about = &event.involved_object;
        let source = event.source.as_ref();
        let parts = [&about.uid, &event.reason, &event.message, &event.type_];
        let component = source.and_then(|source| source.component.as_deref()).unwrap_or_default();
        let said = (parts.map(|part| part.as_deref().unwrap_or_default()), component);
        Self(HASHING.0.hash_one(said), HASHING.1.hash_one(said))
    }
}

/// When an event was last seen, by its own fields.
fn age_of(object: &Object) -> Timestamp {
    let event = object.get::<core::Event>();
    let last = event.and_then(|event| event.last_timestamp.as_ref().map(|time| time.0));
    let seen = event.and_then(|event| event.event_time.as_ref().map(|time| time.0));
    let created = object.meta().creation_timestamp.as_ref().map(|time| time.0);
    last.or(seen).or(created).unwrap_or(Timestamp::UNIX_EPOCH)
}

/// Events about objects without a namespace are kept in `default`.
pub(super) fn namespace_of(about: &Object) -> &str {
    if about.namespace().is_empty() { "default" } else { about.namespace() }
}
