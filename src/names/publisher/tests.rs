//! The publisher over a store: what is published, when, and what it tells of it.

mod informer;

use hickory_proto::op::ResponseCode;
use hickory_proto::rr::RecordType;
use k8s_openapi::api::core::v1::{Namespace, Pod, Service};
use k8s_openapi::api::discovery::v1::EndpointSlice;
use serde_json::{Value, json};
use std::sync::Arc;

use super::*;
use crate::dns::answer::{Query, answer};
use crate::names::options::PodNames;
use crate::objects::ObjectKey;
use crate::store::{MemoryBackend, Store, StoreOptions};

struct Served {
    store: Store,
    publisher: Publisher,
}

impl Served {
    fn new(options: ZoneOptions) -> Self {
        Self::over(MemoryBackend::default(), options, Vec::new())
    }

    fn over(backend: MemoryBackend, options: ZoneOptions, static_zones: Vec<Zone>) -> Self {
        let clock = Clock::starting_at(Timestamp::UNIX_EPOCH + std::time::Duration::from_secs(1000));
        let store = Store::new(Arc::new(backend), clock, StoreOptions::default());
        Self { publisher: Publisher::new(store.clone(), options, static_zones), store }
    }

    async fn namespace(&self, name: &str) {
        let object: Namespace = object(json!({"metadata": {"name": name}}));
        self.store.mirror(object).await.unwrap();
    }

    async fn headless(&self, name: &str) {
        let object: Service = object(json!({
            "metadata": {"name": name, "namespace": "default"}, "spec": {"clusterIP": "None"},
        }));
        self.store.mirror(object).await.unwrap();
    }

    /// A slice of `service` whose endpoints are `web-<n>` at `10.0.0.<n>`.
    async fn slice(&self, name: &str, service: &str, ready: &[u8]) {
        let endpoints: Vec<Value> = ready
            .iter()
            .map(|n| json!({"addresses": [format!("10.0.0.{n}")], "hostname": format!("web-{n}")}))
            .collect();
        let object: EndpointSlice = object(json!({
            "metadata": {"name": name, "namespace": "default", "labels": {"kubernetes.io/service-name": service}},
            "addressType": "IPv4", "endpoints": endpoints, "ports": [],
        }));
        self.store.mirror(object).await.unwrap();
    }

    async fn remove(&self, kind: Kind, name: &str) {
        self.store.unmirror(&ObjectKey::new(kind, "default", name)).await.unwrap();
    }

    /// rcode and records of an answer.
    fn asks(&mut self, name: &str, record_type: RecordType) -> String {
        self.publisher.catch_up();
        let query = Query { name: Name::from_ascii(name).unwrap(), record_type };
        let answer = answer(&self.publisher.zones().load(), &query);
        let data: Vec<String> = answer.answers.iter().map(|record| record.data.to_string()).collect();
        match (answer.rcode, data.is_empty()) {
            (ResponseCode::NoError, true) => "NODATA".to_owned(),
            (ResponseCode::NoError, false) => data.join(" "),
            (rcode, _) => format!("{rcode:?}"),
        }
    }

    fn serial(&self) -> u32 {
        let apex = Name::from_ascii("cluster.local.").unwrap();
        self.publisher.zones().load().get(&apex).unwrap().serial()
    }
}

fn object<T: serde::de::DeserializeOwned>(value: Value) -> T {
    serde_json::from_value(value).unwrap()
}

const WEB: &str = "web.default.svc.cluster.local.";
const WEB_1: &str = "web-1.web.default.svc.cluster.local.";
const PTR_1: &str = "1.0.0.10.in-addr.arpa.";
const REFUSED: &str = "Refused";
const NXDOMAIN: &str = "NXDomain";

