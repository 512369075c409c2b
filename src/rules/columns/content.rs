//! Rows of ConfigMaps, Secrets and Events.
//!
//! Of data only the number of keys is shown, never a value.

use k8s_openapi::api::core::v1::{ConfigMap, Event, Secret};
use serde_json::Value;

use super::age::{since, since_micro};
use super::cell::or;
use super::column::{AGE, Column, NAME, number, text, wide};
use crate::clock::Timestamp;

pub(super) const CONFIG_MAP: &[Column] = &[NAME, number("Data", "The number of keys."), AGE];

pub(super) const SECRET: &[Column] =
    &[NAME, text("Type", "What the secret is for."), number("Data", "The number of keys."), AGE];

pub(super) const EVENT: &[Column] = &[
    text("Last Seen", "How long ago the event was last seen."),
    text("Type", "Normal or Warning."),
    text("Reason", "The reason, in one word."),
    text("Object", "The object that the event is about."),
    wide("Subobject", "The part of the object that the event is about."),
    wide("Source", "The component that reports the event."),
    text("Message", "A description of what happened."),
    wide("First Seen", "How long ago the event was first seen."),
    Column { priority: 1, ..number("Count", "How often the event was seen.") },
    Column { priority: 1, ..NAME },
];

pub(super) fn config_map(map: &ConfigMap, now: Timestamp) -> Vec<Value> {
    let n_keys = map.data.as_ref().map_or(0, |data| data.len());
    let n_binary = map.binary_data.as_ref().map_or(0, |data| data.len());
    vec![
        map.metadata.name.clone().into(),
        (n_keys + n_binary).into(),
        since(map.metadata.creation_timestamp.as_ref(), now).into(),
    ]
}

pub(super) fn secret(secret: &Secret, now: Timestamp) -> Vec<Value> {
    vec![
        secret.metadata.name.clone().into(),
        secret.type_.clone().unwrap_or_default().into(),
        secret.data.as_ref().map_or(0, |data| data.len()).into(),
        since(secret.metadata.creation_timestamp.as_ref(), now).into(),
    ]
}

pub(super) fn event(event: &Event, now: Timestamp) -> Vec<Value> {
    let about = &event.involved_object;
    let (first_seen, last_seen) = seen(event, now);
    vec![
        last_seen.into(),
        event.type_.clone().unwrap_or_default().into(),
        event.reason.clone().unwrap_or_default().into(),
        object(event).into(),
        about.field_path.clone().unwrap_or_default().into(),
        source(event).into(),
        event.message.as_deref().unwrap_or_default().trim().into(),
        first_seen.into(),
        count(event).into(),
        event.metadata.name.clone().into(),
    ]
}

/// How long ago an event was first and last seen. A series has the latter itself.
fn seen(event: &Event, now: Timestamp) -> (String, String) {
    let first = match &event.first_timestamp {
        Some(time) => since(Some(time), now),
        None => since_micro(event.event_time.as_ref(), now),
    };
    let last = match (&event.series, &event.last_timestamp) {
        (Some(series), _) => since_micro(series.last_observed_time.as_ref(), now),
        (None, Some(time)) => since(Some(time), now),
        (None, None) => first.clone(),
    };
    (first, last)
}

fn count(event: &Event) -> i32 {
    let of_series = event.series.as_ref().and_then(|series| series.count);
    of_series.or(event.count).unwrap_or_default().max(1)
}

fn object(event: &Event) -> String {
    let about = &event.involved_object;
    let kind = about.kind.as_deref().unwrap_or_default().to_lowercase();
    match about.name.as_deref().unwrap_or_default() {
        "" => kind,
        name => format!("{kind}/{name}"),
    }
}

fn source(event: &Event) -> String {
    let source = event.source.clone().unwrap_or_default();
    let component = or(source.component.as_deref(), event.reporting_component.as_deref().unwrap_or_default());
    let host = or(source.host.as_deref(), event.reporting_instance.as_deref().unwrap_or_default());
    if host.is_empty() { component.to_owned() } else { format!("{component}, {host}") }
}
