//! An index that is kept agrees with listings of the namespace, whatever happens in between.

use std::sync::Arc;

use k8s_openapi::api::core::v1::Namespace;
use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};

use super::*;
use crate::clock::Clock;
use crate::controllers::endpointslice::index::Index;
use crate::controllers::endpointslice::metadata::{new_slice, service_name};
use crate::controllers::endpointslice::{endpoint::Family, trigger::takes_pods};
use crate::controllers::informer::Informer;
use crate::machinery::selector::Selector;
use crate::objects::{Kind, Object, ObjectKey};
use crate::store::{DeleteOptions, MemoryBackend, Store, StoreOptions};

const NAMESPACES: [&str; 2] = ["default", "other"];

fn some_labels(dice: &mut SmallRng) -> Labels {
    let mut pairs = Vec::new();
    for (key, values) in [("app", ["a", "b", "c"]), ("tier", ["x", "y", "z"])] {
        if dice.random_bool(0.7) {
            pairs.push((key, values[dice.random_range(0..3)]));
        }
    }
    labels(&pairs)
}

/// One write; what is impossible now does not happen.
async fn happen(store: &Store, dice: &mut SmallRng) {
    let namespace = NAMESPACES[dice.random_range(0..2)];
    let name = format!("n{}", dice.random_range(0..12));
    let given = some_labels(dice);
    let kinds = [Kind::Pod, Kind::Service, Kind::EndpointSlice];
    let key = ObjectKey::new(kinds[dice.random_range(0..3)], namespace, &name);
    let mut new = service();
    new.metadata =
        ObjectMeta { name: Some(name.clone()), namespace: Some(namespace.into()), ..Default::default() };
    match (dice.random_range(0..5), key.kind) {
        (0, _) => drop(store.delete(&key, &DeleteOptions { grace_s: Some(0), ..Default::default() }).await),
        (1 | 2, Kind::Pod) => {
            drop(store.modify::<Pod>(&key, |pod| pod.metadata.labels = Some(given.clone())).await);
        }
        (1 | 2, Kind::Service) => {
            let change = |service: &mut Service| {
                service.spec.as_mut().unwrap().selector = (!given.is_empty()).then(|| given.clone());
            };
            drop(store.modify::<Service>(&key, change).await);
        }
        (1 | 2, _) => {
            let change = |slice: &mut EndpointSlice| slice.metadata.labels = Some(given.clone());
            drop(store.modify::<EndpointSlice>(&key, change).await);
        }
        (_, Kind::Pod) => {
            let mut pod = pod(&name, "10.0.0.1");
            pod.metadata.uid = None;
            pod.metadata.namespace = Some(namespace.into());
            pod.metadata.labels = Some(given);
            drop(store.create(pod).await);
        }
        (_, Kind::Service) => {
            new.spec.as_mut().unwrap().selector = Some(given);
            drop(store.create(new).await);
        }
        _ => {
            let mut slice = new_slice(&new, Family::V4, Vec::new());
            slice.metadata.owner_references = None;
            slice.metadata.name = Some(format!("{name}-{}", dice.random_range(0..3)));
            drop(store.create(slice).await);
        }
    }
}

/// Versions in the order of their keys.
fn versions<'a>(objects: impl IntoIterator<Item = &'a Object>) -> Vec<String> {
    objects.into_iter().map(|object| format!("{} {}", object.key(), object.revision())).collect()
}

fn check(index: &mut Index, store: &Store, case: &str) {
    let services = store.list(Kind::Service, None).objects;
    let selector = |service: &Object| {
        let service = service.get::<Service>().filter(|service| takes_pods(service))?;
        Some(Selector::from_labels(service.spec.as_ref()?.selector.as_ref()?))
    };
    for service in &services {
        let pods = selector(service).map(|wanted| store.select(Kind::Pod, service.namespace(), &wanted));
        let found = index.pods_of(store, service.key());
        assert_eq!(
            versions(&found),
            versions(&pods.unwrap_or_default()),
            "{case}: pods of {}",
            service.key()
        );
        let mut slices = store.list(Kind::EndpointSlice, Some(service.namespace())).objects;
        slices.retain(|slice| service_name(slice.meta()) == Some(service.name()));
        let found = index.slices_of(service.key());
        assert_eq!(versions(&found), versions(&slices), "{case}: slices of {}", service.key());
    }
    for pod in store.list(Kind::Pod, None).objects {
        let labels = pod.meta().labels.as_ref();
        let is_of = |service: &&Object| {
            service.namespace() == pod.namespace()
                && selector(service).is_some_and(|selector| selector.matches(labels))
        };
        let found = index.services_of(pod.namespace(), labels);
        assert_eq!(
            versions(found),
            versions(services.iter().filter(is_of)),
            "{case}: services of {}",
            pod.key()
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_kept_index_agrees_with_listings_also_after_a_lost_watch() {
    for (seed, history_events_max) in [(1, 10_000), (2, 10_000), (3, 20)] {
        let backend = Arc::new(MemoryBackend::with_history(history_events_max));
        let options = StoreOptions { seed: Some(1), ..Default::default() };
        let store = Store::new(backend, Clock::starting_at(Timestamp::UNIX_EPOCH), options);
        for name in NAMESPACES {
            let metadata = ObjectMeta { name: Some(name.into()), ..Default::default() };
            store.create(Namespace { metadata, ..Default::default() }).await.unwrap();
        }
        let (mut kept, mut dice) = (Informer::<Index>::default(), SmallRng::seed_from_u64(seed));
        for round in 0..150 {
            for _ in 0..dice.random_range(0..40) {
                happen(&store, &mut dice).await;
            }
            check(kept.current(&store), &store, &format!("seed {seed}, round {round}"));
        }
        assert!(store.list(Kind::EndpointSlice, None).objects.len() > 5, "the writes are valid");
        assert!(store.list(Kind::Service, None).objects.len() > 5, "the writes are valid");
    }
}