#[tokio::test(start_paused = true)]
async fn a_name_is_there_while_its_endpoint_is() {
    let mut served = Served::new(ZoneOptions::default());
    served.namespace("default").await;
    served.headless("web").await;
    assert_eq!(served.asks(WEB, RecordType::A), NXDOMAIN);
    served.slice("web-a", "web", &[1, 2]).await;
    assert_eq!(served.asks(WEB, RecordType::A), "10.0.0.1 10.0.0.2");
    assert_eq!(served.asks(WEB_1, RecordType::A), "10.0.0.1");
    assert_eq!(served.asks(PTR_1, RecordType::PTR), WEB_1);
    served.slice("web-a", "web", &[2]).await;
    assert_eq!(served.asks(WEB_1, RecordType::A), NXDOMAIN);
    assert_eq!(served.asks(PTR_1, RecordType::PTR), NXDOMAIN);
    served.remove(Kind::EndpointSlice, "web-a").await;
    assert_eq!(served.asks(WEB, RecordType::A), NXDOMAIN);
    assert_eq!(served.asks(PTR_1, RecordType::PTR), REFUSED, "its zone was made for addresses that are gone");
}

#[tokio::test(start_paused = true)]
async fn a_slice_that_changes_its_service_leaves_the_one_and_joins_the_other() {
    let mut served = Served::new(ZoneOptions::default());
    served.namespace("default").await;
    for service in ["web", "other"] {
        served.headless(service).await;
    }
    served.slice("web-a", "web", &[1]).await;
    served.slice("web-b", "web", &[1, 3]).await;
    assert_eq!(served.asks(WEB, RecordType::A), "10.0.0.1 10.0.0.3");
    served.slice("web-b", "other", &[1, 3]).await;
    assert_eq!(served.asks(WEB, RecordType::A), "10.0.0.1");
    assert_eq!(served.asks("other.default.svc.cluster.local.", RecordType::A), "10.0.0.1 10.0.0.3");
    let both = format!("{WEB_1} web-1.other.default.svc.cluster.local.");
    assert_eq!(served.asks(PTR_1, RecordType::PTR), both);
    served.remove(Kind::Service, "other").await;
    assert_eq!(served.asks(PTR_1, RecordType::PTR), WEB_1);
}

#[tokio::test(start_paused = true)]
async fn a_cluster_address_hides_endpoints_of_that_address() {
    let mut served = Served::new(ZoneOptions::default());
    served.namespace("default").await;
    served.headless("web").await;
    served.slice("web-a", "web", &[1]).await;
    assert_eq!(served.asks(PTR_1, RecordType::PTR), WEB_1);
    let front: Service = object(json!({
        "metadata": {"name": "front", "namespace": "default"}, "spec": {"clusterIP": "10.0.0.1"},
    }));
    served.store.mirror(front).await.unwrap();
    assert_eq!(served.asks(PTR_1, RecordType::PTR), "front.default.svc.cluster.local.");
    served.remove(Kind::Service, "front").await;
    assert_eq!(served.asks(PTR_1, RecordType::PTR), WEB_1);
}

#[tokio::test(start_paused = true)]
async fn services_exist_with_their_namespace() {
    let mut served = Served::new(ZoneOptions::default());
    served.headless("web").await;
    served.slice("web-a", "web", &[1]).await;
    let namespace = "default.svc.cluster.local.";
    assert_eq!(served.asks(WEB, RecordType::A), NXDOMAIN);
    assert_eq!(served.asks(namespace, RecordType::A), NXDOMAIN);
    assert_eq!(served.asks("svc.cluster.local.", RecordType::A), "NODATA");
    served.namespace("default").await;
    assert_eq!(served.asks(WEB, RecordType::A), "10.0.0.1");
    served.remove(Kind::Service, "web").await;
    assert_eq!(served.asks(namespace, RecordType::A), "NODATA");
    served.headless("web").await;
    served.remove(Kind::Namespace, "default").await;
    assert_eq!(served.asks(WEB, RecordType::A), NXDOMAIN);
}

#[tokio::test(start_paused = true)]
async fn a_service_can_imply_its_namespace() {
    let mut served = Served::new(ZoneOptions { implied_namespaces: true, ..ZoneOptions::default() });
    served.headless("web").await;
    served.slice("web-a", "web", &[1]).await;
    assert_eq!(served.asks(WEB, RecordType::A), "10.0.0.1");
    served.remove(Kind::Service, "web").await;
    assert_eq!(served.asks("default.svc.cluster.local.", RecordType::A), NXDOMAIN);
}

