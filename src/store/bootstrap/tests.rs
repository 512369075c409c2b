//! What is there after the first start, and after the second.

use super::*;
use crate::clock::{Clock, Timestamp};
use crate::objects::{Kind, Object};
use crate::store::StoreOptions;

fn store(range: &str) -> Store {
    let clock = Clock::starting_at(Timestamp::UNIX_EPOCH);
    let service_network = ServiceNetwork { ranges: vec![range.parse().unwrap()], ..Default::default() };
    Store::in_memory(clock, StoreOptions { seed: Some(1), service_network, ..Default::default() })
}

fn names(store: &Store, kind: Kind) -> Vec<String> {
    store.list(kind, None).objects.iter().map(|object| object.key().to_string()).collect()
}

#[tokio::test(start_paused = true)]
async fn a_second_start_changes_nothing() {
    let store = store("10.96.0.0/16");
    let options = Bootstrap { default_storage_class: true };
    store.bootstrap(&options).await.unwrap();
    let revision = store.revision();
    store.bootstrap(&options).await.unwrap();
    assert_eq!(store.revision(), revision);
    let namespaces =
        ["Namespace default", "Namespace kube-node-lease", "Namespace kube-public", "Namespace kube-system"];
    assert_eq!(names(&store, Kind::Namespace), namespaces);
    assert_eq!(names(&store, Kind::Service), ["Service default/kubernetes", "Service kube-system/kube-dns"]);
    assert_eq!(store.default_storage_class().as_deref(), Some("standard"));
}

#[tokio::test(start_paused = true)]
async fn the_services_have_the_first_and_the_tenth_address() {
    for (range, first, tenth) in
        [("10.96.0.0/16", "10.96.0.1", "10.96.0.10"), ("fd00::/108", "fd00::1", "fd00::a")]
    {
        let store = store(range);
        store.bootstrap(&Bootstrap::default()).await.unwrap();
        let services = store.list(Kind::Service, None).objects;
        let address = |service: &Object| service.get::<Service>()?.spec.as_ref()?.cluster_ip.clone();
        let found: Vec<_> = services.iter().filter_map(address).collect();
        assert_eq!(found, [first, tenth]);
        assert_eq!(store.default_storage_class(), None);
    }
}
