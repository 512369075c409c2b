//! The store's rules, through its public calls, in virtual time.

mod grouped;
mod history;
pub(super) mod yielding;

use k8s_openapi::api::core::v1::{ConfigMap, Container, Namespace, Pod, PodSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use std::sync::Arc;

use super::*;
use crate::clock::{Clock, Timestamp};
use crate::objects::{Kind, Object, Revision, time};

async fn store() -> Store {
    let clock = Clock::starting_at(Timestamp::UNIX_EPOCH);
    let store = Store::in_memory(clock, StoreOptions { seed: Some(1), ..Default::default() });
    store.create(namespace("default")).await.unwrap();
    store
}

fn namespace(name: &str) -> Namespace {
    let metadata = ObjectMeta { name: Some(name.into()), ..Default::default() };
    Namespace { metadata, ..Default::default() }
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

/// A pod that has no place yet.
fn pod(name: &str) -> Pod {
    let container = Container { name: "c".into(), image: Some("i".into()), ..Default::default() };
    let spec = PodSpec { containers: vec![container], ..Default::default() };
    Pod { metadata: config_map(name).metadata, spec: Some(spec), ..Default::default() }
}

#[tokio::test(start_paused = true)]
async fn a_watch_from_a_listing_misses_nothing_and_repeats_nothing() {
    let store = store().await;
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
    let store = store().await;
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
    let store = store().await;
    let first = store.create(config_map("a")).await.unwrap();
    let again = store.update(first.get::<ConfigMap>().unwrap().clone()).await.unwrap();
    assert_eq!(again.revision(), first.revision());
}

#[tokio::test(start_paused = true)]
async fn a_finalizer_holds_a_deleted_object_until_it_is_removed() {
    let store = store().await;
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
    store.create(namespace("default")).await.unwrap();
    let mut watch = store.watch(Interest::default(), 0);
    for name in ["a", "b", "c"] {
        store.create(config_map(name)).await.unwrap();
    }
    assert_eq!(watch.ready().unwrap_err(), Gone { asked: 0, oldest: 1 });
    assert_eq!(store.watch(Interest::default(), 1).ready().unwrap().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn large_objects_are_kept_in_the_history_for_less_long() {
    const OCTETS: usize = 1 << 20;
    let store = store().await;
    let from = store.revision();
    let n_kept_max = MemoryBackend::HISTORY_OCTETS_MAX / OCTETS;
    let key = store.create(config_map("large")).await.unwrap().key().clone();
    let text: String = "x".repeat(OCTETS);
    // The last version is there in any case, and the first of them supersedes none of its size.
    for number in 0..n_kept_max + 2 {
        store
            .modify::<ConfigMap>(&key, |map| {
                map.data = Some([(number.to_string(), text.clone())].into());
            })
            .await
            .unwrap();
    }
    assert!(store.watch(Interest::default(), from).ready().is_err());
    let recent = store.revision() - n_kept_max as u64 / 2;
    assert_eq!(store.watch(Interest::default(), recent).ready().unwrap().len(), n_kept_max / 2);
}

#[tokio::test(start_paused = true)]
async fn the_json_that_the_history_keeps_counts_too() {
    const OCTETS: usize = 1 << 20;
    let store = store().await;
    let key = store.create(config_map("large")).await.unwrap().key().clone();
    let text: String = "x".repeat(OCTETS);
    let n_written = MemoryBackend::HISTORY_OCTETS_MAX / OCTETS;
    for number in 0..n_written {
        let written = store.modify::<ConfigMap>(&key, |map| {
            map.data = Some([(number.to_string(), text.clone())].into());
        });
        // As a watch asks for it.
        assert!(written.await.unwrap().json().len() > OCTETS);
    }
    let n_kept_max = n_written as u64 / 2;
    let oldest = store.revision() - n_kept_max - 2;
    assert!(store.watch(Interest::default(), oldest).ready().is_err(), "both forms are more than is kept");
    assert!(store.watch(Interest::default(), store.revision() - n_kept_max / 2).ready().is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_version_that_only_the_history_keeps_counts_whichever_object_came_after_it() {
    const OCTETS: usize = 1 << 20;
    let store = store().await;
    let n_objects = MemoryBackend::HISTORY_OCTETS_MAX / OCTETS;
    let names: Vec<String> = (0..n_objects + n_objects / 4).map(|number| format!("m{number}")).collect();
    for name in &names {
        let mut map = config_map(name);
        map.data = Some([("k".to_owned(), "x".repeat(OCTETS))].into());
        store.create(map).await.unwrap();
    }
    let from = store.revision();
    for name in &names {
        let key = crate::objects::ObjectKey::new(Kind::ConfigMap, "default", name);
        store.modify::<ConfigMap>(&key, |map| map.data = None).await.unwrap();
    }
    assert!(store.watch(Interest::default(), from).ready().is_err(), "each event keeps a large version");
    let recent = store.revision() - n_objects as u64 / 2;
    assert!(store.watch(Interest::default(), recent).ready().is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_pod_on_a_node_is_deleted_with_grace_and_goes_when_its_node_confirms() {
    let store = store().await;
    let mut pod = pod("p");
    pod.spec.as_mut().unwrap().node_name = Some("node".into());
    let pod = store.create(pod).await.unwrap();
    store.delete(pod.key(), &DeleteOptions::default()).await.unwrap();
    let terminating = store.get(pod.key()).unwrap();
    assert_eq!(terminating.meta().deletion_grace_period_seconds, Some(30));
    let confirm = DeleteOptions { grace_s: Some(0), ..Default::default() };
    assert!(matches!(store.delete(pod.key(), &confirm).await.unwrap(), Deleted::Gone(_)));
    assert!(store.get(pod.key()).is_none());
}

#[tokio::test(start_paused = true)]
async fn the_deletion_of_an_unplaced_pod_shows_it_terminating_before_it_goes() {
    let store = store().await;
    let pod = store.create(pod("p")).await.unwrap();
    let mut watch = store.watch(Interest::in_kinds(&[Kind::Pod]), store.revision());
    assert!(matches!(store.delete(pod.key(), &DeleteOptions::default()).await.unwrap(), Deleted::Gone(_)));
    let events = watch.ready().unwrap();
    let seen: Vec<_> = events.iter().map(|event| (event.change, event.object.is_terminating())).collect();
    assert_eq!(seen, [(Change::Modified, true), (Change::Deleted, true)]);
}

#[tokio::test(start_paused = true)]
async fn a_deletion_of_another_object_or_version_than_is_meant_is_a_conflict() {
    let store = store().await;
    let first = store.create(config_map("a")).await.unwrap();
    let other_uid = DeleteOptions { uid: Some("x".into()), ..Default::default() };
    let error = store.delete(first.key(), &other_uid).await.unwrap_err().to_string();
    let uid = first.uid();
    let reason = format!("the UID in the precondition (x) does not match the UID in record ({uid})");
    let whole = format!("operation cannot be fulfilled on ConfigMap default/a: {reason}");
    assert_eq!(error, format!("{whole}. The object might have been deleted and then recreated"));
    let other_version = DeleteOptions { resource_version: Some("1".into()), ..Default::default() };
    assert!(store.delete(first.key(), &other_version).await.unwrap_err().is_conflict());
    let resource_version = first.meta().resource_version.clone();
    let exact = DeleteOptions { uid: Some(uid.into()), resource_version, ..Default::default() };
    assert!(matches!(store.delete(first.key(), &exact).await.unwrap(), Deleted::Gone(_)));
    assert!(store.delete(first.key(), &exact).await.unwrap_err().is_not_found());
}

#[tokio::test(start_paused = true)]
async fn an_update_that_means_another_uid_is_a_conflict() {
    let store = store().await;
    let mut wanted = store.create(config_map("a")).await.unwrap().get::<ConfigMap>().unwrap().clone();
    wanted.metadata.uid = Some("x".into());
    assert!(store.update(wanted).await.unwrap_err().is_conflict());
}

#[tokio::test(start_paused = true)]
async fn a_writer_cannot_change_what_the_system_keeps() {
    let store = store().await;
    let first = store.create(config_map("a")).await.unwrap();
    let mut wanted = config_map("a");
    wanted.metadata.deletion_timestamp = Some(time(Timestamp::UNIX_EPOCH));
    wanted.metadata.generate_name = Some("b-".into());
    wanted.data = Some([("k".to_owned(), "v".to_owned())].into());
    let second = store.update(wanted).await.unwrap();
    assert_eq!(second.uid(), first.uid());
    assert_eq!(second.meta().creation_timestamp, first.meta().creation_timestamp);
    assert_eq!((second.is_terminating(), second.meta().generate_name.as_deref()), (false, None));
}

#[tokio::test(start_paused = true)]
async fn a_mirrored_object_keeps_its_uid_and_is_written_once() {
    let store = store().await;
    let mut original = config_map("a");
    original.metadata.uid = Some("from-elsewhere".into());
    original.metadata.resource_version = Some("123456".into());
    original.metadata.namespace = Some("not-mirrored".into());
    let first = store.mirror(original.clone()).await.unwrap();
    assert_eq!((first.uid(), first.revision()), ("from-elsewhere", store.revision()));
    original.metadata.resource_version = Some("123457".into());
    assert_eq!(store.mirror(original.clone()).await.unwrap().revision(), first.revision());
    original.metadata.finalizers = Some(vec!["example.com/hold".into()]);
    store.mirror(original).await.unwrap();
    store.unmirror(first.key()).await.unwrap();
    assert!(store.get(first.key()).is_none());
}

#[tokio::test(start_paused = true)]
async fn of_objects_mirrored_at_once_none_is_lost() {
    let backend = Arc::new(yielding::YieldingBackend::default());
    let store = Store::new(backend, Clock::starting_at(Timestamp::UNIX_EPOCH), StoreOptions::default());
    let original = |value: &str| ConfigMap {
        data: Some([("k".to_owned(), value.to_owned())].into()),
        ..config_map("a")
    };
    for values in [["1", "2"], ["3", "4"]] {
        let [one, other] = values.map(|value| store.mirror(original(value)));
        let (one, other) = tokio::join!(one, other);
        let written = [one.unwrap(), other.unwrap()];
        for (object, value) in written.iter().zip(values) {
            assert_eq!(object.get::<ConfigMap>().unwrap().data, original(value).data);
        }
        let last = written.iter().map(Object::revision).max();
        assert_eq!(store.find::<ConfigMap>("default", "a").map(|present| present.revision()), last);
    }
    assert_eq!(store.revision(), 4);
}

#[tokio::test(start_paused = true)]
async fn a_taken_generated_name_is_drawn_again() {
    let twin = store().await;
    let generated = || {
        let metadata = ObjectMeta { name: None, generate_name: Some("a-".into()), ..config_map("").metadata };
        ConfigMap { metadata, ..Default::default() }
    };
    let name = twin.create(generated()).await.unwrap().name().to_owned();
    let store = store().await;
    // Mirroring draws nothing from the seed, so the next name that is drawn is the twin's.
    store.mirror(config_map(&name)).await.unwrap();
    assert_ne!(store.create(generated()).await.unwrap().name(), name);
    assert!(store.create(config_map(&name)).await.unwrap_err().is_already_exists());
}

#[tokio::test(start_paused = true)]
async fn a_status_update_changes_the_status_alone_and_an_update_all_but_the_status() {
    let store = store().await;
    let first = store.create(pod("p")).await.unwrap();
    let status = store.modify_status::<Pod>(first.key(), |pod| {
        pod.status.get_or_insert_default().phase = Some("Running".into());
        pod.metadata.finalizers = Some(vec!["example.com/hold".into()]);
    });
    let running = status.await.unwrap();
    assert_eq!(running.meta().finalizers, None);
    let main = store.modify::<Pod>(first.key(), |pod| {
        pod.status = None;
        pod.metadata.labels = Some([("k".to_owned(), "v".to_owned())].into());
    });
    let labelled = main.await.unwrap();
    assert!(labelled.meta().labels.is_some());
    let phase = labelled.get::<Pod>().unwrap().status.as_ref().and_then(|status| status.phase.clone());
    assert_eq!(phase.as_deref(), Some("Running"));
}

#[tokio::test(start_paused = true)]
async fn a_namespace_shows_all_its_content_once_it_terminates() {
    let clock = Clock::starting_at(Timestamp::UNIX_EPOCH);
    let backend = Arc::new(yielding::YieldingBackend::default());
    let store = Store::new(backend, clock, StoreOptions { seed: Some(1), ..Default::default() });
    let team = store.create(namespace("team")).await.unwrap();
    let mut late = config_map("late");
    late.metadata.namespace = Some("team".into());
    let content = async {
        store.delete(team.key(), &DeleteOptions::default()).await.unwrap();
        store.list(Kind::ConfigMap, Some("team")).objects.len()
    };
    let (created, listed) = tokio::join!(store.create(late), content);
    assert_eq!((created.is_ok(), listed), (true, 1), "the creation had begun before the deletion");
}