#[tokio::test(start_paused = true)]
async fn one_batch_is_one_version_and_tells_what_came_and_went() {
    let mut served = Served::new(ZoneOptions::default());
    served.namespace("default").await;
    served.headless("web").await;
    served.slice("web-a", "web", &[1, 2]).await;
    served.publisher.catch_up();
    let mut publications = served.publisher.publications();
    let before = served.serial();
    served.slice("web-a", "web", &[2]).await;
    served.slice("web-b", "web", &[3]).await;
    served.publisher.catch_up();
    let publication = publications.try_recv().unwrap();
    assert!(publications.try_recv().is_err(), "one publication");
    assert_eq!((publication.serial, served.serial()), (before + 1, before + 1));
    let names = |names: &[Name]| names.iter().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(names(&publication.added), ["web-3.web.default.svc.cluster.local."]);
    assert_eq!(names(&publication.removed), [WEB_1]);
}

#[tokio::test(start_paused = true)]
async fn what_changes_nothing_is_not_published() {
    let mut served = Served::new(ZoneOptions::default());
    served.namespace("default").await;
    served.headless("web").await;
    served.slice("web-a", "web", &[1, 2]).await;
    served.publisher.catch_up();
    let mut publications = served.publisher.publications();
    let before = served.serial();
    served.slice("web-a", "web", &[2, 1]).await;
    served.slice("lone", "nobody", &[2, 1]).await;
    served.publisher.catch_up();
    assert!(publications.try_recv().is_err());
    assert_eq!(served.serial(), before);
}

#[tokio::test(start_paused = true)]
async fn the_first_serial_is_the_clocks_seconds() {
    assert_eq!(Served::new(ZoneOptions::default()).serial(), 1000);
}

#[tokio::test(start_paused = true)]
async fn a_catalog_lists_what_is_served_and_moves_only_with_the_list() {
    let mut served = Served::new(ZoneOptions::default());
    served.publisher.list_in(Catalog::new(&Name::from_ascii("catalog.").unwrap()).unwrap());
    let listed = |served: &Served| -> (u32, Vec<String>) {
        let zones = served.publisher.zones().load_full();
        let catalog = zones.get(&Name::from_ascii("catalog.").unwrap()).unwrap();
        let records = catalog.records().into_iter();
        let members = records.filter(|record| record.record_type() == RecordType::PTR);
        let mut members: Vec<String> = members.map(|record| record.data.to_string()).collect();
        members.sort();
        (catalog.serial(), members)
    };
    let (first, members) = listed(&served);
    assert_eq!(members, ["cluster.local."]);
    served.namespace("default").await;
    served.headless("web").await;
    served.publisher.catch_up();
    assert_eq!(listed(&served).0, first, "names came, no zone");
    served.slice("web-a", "web", &[1]).await;
    served.publisher.catch_up();
    let (second, members) = listed(&served);
    assert_eq!(members, ["0.10.in-addr.arpa.", "cluster.local."]);
    assert!(second > first);
    served.slice("web-a", "web", &[1, 2]).await;
    served.publisher.catch_up();
    assert_eq!(listed(&served).0, second);
    served.slice("web-a", "web", &[]).await;
    served.publisher.catch_up();
    let (third, members) = listed(&served);
    assert_eq!(members, ["cluster.local."]);
    assert!(third > second);
    // Zones that are read again are all put in place anew.
    served.publisher.show_static_zones();
    assert_eq!(listed(&served).0, third);
}

#[tokio::test(start_paused = true)]
async fn lost_events_are_made_up_for() {
    let mut served = Served::over(MemoryBackend::with_history(2), ZoneOptions::default(), Vec::new());
    served.namespace("default").await;
    served.headless("gone").await;
    served.slice("gone-a", "gone", &[9]).await;
    served.publisher.catch_up();
    served.remove(Kind::Service, "gone").await;
    served.headless("web").await;
    for n in 0..5 {
        served.slice("web-a", "web", &[n, 1]).await;
    }
    assert_eq!(served.asks(WEB, RecordType::A), "10.0.0.1 10.0.0.4");
    assert_eq!(served.asks("gone.default.svc.cluster.local.", RecordType::A), NXDOMAIN);
}

