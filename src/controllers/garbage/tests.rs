//! The verdicts as a table, then the controller on a real store in virtual time.

use k8s_openapi::api::core::v1::{ConfigMap, Container, Namespace, PersistentVolume, Pod, PodSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference};
use tokio_util::sync::CancellationToken;

use super::*;
use crate::clock::{Clock, Timestamp};
use crate::controllers;
use crate::objects::{Typed, time};
use crate::store::{
    DeleteOptions, Deleted, EVENT_LIFETIME, FINALIZER_FOREGROUND, FINALIZER_ORPHAN, Propagation, Severity,
    StoreOptions,
};

fn meta(namespace: &str, name: &str) -> ObjectMeta {
    ObjectMeta {
        name: Some(name.into()),
        namespace: (!namespace.is_empty()).then(|| namespace.into()),
        ..Default::default()
    }
}

fn config_map(name: &str, owners: &[&Object]) -> ConfigMap {
    let mut metadata = meta("default", name);
    metadata.owner_references = Some(owners.iter().map(|owner| reference(owner, true)).collect());
    ConfigMap { metadata, ..Default::default() }
}

fn reference(owner: &Object, is_blocking: bool) -> OwnerReference {
    let info = owner.kind().info();
    OwnerReference {
        api_version: info.api_version.into(),
        kind: info.name.into(),
        name: owner.name().into(),
        uid: owner.uid().into(),
        controller: None,
        block_owner_deletion: Some(is_blocking),
    }
}

/// An object with owners called `a`, `b`, … and these finalizers, terminating or not.
fn object(uid: &str, owners: &[&str], finalizers: &[&str], is_terminating: bool) -> Object {
    let mut metadata = meta("default", uid);
    metadata.uid = Some(uid.into());
    metadata.finalizers = Some(finalizers.iter().map(|name| (*name).to_owned()).collect());
    metadata.deletion_timestamp = is_terminating.then(|| time(Timestamp::UNIX_EPOCH));
    let owner = |uid: &&str| OwnerReference {
        uid: (*uid).to_owned(),
        block_owner_deletion: Some(true),
        ..Default::default()
    };
    metadata.owner_references = Some(owners.iter().map(owner).collect());
    Object::at_revision(ConfigMap { metadata, ..Default::default() }.into(), 1)
}

#[test]
fn an_object_with_one_live_owner_only_loses_the_others() {
    use Owner::{Dangling, Solid, Unresolvable, Waiting};
    let delete = |propagation| Verdict::Delete { propagation, unblocks: false };
    let lose = |uids: &[&str]| Verdict::LoseOwners(uids.iter().map(|uid| (*uid).to_owned()).collect());
    let no_dependents: &[Object] = &[];
    let dependents = &[object("d", &["o"], &[], false)];
    let circle = &[object("d", &["o"], &[FINALIZER_FOREGROUND], true)];
    let unblocking = Verdict::Delete { propagation: Propagation::Foreground, unblocks: true };
    type Case<'a> = (&'a [Owner], &'a [&'a str], &'a [Object], Verdict);
    let cases: &[Case<'_>] = &[
        (&[], &[], no_dependents, Verdict::Keep),
        (&[Solid], &[], no_dependents, Verdict::Keep),
        (&[Solid, Dangling], &[], no_dependents, lose(&["b"])),
        (&[Waiting, Solid, Dangling], &[], dependents, lose(&["a", "c"])),
        (&[Dangling], &[], no_dependents, delete(Propagation::Background)),
        (&[Dangling, Dangling], &[], dependents, delete(Propagation::Background)),
        (&[Dangling], &[FINALIZER_ORPHAN], dependents, delete(Propagation::Orphan)),
        (&[Dangling], &[FINALIZER_FOREGROUND], dependents, delete(Propagation::Foreground)),
        (&[Waiting], &[], no_dependents, delete(Propagation::Background)),
        (&[Waiting, Dangling], &[], dependents, delete(Propagation::Foreground)),
        (&[Waiting], &[], circle, unblocking),
        (&[Unresolvable], &[], no_dependents, Verdict::Keep),
        (&[Dangling, Unresolvable], &[], no_dependents, Verdict::Keep),
    ];
    for (owners, finalizers, dependents, expected) in cases {
        let uids: Vec<&str> = ["a", "b", "c"].into_iter().take(owners.len()).collect();
        let found = decide(&object("o", &uids, finalizers, false), owners, dependents);
        assert_eq!(found, *expected, "{owners:?} {finalizers:?}");
    }
}

