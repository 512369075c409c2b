//! Event objects: what happened to an object, for people to read.
//!
//! They are core/v1 Events named `<object>.<hex of the nanosecond>`. Equal ones (same object,
//! reason, message, type and component) are counted in one. They are bounded in age and in number,
//! whoever wrote them: [`EventLog`] follows the store's history, so each event object is looked at
//! when it changes and when it goes, and never in between.
//!
//! Two writers that record the same thing at once agree on the name beforehand, under the log's
//! lock, and meet in one object; the lock is not held while the store writes.

use std::collections::{BTreeMap, HashMap};
use std::hash::BuildHasher;
use std::sync::{Arc, LazyLock, MutexGuard};
use std::time::Duration;

use foldhash::quality::RandomState;
use k8s_openapi::api::core::v1::{self as core, EventSource, ObjectReference};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use tracing::debug;

use super::{Backend, Change, Event, Interest, Store, StoreError, Watch};
use crate::clock::Timestamp;
use crate::objects::{Kind, Object, ObjectKey, Revision, time};

/// How long an event object stays after it was last written, as the API server keeps them.
pub const EVENT_LIFETIME: Duration = Duration::from_secs(3600);
/// How many event objects are kept; the oldest go first.
pub const EVENTS_MAX: usize = 8192;
/// The longest message, in octets; what is beyond is cut.
const MESSAGE_LENGTH_MAX: usize = 1024;
/// How often a name that somebody else takes or removes meanwhile is tried.
const ATTEMPTS_MAX: usize = 4;

/// How an event is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// Nothing to do.
    Normal,
    /// Somebody may have to act.
    Warning,
}

impl Severity {
    fn as_str(self) -> &'static str {
        match self {
            Severity::Normal => "Normal",
            Severity::Warning => "Warning",
        }
    }
}

impl Store {
    /// Records that something happened to `about`. Repeated events are counted in one object.
    /// A failure to record is logged and otherwise ignored.
    pub async fn record(
        &self,
        component: &str,
        about: &Object,
        severity: Severity,
        reason: &str,
        message: &str,
    ) {
        let now = self.clock().now();
        let mut new = event(component, about, severity, reason, cut(message), now);
        let sameness = Sameness::of(&new);
        let (key, is_known) = self.event_log().name(sameness, about, now, |key| self.get(key).is_some());
        new.metadata.name = Some(key.name.clone());
        if let Err(error) = self.count_or_create(&key, new, is_known).await {
            debug!(%key, %error, reason, message, "could not record an event");
            self.event_log().forget(&key);
        }
        self.expire_events().await;
    }

    /// Removes the event objects that are too old or too many. Returns when the next one will be
    /// too old.
    pub async fn expire_events(&self) -> Option<Timestamp> {
        let now = self.clock().now();
        loop {
            let (key, expires, is_one_too_many) = self.event_log().oldest()?;
            if expires > now && !is_one_too_many {
                return Some(expires);
            }
            match self.unmirror(&key).await {
                Ok(()) | Err(StoreError::NotFound(_)) => {}
                Err(error) => {
                    debug!(%key, %error, "could not remove an event");
                    return Some(expires.max(now + EVENT_LIFETIME / 60));
                }
            }
        }
    }

    /// What is known is counted, what is not is created; either may have changed meanwhile.
    async fn count_or_create(
        &self,
        key: &ObjectKey,
        new: core::Event,
        is_known: bool,
    ) -> Result<(), StoreError> {
        if !is_known {
            match self.create(new.clone()).await {
                Err(StoreError::AlreadyExists(_)) => {}
                other => return other.map(drop),
            }
        }
        for _ in 0..ATTEMPTS_MAX {
            match self.count(key, &new).await {
                Err(StoreError::NotFound(_)) => {}
                other => return other.map(drop),
            }
            match self.create(new.clone()).await {
                Err(StoreError::AlreadyExists(_)) => {}
                other => return other.map(drop),
            }
        }
        Err(super::too_busy(key.clone()))
    }

    async fn count(&self, key: &ObjectKey, again: &core::Event) -> Result<Object, StoreError> {
        let count = |event: &mut core::Event| {
            event.count = Some(event.count.unwrap_or_default().saturating_add(1));
            event.last_timestamp = again.last_timestamp.clone();
        };
        self.modify::<core::Event>(key, count).await
    }

    /// The log, as of now.
    fn event_log(&self) -> MutexGuard<'_, EventLog> {
        let mut log = self.0.recorded.lock().expect("keeping the log does not panic");
        log.catch_up(&self.0.backend);
        log
    }
}

