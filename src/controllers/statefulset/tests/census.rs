//! A census that is kept agrees with one that is taken anew, whatever happens in between.

use std::sync::Arc;

use k8s_openapi::api::apps::v1::StatefulSet;
use k8s_openapi::api::core::v1::{Namespace, Pod};
use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};
use serde_json::json;

use super::super::decide::revision;
use super::super::naming::owner_reference;
use super::super::world::Census;
use super::fixture::{self, Seen};
use crate::clock::{Clock, Timestamp};
use crate::machinery::selector::Selector;
use crate::objects::{Kind, ObjectKey};
use crate::store::{DeleteOptions, MemoryBackend, Store, StoreOptions};

/// What a census says of a set, in words.
fn picture(census: &mut Census, store: &Store, set: &StatefulSet) -> Vec<String> {
    let selector = Selector::from_label_selector(&set.spec.selector).unwrap();
    let family = census.family(store, set, &selector);
    let mut used = family.revisions_in_use();
    used.sort();
    let records = family.records().iter().map(|record| {
        let flags =
            [record.is_ours, record.is_intact, record.is_ready, record.is_terminating, record.is_ended];
        format!("{:?} {:?} {} {flags:?}", record.object, record.ordinal, record.revision)
    });
    let revisions = family.revisions().into_iter().map(|revision| format!("{revision:?}"));
    records.chain(revisions).chain(used).collect()
}

async fn happen(store: &Store, sets: &[StatefulSet], dice: &mut SmallRng) {
    let set = &sets[dice.random_range(0..sets.len())];
    let name = format!("{}-{}", set.metadata.name.as_deref().unwrap(), dice.random_range(0..40));
    let key = ObjectKey::new(Kind::Pod, "default", &name);
    let ordinal = name.rsplit('-').next().unwrap().parse().unwrap();
    let revision = if dice.random_bool(0.5) { "old" } else { "new" };
    // What cannot be done now (the pod is there, or is not) does not happen.
    match dice.random_range(0..8) {
        0..3 => {
            let mut pod = fixture::pod(set, ordinal, revision, Seen::Pending);
            pod.metadata.uid = None;
            drop(store.create(pod).await);
        }
        3 => drop(store.delete(&key, &DeleteOptions::default()).await),
        4 => drop(store.modify::<Pod>(&key, |pod| pod.metadata.owner_references = None).await),
        5 => {
            let owner = owner_reference(&sets[0]);
            let adopt = |pod: &mut Pod| pod.metadata.owner_references = Some(vec![owner.clone()]);
            drop(store.modify::<Pod>(&key, adopt).await);
        }
        6 => {
            let change = |pod: &mut Pod| fixture::set_ready(pod, Some(Timestamp::UNIX_EPOCH));
            drop(store.modify_status::<Pod>(&key, change).await);
        }
        _ => {
            let proposal = revision::propose(set, 1, dice.random_range(0..4));
            drop(store.create(proposal).await);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_census_that_is_kept_is_the_same_as_one_taken_anew() {
    for (seed, history_events_max) in [(1, 10_000), (2, 10_000), (3, 20)] {
        let backend = Arc::new(MemoryBackend::with_history(history_events_max));
        let options = StoreOptions { seed: Some(1), ..Default::default() };
        let store = Store::new(backend, Clock::starting_at(Timestamp::UNIX_EPOCH), options);
        let mut namespace = Namespace::default();
        namespace.metadata.name = Some("default".into());
        store.create(namespace).await.unwrap();
        let mut sets = Vec::new();
        for name in ["foo", "bar"] {
            let mut set = fixture::set(json!({}));
            set.metadata.name = Some(name.into());
            sets.push(store.create(set).await.unwrap().get::<StatefulSet>().unwrap().clone());
        }
        let (mut kept, mut dice) = (Census::default(), SmallRng::seed_from_u64(seed));
        for round in 0..150 {
            for _ in 0..dice.random_range(0..60) {
                happen(&store, &sets, &mut dice).await;
            }
            for set in &sets {
                let anew = picture(&mut Census::default(), &store, set);
                assert_eq!(picture(&mut kept, &store, set), anew, "seed {seed}, round {round}");
            }
        }
    }
}