#[test]
fn a_terminating_object_waits_for_those_that_block_it_alone() {
    let blocking = object("d", &["o"], &[], false);
    let mut free = blocking.typed().clone();
    free.meta_mut().owner_references.as_mut().unwrap()[0].block_owner_deletion = Some(false);
    let free = Object::at_revision(free, 1);
    let foreign = object("e", &["x"], &[], false);
    let cases: &[(&[&str], &[Object], Verdict)] = &[
        (&[FINALIZER_FOREGROUND], &[], Verdict::Release),
        (&[FINALIZER_FOREGROUND], &[blocking.clone(), free.clone()], Verdict::Keep),
        (&[FINALIZER_FOREGROUND], &[free.clone(), foreign], Verdict::Release),
        (&[FINALIZER_ORPHAN], &[blocking], Verdict::Orphan),
        (&["example.com/hold"], &[free], Verdict::Keep),
    ];
    for (finalizers, dependents, expected) in cases {
        let found = decide(&object("o", &["a"], finalizers, true), &[Owner::Dangling], dependents);
        assert_eq!(found, *expected, "{finalizers:?} {dependents:?}");
    }
}

/// A store whose garbage is collected.
struct World {
    store: Store,
    stop: CancellationToken,
}

impl World {
    async fn new() -> Self {
        let clock = Clock::starting_at(Timestamp::UNIX_EPOCH);
        let store = Store::in_memory(clock, StoreOptions { seed: Some(1), ..Default::default() });
        for name in ["default", "other"] {
            store.create(Namespace { metadata: meta("", name), ..Default::default() }).await.unwrap();
        }
        let stop = CancellationToken::new();
        tokio::spawn(controllers::run(Box::new(Garbage::new()), store.clone(), stop.clone()));
        Self { store, stop }
    }

    async fn create(&self, object: impl Into<Typed>) -> Object {
        self.store.create(object).await.unwrap()
    }

    async fn delete(&self, object: &Object, propagation: Propagation) -> Deleted {
        let options = DeleteOptions { propagation, ..Default::default() };
        self.store.delete(object.key(), &options).await.unwrap()
    }

    /// Waits until the controller has nothing more to do.
    async fn settle(&self) {
        self.store.clock().sleep(std::time::Duration::from_secs(1)).await;
    }