#[tokio::test(start_paused = true)]
async fn pods_have_names_as_the_option_says() {
    let pod = |address: &str| -> Pod {
        object(json!({
            "metadata": {"name": "p", "namespace": "default"},
            "status": {"phase": "Running", "podIP": address},
        }))
    };
    let [of_pod, of_none] = ["10-0-0-1.default.pod.cluster.local.", "10-0-0-2.default.pod.cluster.local."];
    for (pods, expected) in [
        (PodNames::Disabled, [NXDOMAIN, NXDOMAIN, NXDOMAIN]),
        (PodNames::Insecure, ["10.0.0.1", "10.0.0.2", "NODATA"]),
        (PodNames::Verified, ["10.0.0.1", NXDOMAIN, "NODATA"]),
    ] {
        let mut served = Served::new(ZoneOptions { pods, ..ZoneOptions::default() });
        served.namespace("default").await;
        served.store.mirror(pod("10.0.0.1")).await.unwrap();
        let parent = "default.pod.cluster.local.";
        let said = [of_pod, of_none, parent].map(|name| served.asks(name, RecordType::A));
        assert_eq!(said, expected, "{pods:?}");
        assert_eq!(served.asks("pod.cluster.local.", RecordType::A), "NODATA");
        assert_eq!(served.asks("10-0-0-1.nowhere.pod.cluster.local.", RecordType::A), NXDOMAIN);
    }
    let mut served = Served::new(ZoneOptions { pods: PodNames::Verified, ..ZoneOptions::default() });
    served.namespace("default").await;
    served.store.mirror(pod("2001:db8::5")).await.unwrap();
    for name in ["2001-db8--5", "2001-db8-0-0-0-0-0-5"] {
        assert_eq!(
            served.asks(&format!("{name}.default.pod.cluster.local."), RecordType::AAAA),
            "2001:db8::5"
        );
    }
    assert_eq!(served.asks("2001-db8--6.default.pod.cluster.local.", RecordType::AAAA), NXDOMAIN);
    served.remove(Kind::Pod, "p").await;
    assert_eq!(served.asks("2001-db8--5.default.pod.cluster.local.", RecordType::AAAA), NXDOMAIN);
}

#[tokio::test(start_paused = true)]
async fn the_name_server_follows_the_service_in_front_and_resolves_in_reverse_zones_too() {
    let options = ZoneOptions {
        server_addresses: vec!["10.0.0.1".parse().unwrap()],
        networks: vec!["10.0.0.0/16".parse().unwrap()],
        namespaces: vec!["elsewhere".to_owned()],
        ..ZoneOptions::default()
    };
    let mut served = Served::new(options);
    let zones = ["cluster.local.", "0.10.in-addr.arpa."];
    for zone in zones {
        assert_eq!(served.asks(zone, RecordType::NS), "ns.dns.cluster.local.");
        assert_eq!(served.asks(&format!("ns.dns.{zone}"), RecordType::A), "10.0.0.1");
    }
    served.namespace("default").await;
    served.headless("web").await;
    served.slice("web-a", "web", &[1, 2]).await;
    for zone in zones {
        assert_eq!(served.asks(zone, RecordType::NS), WEB_1);
    }
    assert_eq!(served.asks(WEB_1, RecordType::A), "10.0.0.1", "although its namespace is not published");
    assert_eq!(served.asks(WEB, RecordType::A), "NODATA");
    served.remove(Kind::Service, "web").await;
    assert_eq!(served.asks(zones[1], RecordType::NS), "ns.dns.cluster.local.");
    assert_eq!(served.asks(WEB, RecordType::A), NXDOMAIN);
}

#[tokio::test(start_paused = true)]
async fn networks_have_their_reverse_zones_and_no_others() {
    let options = ZoneOptions { networks: vec!["10.0.0.0/15".parse().unwrap()], ..ZoneOptions::default() };
    let mut served = Served::new(options);
    assert_eq!(served.asks("1.0.1.10.in-addr.arpa.", RecordType::PTR), NXDOMAIN);
    assert_eq!(served.asks("1.0.2.10.in-addr.arpa.", RecordType::PTR), REFUSED);
    assert_eq!(
        served.asks("0.10.in-addr.arpa.", RecordType::SOA).split(' ').next(),
        Some("ns.dns.0.10.in-addr.arpa.")
    );
    let options = ZoneOptions { reverse_zones: Some(Vec::new()), ..ZoneOptions::default() };
    let mut served = Served::new(options);
    served.namespace("default").await;
    served.headless("web").await;
    served.slice("web-a", "web", &[1]).await;
    assert_eq!(served.asks(PTR_1, RecordType::PTR), REFUSED);
}

