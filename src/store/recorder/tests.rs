//! Events through the store's public calls, in virtual time.

use k8s_openapi::api::core::v1::{ConfigMap, Namespace, Node};

use std::sync::Arc;
use std::time::Duration;

use super::*;
use crate::clock::Clock;
use crate::objects::Kind;
use crate::store::tests::yielding::YieldingBackend;
use crate::store::{EVENTS_MAX, StoreOptions};

async fn world() -> (Store, Object) {
    let clock = Clock::starting_at(Timestamp::UNIX_EPOCH);
    let options = StoreOptions { seed: Some(1), ..Default::default() };
    let store = Store::new(Arc::new(YieldingBackend::default()), clock, options);
    store.create(Namespace { metadata: meta("", "default"), ..Default::default() }).await.unwrap();
    let about = ConfigMap { metadata: meta("default", "about"), ..Default::default() };
    let about = store.create(about).await.unwrap();
    (store, about)
}

fn meta(namespace: &str, name: &str) -> ObjectMeta {
    ObjectMeta {
        name: Some(name.into()),
        namespace: (!namespace.is_empty()).then(|| namespace.into()),
        ..Default::default()
    }
}

fn events(store: &Store) -> Vec<core::Event> {
    let objects = store.list(Kind::Event, None).objects;
    objects.iter().filter_map(|object| object.get::<core::Event>().cloned()).collect()
}

#[tokio::test(start_paused = true)]
async fn an_event_tells_what_happened_to_what_and_when() {
    let (store, about) = world().await;
    store.clock().sleep(Duration::from_secs(2)).await;
    store.record("tester", &about, Severity::Warning, "Broken", "it broke").await;
    let event = events(&store).remove(0);
    assert_eq!(event.metadata.name.as_deref(), Some("about.77359400"));
    assert_eq!(event.metadata.namespace.as_deref(), Some("default"));
    assert_eq!(event.involved_object, reference(&about));
    assert_eq!(event.involved_object.kind.as_deref(), Some("ConfigMap"));
    assert_eq!(event.involved_object.uid.as_deref(), Some(about.uid()));
    assert_eq!((event.type_.as_deref(), event.count), (Some("Warning"), Some(1)));
    assert_eq!((event.reason.as_deref(), event.message.as_deref()), (Some("Broken"), Some("it broke")));
    assert_eq!(event.source.unwrap().component.as_deref(), Some("tester"));
    assert_eq!(event.reporting_component.as_deref(), Some("tester"));
    assert_eq!(event.first_timestamp.unwrap().0.as_second(), 2);
}

#[tokio::test(start_paused = true)]
async fn equal_events_are_counted_in_one_object() {
    let (store, about) = world().await;
    for _ in 0..3 {
        store.record("tester", &about, Severity::Normal, "Again", "once more").await;
        store.clock().sleep(Duration::from_secs(10)).await;
    }
    let event = events(&store).remove(0);
    assert_eq!((events(&store).len(), event.count), (1, Some(3)));
    assert_eq!(event.first_timestamp.unwrap().0.as_second(), 0);
    assert_eq!(event.last_timestamp.unwrap().0.as_second(), 20);
    let others = [
        ("other", Severity::Normal, "Again", "once more"),
        ("tester", Severity::Warning, "Again", "once more"),
        ("tester", Severity::Normal, "Else", "once more"),
        ("tester", Severity::Normal, "Again", "and more"),
    ];
    for (component, severity, reason, message) in others {
        store.record(component, &about, severity, reason, message).await;
    }
    assert_eq!(events(&store).len(), 5);
}

#[tokio::test(start_paused = true)]
async fn equal_events_at_the_same_time_meet_in_one_object() {
    let (store, about) = world().await;
    let record = || store.record("tester", &about, Severity::Normal, "Again", "once more");
    tokio::join!(record(), record(), record());
    let counts: Vec<_> = events(&store).iter().map(|event| event.count).collect();
    assert_eq!(counts, [Some(3)]);
}

#[tokio::test(start_paused = true)]
async fn an_event_about_an_object_without_a_namespace_is_kept_in_default() {
    let (store, _) = world().await;
    let node = store.create(Node { metadata: meta("", "n1"), ..Default::default() }).await.unwrap();
    store.record("tester", &node, Severity::Normal, "Ready", "it is ready").await;
    let event = events(&store).remove(0);
    assert_eq!(event.metadata.namespace.as_deref(), Some("default"));
    assert_eq!(event.involved_object.namespace, None);
}

#[tokio::test(start_paused = true)]
async fn an_event_removed_by_somebody_else_is_recorded_anew() {
    let (store, about) = world().await;
    store.record("tester", &about, Severity::Normal, "Again", "once more").await;
    let key = store.list(Kind::Event, None).objects[0].key().clone();
    store.delete(&key, &Default::default()).await.unwrap();
    store.record("tester", &about, Severity::Normal, "Again", "once more").await;
    assert_eq!(events(&store).remove(0).count, Some(1));
}

#[tokio::test(start_paused = true)]
async fn an_event_is_removed_an_hour_after_it_was_last_written() {
    let (store, about) = world().await;
    store.record("tester", &about, Severity::Normal, "Once", "once").await;
    store.record("tester", &about, Severity::Normal, "Again", "once more").await;
    store.clock().sleep(EVENT_LIFETIME / 2).await;
    store.record("tester", &about, Severity::Normal, "Again", "once more").await;
    store.clock().sleep(EVENT_LIFETIME / 2).await;
    let next = store.expire_events().await;
    let reasons: Vec<_> = events(&store).into_iter().filter_map(|event| event.reason).collect();
    assert_eq!(reasons, ["Again"]);
    assert_eq!(next, Some(store.clock().now() + EVENT_LIFETIME / 2));
}

#[tokio::test(start_paused = true)]
async fn of_too_many_events_the_oldest_go() {
    let (store, about) = world().await;
    for index in 0..EVENTS_MAX + 3 {
        store.record("tester", &about, Severity::Normal, "Counted", &format!("number {index}")).await;
    }
    let messages: Vec<_> = events(&store).into_iter().filter_map(|event| event.message).collect();
    assert_eq!(messages.len(), EVENTS_MAX);
    assert!(!messages.contains(&"number 2".to_owned()) && messages.contains(&"number 3".to_owned()));
}

#[test]
fn a_long_message_is_cut_between_letters() {
    assert_eq!(cut("short"), "short");
    let long = format!("{}ä", "a".repeat(MESSAGE_LENGTH_MAX - 1));
    assert_eq!(cut(&long).len(), MESSAGE_LENGTH_MAX - 1);
}