    fn has(&self, object: &Object) -> bool {
        self.store.get(object.key()).is_some()
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

#[tokio::test(start_paused = true)]
async fn dependents_follow_their_owner_in_the_background_down_the_chain() {
    let world = World::new().await;
    let owner = world.create(config_map("owner", &[])).await;
    let child = world.create(config_map("child", &[&owner])).await;
    let grandchild = world.create(config_map("grandchild", &[&child])).await;
    let other = world.create(config_map("other", &[])).await;
    let shared = world.create(config_map("shared", &[&owner, &other])).await;
    assert!(matches!(world.delete(&owner, Propagation::Background).await, Deleted::Gone(_)));
    world.settle().await;
    assert_eq!([&child, &grandchild, &shared].map(|object| world.has(object)), [false, false, true]);
    let shared = world.store.get(shared.key()).unwrap();
    assert_eq!(shared.meta().owner_references.as_ref().unwrap(), &[reference(&other, true)]);
}

#[tokio::test(start_paused = true)]
async fn an_owner_of_the_same_name_but_another_uid_is_absent() {
    let world = World::new().await;
    let first = world.create(config_map("owner", &[])).await;
    world.delete(&first, Propagation::Background).await;
    world.create(config_map("owner", &[])).await;
    let late = world.create(config_map("late", &[&first])).await;
    world.settle().await;
    assert!(!world.has(&late));
}

#[tokio::test(start_paused = true)]
async fn a_removal_that_was_begun_is_finished_but_no_grace_is_cut_short() {
    let world = World::new().await;
    let pod = |name: &str, grace_s| {
        let container = Container { name: "c".into(), image: Some("i".into()), ..Default::default() };
        let mut metadata = meta("default", name);
        metadata.uid = Some(name.into());
        metadata.deletion_timestamp = Some(time(Timestamp::UNIX_EPOCH));
        metadata.deletion_grace_period_seconds = Some(grace_s);
        Pod {
            metadata,
            spec: Some(PodSpec { containers: vec![container], ..Default::default() }),
            status: None,
        }
    };
    let left = world.store.mirror(pod("left", 0)).await.unwrap();
    let waiting = world.store.mirror(pod("waiting", 30)).await.unwrap();
    let mut held = pod("held", 0);
    held.metadata.finalizers = Some(vec!["example.com/hold".into()]);
    let held = world.store.mirror(held).await.unwrap();
    world.settle().await;
    assert_eq!([&left, &waiting, &held].map(|object| world.has(object)), [false, true, true]);
}

#[tokio::test(start_paused = true)]
async fn a_foreground_deletion_keeps_the_owner_until_its_blocking_dependents_are_gone() {
    let world = World::new().await;
    let owner = world.create(config_map("owner", &[])).await;
    let mut held = config_map("held", &[&owner]);
    held.metadata.finalizers = Some(vec!["example.com/hold".into()]);
    let held = world.create(held).await;
    let child = world.create(config_map("child", &[&owner])).await;
    let grandchild = world.create(config_map("grandchild", &[&child])).await;
    world.delete(&owner, Propagation::Foreground).await;
    world.settle().await;
    assert_eq!(
        [&owner, &held, &child, &grandchild].map(|object| world.has(object)),
        [true, true, false, false]
    );
    let release = world.store.modify::<ConfigMap>(held.key(), |held| held.metadata.finalizers = None);
    release.await.unwrap();
    world.settle().await;
    assert_eq!([&owner, &held].map(|object| world.has(object)), [false, false]);
}

#[tokio::test(start_paused = true)]
async fn a_circle_of_owners_goes_in_the_foreground_too() {
    let world = World::new().await;
    let a = world.create(config_map("a", &[])).await;
    let b = world.create(config_map("b", &[&a])).await;
    let close = world.store.modify::<ConfigMap>(a.key(), |a| {
        a.metadata.owner_references = Some(vec![reference(&b, true)]);
    });
    close.await.unwrap();
    world.delete(&a, Propagation::Foreground).await;
    world.settle().await;
    assert_eq!([&a, &b].map(|object| world.has(object)), [false, false]);
}

#[tokio::test(start_paused = true)]
async fn orphaned_dependents_stay_and_lose_their_owner() {
    let world = World::new().await;
    let owner = world.create(config_map("owner", &[])).await;
    let child = world.create(config_map("child", &[&owner])).await;
    world.delete(&owner, Propagation::Orphan).await;
    world.settle().await;
    assert!(!world.has(&owner));
    assert_eq!(world.store.get(child.key()).unwrap().meta().owner_references, None);
}

#[tokio::test(start_paused = true)]
async fn an_owner_in_another_namespace_is_absent_and_one_out_of_reach_is_unresolvable() {
    let world = World::new().await;
    let owner = world.create(config_map("owner", &[])).await;
    let mut stray = config_map("stray", &[&owner]);
    stray.metadata.namespace = Some("other".into());
    let stray = world.create(stray).await;
    let spec = serde_json::from_value(serde_json::json!({
        "accessModes": ["ReadWriteOnce"], "capacity": {"storage": "1Gi"}, "hostPath": {"path": "/data"},
    }));
    let mut volume = PersistentVolume { metadata: meta("", "volume"), spec: spec.unwrap(), status: None };
    volume.metadata.owner_references = Some(vec![reference(&owner, true)]);
    let volume = world.create(volume).await;
    world.settle().await;
    assert_eq!([&stray, &volume].map(|object| world.has(object)), [false, true]);
    let events = world.store.list(Kind::Event, Some("default")).objects;
    let reason = events[0].get::<k8s_openapi::api::core::v1::Event>().unwrap().reason.clone();
    assert_eq!(reason.as_deref(), Some("OwnerRefInvalidNamespace"));
}

#[tokio::test(start_paused = true)]
async fn a_namespace_goes_after_its_pods_and_then_all_else_have_gone() {
    let world = World::new().await;
    let namespace = world.store.find::<Namespace>("", "other").unwrap();
    let container = Container { name: "c".into(), image: Some("i".into()), ..Default::default() };
    let containers = vec![container];
    let spec = PodSpec { node_name: Some("node".into()), containers, ..Default::default() };
    let pod = Pod { metadata: meta("other", "p"), spec: Some(spec), ..Default::default() };
    let pod = world.create(pod).await;
    let map = world.create(ConfigMap { metadata: meta("other", "c"), ..Default::default() }).await;
    world.delete(&namespace, Propagation::Unspecified).await;
    world.settle().await;
    assert_eq!([&namespace, &pod, &map].map(|object| world.has(object)), [true, true, true]);
    let waiting = world.store.get(namespace.key()).unwrap();
    let conditions = waiting.get::<Namespace>().unwrap().status.clone().unwrap().conditions.unwrap();
    let remaining = conditions.iter().find(|one| one.type_ == "NamespaceContentRemaining").unwrap();
    let expected = "Some resources are remaining: configmaps. has 1 resource instances, \
                    pods. has 1 resource instances";
    assert_eq!((remaining.status.as_str(), remaining.message.as_deref()), ("True", Some(expected)));
    let confirm = DeleteOptions { grace_s: Some(0), ..Default::default() };
    world.store.delete(pod.key(), &confirm).await.unwrap();
    world.settle().await;
    assert_eq!([&namespace, &pod, &map].map(|object| world.has(object)), [false, false, false]);
}

#[tokio::test(start_paused = true)]
async fn event_objects_vanish_when_they_are_too_old_even_if_nothing_else_happens() {
    let world = World::new().await;
    let about = world.create(config_map("about", &[])).await;
    world.store.record("test", &about, Severity::Normal, "Happened", "it happened").await;
    world.settle().await;
    assert_eq!(world.store.list(Kind::Event, None).objects.len(), 1);
    world.store.clock().sleep(EVENT_LIFETIME).await;
    world.settle().await;
    assert_eq!(world.store.list(Kind::Event, None).objects.len(), 0);
}