fn static_zone(apex: &str) -> Zone {
    let apex = Name::from_ascii(apex).unwrap();
    let soa = hickory_proto::rr::rdata::SOA::new(apex.clone(), apex.clone(), 77, 1, 1, 1, 1);
    let record = hickory_proto::rr::Record::from_rdata(apex.clone(), 5, hickory_proto::rr::RData::SOA(soa));
    Zone::from_records(apex, [record]).unwrap()
}

#[tokio::test(start_paused = true)]
async fn names_that_the_cluster_has_not_fall_through_where_they_may() {
    const GIVEN: &str = "$ORIGIN cluster.local.\n@ 9 SOA given given 77 1 1 1 9\nfoo 9 A 192.0.2.1\n\
                         f.b.svc 9 A 192.0.2.2\nout.svc 9 CNAME www.example.\nweb.default.svc 9 A 192.0.2.3\n";
    let given = crate::dns::zonefile::master::parse_zone("given", GIVEN, None).unwrap();
    let above = Name::from_ascii("svc.cluster.local.").unwrap();
    let options = ZoneOptions { fallthrough: vec![above], ..ZoneOptions::default() };
    let mut served = Served::over(MemoryBackend::default(), options, vec![given]);
    served.namespace("default").await;
    served.headless("web").await;
    served.slice("web-a", "web", &[1]).await;
    assert_ne!(served.serial(), 77, "the cluster's zone is not hidden");
    assert_eq!(served.asks("foo.cluster.local.", RecordType::A), NXDOMAIN, "nothing falls through here");
    assert_eq!(served.asks("f.b.svc.cluster.local.", RecordType::A), "192.0.2.2");
    assert_eq!(served.asks("gone.svc.cluster.local.", RecordType::A), NXDOMAIN);
    assert_eq!(served.asks("out.svc.cluster.local.", RecordType::CNAME), "www.example.");
    assert_ne!(served.asks(WEB, RecordType::A), "192.0.2.3", "what the cluster has is the cluster's");
    assert_eq!(served.asks(WEB, RecordType::TXT), "NODATA", "nor does a type that is not there");
    let query = |name: &str| Query { name: Name::from_ascii(name).unwrap(), record_type: RecordType::A };
    let beyond = |name: &str| answer(&served.publisher.zones().load(), &query(name)).beyond;
    assert_eq!(beyond("gone.svc.cluster.local."), None, "the zone that was given has the last word");
    assert_eq!(beyond("out.svc.cluster.local."), Some(Name::from_ascii("www.example.").unwrap()));
}

#[tokio::test(start_paused = true)]
async fn what_falls_through_to_no_zone_is_beyond_ours() {
    let options = ZoneOptions { fallthrough: vec![Name::root()], ..ZoneOptions::default() };
    let mut served = Served::new(options);
    served.namespace("default").await;
    for (name, is_beyond) in [
        ("gone.default.svc.cluster.local.", true),
        ("default.svc.cluster.local.", false),
        ("cluster.local.", false),
    ] {
        let name = Name::from_ascii(name).unwrap();
        let query = Query { name: name.clone(), record_type: RecordType::A };
        served.publisher.catch_up();
        let beyond = answer(&served.publisher.zones().load(), &query).beyond;
        assert_eq!(beyond, is_beyond.then_some(name));
    }
}

