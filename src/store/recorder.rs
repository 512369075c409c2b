//! Recording events: core/v1 Events that tell people what happened to an object.
//!
//! They are named `<object>.<hex of the nanosecond>`. Repeated events (same object, reason, message,
//! type and component) are counted in one object. Age and number of all events are bounded, whoever
//! wrote them; [`EventLog`] keeps track of them.
//!
//! Two tasks that record the same event at once get the same name from the log, under its lock, so
//! that they count in one object; the lock is not held during the write.

use std::sync::MutexGuard;

use k8s_openapi::api::core::v1::{self as core, EventSource, ObjectReference};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use tracing::debug;

use super::error::StoreError;
use super::event_log::{EVENT_LIFETIME, EventLog, Sameness, namespace_of};
use super::handle::{Store, too_busy};
use crate::clock::Timestamp;
use crate::objects::{Object, ObjectKey, time};

/// The longest message, in octets; the rest is cut off.
const MESSAGE_LENGTH_MAX: usize = 1024;
/// How many times recording is tried while others create or delete the same event.
const ATTEMPTS_MAX: usize = 4;

/// The type of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// Nothing needs to be done.
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
    /// Records an event about `about`. Repeated events are counted in one object. A failure to
    /// record is logged and otherwise ignored.
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

    /// Removes expired events, and the oldest ones beyond [`EVENTS_MAX`](super::EVENTS_MAX). Returns
    /// when the next one expires.
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

    /// Counts a known event and creates a new one; either may have changed meanwhile.
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
        Err(too_busy(key.clone()))
    }

    async fn count(&self, key: &ObjectKey, again: &core::Event) -> Result<Object, StoreError> {
        let count = |event: &mut core::Event| {
            event.count = Some(event.count.unwrap_or_default().saturating_add(1));
            event.last_timestamp = again.last_timestamp.clone();
        };
        self.modify::<core::Event>(key, count).await
    }

    /// The log, up to date.
    fn event_log(&self) -> MutexGuard<'_, EventLog> {
        let mut log = self.0.recorded.lock().expect("keeping the log does not panic");
        log.catch_up(self.cache());
        log
    }
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
