//! The store's rules, through its public calls, in virtual time.

use k8s_openapi::api::core::v1::{ConfigMap, Container, Pod, PodSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use super::*;
use crate::clock::Timestamp;

fn store() -> Store {
    let clock = Clock::starting_at(Timestamp::UNIX_EPOCH);
    Store::in_memory(clock, StoreOptions { seed: Some(1), ..Default::default() })
}

fn config_map(name: &str) -> ConfigMap {
    ConfigMap {
        metadata: ObjectMeta {
            name: Some(name.into()),
            namespace: Some("default".into()),
            ..Default::default()
        },
        ..Default::default()
    }
}

#[tokio::test(start_paused = true)]
async fn a_watch_from_a_listing_misses_nothing_and_repeats_nothing() {
    let store = store();
    let a = store.create(config_map("a")).await.unwrap();
    let listing = store.list(Kind::ConfigMap, Some("default"));
    assert_eq!(listing.objects.iter().map(Object::name).collect::<Vec<_>>(), ["a"]);
    let mut watch = store.watch(Interest::in_kinds(&[Kind::ConfigMap]), listing.revision);
    assert!(watch.ready().unwrap().is_empty());
    store.create(config_map("b")).await.unwrap();
    store.delete(a.key(), &DeleteOptions::default()).await.unwrap();
    let events = watch.next().await.unwrap();
    let seen: Vec<_> = events.iter().map(|event| (event.change, event.object.name())).collect();
    assert_eq!(seen, [(Change::Added, "b"), (Change::Deleted, "a")]);
    assert!(watch.ready().unwrap().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_write_with_an_old_resource_version_is_a_conflict() {
    let store = store();
    let first = store.create(config_map("a")).await.unwrap();
    let mut wanted = first.get::<ConfigMap>().unwrap().clone();
    wanted.data = Some([("k".to_owned(), "v".to_owned())].into());
    let second = store.update(wanted.clone()).await.unwrap();
    assert!(second.revision() > first.revision());
    wanted.data = None;
    let error = store.update(wanted).await.unwrap_err();
    assert!(error.is_conflict(), "{error}");
}

#[tokio::test(start_paused = true)]
async fn writing_what_is_there_changes_nothing() {
    let store = store();
    let first = store.create(config_map("a")).await.unwrap();
    let again = store.update(first.get::<ConfigMap>().unwrap().clone()).await.unwrap();
    assert_eq!(again.revision(), first.revision());
}

#[tokio::test(start_paused = true)]
async fn a_finalizer_holds_a_deleted_object_until_it_is_removed() {
    let store = store();
    let mut held = config_map("held");
    held.metadata.finalizers = Some(vec!["example.com/hold".into()]);
    let held = store.create(held).await.unwrap();
    let deleted = store.delete(held.key(), &DeleteOptions::default()).await.unwrap();
    assert!(matches!(deleted, Deleted::Terminating(object) if object.is_terminating()));
    assert!(store.get(held.key()).is_some());
    store.modify::<ConfigMap>(held.key(), |object| object.metadata.finalizers = None).await.unwrap();
    assert!(store.get(held.key()).is_none());
}

#[tokio::test(start_paused = true)]
async fn a_watch_that_falls_behind_the_history_is_gone() {
    let clock = Clock::starting_at(Timestamp::UNIX_EPOCH);
    let backend = Arc::new(MemoryBackend::with_history(3));
    let store = Store::new(backend, clock, StoreOptions::default());
    let mut watch = store.watch(Interest::default(), 0);
    for name in ["a", "b", "c", "d"] {
        store.create(config_map(name)).await.unwrap();
    }
    assert_eq!(watch.ready().unwrap_err(), Gone { asked: 0, oldest: 1 });
    assert_eq!(store.watch(Interest::default(), 1).ready().unwrap().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_pod_on_a_node_is_deleted_with_grace_and_goes_when_its_node_confirms() {
    let store = store();
    let mut pod = Pod { metadata: config_map("p").metadata, ..Default::default() };
    let container = Container { name: "c".into(), image: Some("i".into()), ..Default::default() };
    pod.spec = Some(PodSpec { containers: vec![container], ..Default::default() });
    pod.spec.as_mut().unwrap().node_name = Some("node".into());
    let pod = store.create(pod).await.unwrap();
    store.delete(pod.key(), &DeleteOptions::default()).await.unwrap();
    let terminating = store.get(pod.key()).unwrap();
    assert_eq!(terminating.meta().deletion_grace_period_seconds, Some(30));
    let confirm = DeleteOptions { grace_s: Some(0), ..Default::default() };
    assert!(matches!(store.delete(pod.key(), &confirm).await.unwrap(), Deleted::Gone(_)));
    assert!(store.get(pod.key()).is_none());
}