#[tokio::test(start_paused = true)]
async fn a_static_zone_is_served_beside_and_instead_and_replaced_while_running() {
    let zones = vec![static_zone("cluster.local."), static_zone("example.")];
    let mut served = Served::over(MemoryBackend::default(), ZoneOptions::default(), zones);
    served.namespace("default").await;
    served.headless("web").await;
    served.slice("web-a", "web", &[1]).await;
    assert_eq!(served.asks(WEB, RecordType::A), NXDOMAIN, "the static zone has no such name");
    assert_eq!(served.serial(), 77);
    assert_eq!(served.asks(PTR_1, RecordType::PTR), WEB_1);
    assert_eq!(served.asks("example.", RecordType::A), "NODATA");
    let shared = served.publisher.zones();
    let sender = served.publisher.static_zones();
    let stop = CancellationToken::new();
    let running = tokio::spawn(served.publisher.run(stop.clone()));
    sender.send_replace(vec![static_zone("example.org.")]);
    let apex = |text: &str| Name::from_ascii(text).unwrap();
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    let shown = shared.load_full();
    assert!(shown.get(&apex("example.org.")).is_some());
    assert!(shown.get(&apex("example.")).is_none());
    assert_ne!(shown.get(&apex("cluster.local.")).unwrap().serial(), 77);
    stop.cancel();
    running.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn before_all_objects_are_there_a_name_error_is_servfail() {
    let mut served = Served::new(ZoneOptions { is_synced: false, ..ZoneOptions::default() });
    served.namespace("default").await;
    served.headless("web").await;
    served.slice("web-a", "web", &[1]).await;
    assert_eq!(served.asks(WEB, RecordType::A), "10.0.0.1");
    assert_eq!(served.asks(WEB, RecordType::AAAA), "NODATA");
    assert_eq!(served.asks("x.cluster.local.", RecordType::A), "ServFail");
    assert_eq!(served.asks("9.9.0.10.in-addr.arpa.", RecordType::PTR), "ServFail");
    served.publisher.set_synced(true);
    assert_eq!(served.asks("x.cluster.local.", RecordType::A), NXDOMAIN);
}

#[tokio::test(start_paused = true)]
async fn a_cluster_domain_without_room_leaves_the_static_zones() {
    let label = "a".repeat(62);
    let cluster_domain = Name::from_ascii(format!("{label}.{label}.{label}.{label}.")).unwrap();
    let options = ZoneOptions { cluster_domain, ..ZoneOptions::default() };
    let mut served = Served::over(MemoryBackend::default(), options, vec![static_zone("example.")]);
    served.namespace("default").await;
    assert_eq!(served.asks("example.", RecordType::A), "NODATA");
}

/// Nothing that has to do with a disk may hold up the thread that runs all tasks.
#[test]
fn a_disk_that_hangs_holds_up_no_other_task() {
    let (done, is_done) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(publish_while_the_disk_hangs());
        done.send(()).unwrap();
    });
    let patience = std::time::Duration::from_secs(20);
    is_done.recv_timeout(patience).expect("the thread that runs all tasks must not wait for the disk");
}

async fn publish_while_the_disk_hangs() {
    const RESERVED_AT_START: usize = 1024;
    let folder = tempfile::tempdir().unwrap();
    let clock = Clock::starting_at(Timestamp::UNIX_EPOCH + std::time::Duration::from_secs(1000));
    let serials = Serials::kept_in(folder.path(), clock.now()).unwrap();
    // Whoever reserves waits for this lock, as it would for a write.
    let lock = std::fs::File::open(folder.path().join("dns-serial.lock")).unwrap();
    lock.lock().unwrap();
    for _ in 0..RESERVED_AT_START - 3 {
        serials.advance();
    }
    let store = Store::new(Arc::new(MemoryBackend::default()), clock, StoreOptions::default());
    let options = ZoneOptions { implied_namespaces: true, ..ZoneOptions::default() };
    let publisher =
        Publisher::with_serials(serials, SharedZones::default(), store.clone(), options, Vec::new());
    let (mut publications, stop) = (publisher.publications(), CancellationToken::new());
    let running = tokio::spawn(publisher.run(stop.clone()));
    for n in 0..10 {
        let service: Service = object(json!({
            "metadata": {"name": format!("web-{n}"), "namespace": "default"}, "spec": {"clusterIP": "10.96.0.1"},
        }));
        store.mirror(service).await.unwrap();
        tokio::task::yield_now().await;
    }
    lock.unlock().unwrap();
    let name = Name::from_ascii("web-9.default.svc.cluster.local.").unwrap();
    while !publications.recv().await.unwrap().added.contains(&name) {}
    stop.cancel();
    running.await.unwrap();
}