/// The event objects of the store: by age, and by what they say.
#[derive(Default)]
pub(super) struct EventLog {
    watch: Option<Watch>,
    by_age: BTreeMap<(Timestamp, Revision), ObjectKey>,
    by_sameness: HashMap<Sameness, ObjectKey>,
    names: HashMap<ObjectKey, Sameness>,
    last_nanosecond: i128,
}

impl EventLog {
    /// The name under which to record, and whether it is that of an equal event or a new one.
    fn name(
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

    /// The oldest, when it is too old, and whether there is one too many.
    fn oldest(&self) -> Option<(ObjectKey, Timestamp, bool)> {
        let ((written, _), key) = self.by_age.first_key_value()?;
        Some((key.clone(), *written + EVENT_LIFETIME, self.by_age.len() > EVENTS_MAX))
    }

    fn remember(&mut self, key: ObjectKey, sameness: Sameness) {
        self.by_sameness.insert(sameness, key.clone());
        self.names.insert(key, sameness);
    }

    fn forget(&mut self, key: &ObjectKey) {
        if let Some(sameness) = self.names.remove(key)
            && self.by_sameness.get(&sameness) == Some(key)
        {
            self.by_sameness.remove(&sameness);
        }
    }

    fn catch_up(&mut self, backend: &Arc<dyn Backend>) {
        self.watch = self.watch.take().and_then(|watch| watch.drained(|event| self.note(event)));
        if self.watch.is_none() {
            self.start_over(backend);
        }
    }

    fn start_over(&mut self, backend: &Arc<dyn Backend>) {
        let listing = backend.list(Kind::Event, None);
        *self = Self { last_nanosecond: self.last_nanosecond, ..Self::default() };
        listing.objects.iter().for_each(|object| self.add(object));
        let interest = Interest::in_kinds(&[Kind::Event]);
        self.watch = Some(Watch::new(backend.clone(), interest, listing.revision));
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

/// Two digests that have nothing to do with each other.
static HASHING: LazyLock<(RandomState, RandomState)> = LazyLock::new(Default::default);

/// What makes two events equal, as a digest: of 128 bits, so that no two others ever are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Sameness(u64, u64);

impl Sameness {
    fn of(event: &core::Event) -> Self {
        let about = &event.involved_object;
        let source = event.source.as_ref();
        let parts = [&about.uid, &event.reason, &event.message, &event.type_];
        let component = source.and_then(|source| source.component.as_deref()).unwrap_or_default();
        let said = (parts.map(|part| part.as_deref().unwrap_or_default()), component);
        Self(HASHING.0.hash_one(said), HASHING.1.hash_one(said))
    }
}

/// When an event object was last written, as it says itself.
fn age_of(object: &Object) -> Timestamp {
    let event = object.get::<core::Event>();
    let last = event.and_then(|event| event.last_timestamp.as_ref().map(|time| time.0));
    let seen = event.and_then(|event| event.event_time.as_ref().map(|time| time.0));
    let created = object.meta().creation_timestamp.as_ref().map(|time| time.0);
    last.or(seen).or(created).unwrap_or(Timestamp::UNIX_EPOCH)
}

/// Events about objects without a namespace are kept in `default`.
fn namespace_of(about: &Object) -> &str {
    if about.namespace().is_empty() { "default" } else { about.namespace() }
}

fn event(
    component: &str,
    about: &Object,
    severity: Severity,
    reason: &str,
    message: &str,
    now: Timestamp,
) -> core::Event {
    core::Event {
        metadata: ObjectMeta { namespace: Some(namespace_of(about).to_owned()), ..Default::default() },
        involved_object: reference(about),
        type_: Some(severity.as_str().to_owned()),
        reason: Some(reason.to_owned()),
        message: Some(message.to_owned()),
        source: Some(EventSource { component: Some(component.to_owned()), host: None }),
        reporting_component: Some(component.to_owned()),
        reporting_instance: Some(String::new()),
        first_timestamp: Some(time(now)),
        last_timestamp: Some(time(now)),
        count: Some(1),
        ..Default::default()
    }
}

fn reference(about: &Object) -> ObjectReference {
    let info = about.kind().info();
    ObjectReference {
        api_version: Some(info.api_version.to_owned()),
        kind: Some(info.name.to_owned()),
        namespace: (!about.namespace().is_empty()).then(|| about.namespace().to_owned()),
        name: Some(about.name().to_owned()),
        uid: Some(about.uid().to_owned()),
        resource_version: Some(about.revision().to_string()),
        field_path: None,
    }
}

fn cut(message: &str) -> &str {
    let mut end = message.len().min(MESSAGE_LENGTH_MAX);
    while !message.is_char_boundary(end) {
        end -= 1;
    }
    &message[..end]
}

#[cfg(test)]
mod tests;
