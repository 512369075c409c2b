//! Objects, and every record they give.

use std::collections::BTreeSet;

use k8s_openapi::api::core::v1::{Pod, Service};
use k8s_openapi::api::discovery::v1::EndpointSlice;
use serde_json::{Value, json};

use super::srv::weigh;
use super::*;
use crate::dns::message::name::WireName;
use crate::dns::zone::RrSet;
use crate::names::options::{PodNames, ZoneOptions};

fn object<T: serde::de::DeserializeOwned>(value: Value) -> T {
    serde_json::from_value(value).unwrap()
}

fn service(spec: Value) -> Service {
    object(json!({"metadata": {"name": "web", "namespace": "default"}, "spec": spec}))
}

fn slice(endpoints: Value, ports: Value) -> EndpointSlice {
    object(json!({
        "metadata": {"name": "web-abc", "namespace": "default"},
        "addressType": "IPv4", "endpoints": endpoints, "ports": ports,
    }))
}

/// Every record, one line each, names below the cluster's zone without it; a name without records
/// is a line of its own.
fn lines(rendered: &Rendered) -> Vec<String> {
    let short =
        |name: String| name.replace(".default.svc.cluster.local.", "").replace(".cluster.local.", ".*");
    let mut lines = Vec::new();
    for entry in rendered.contribution.entries() {
        let owner = entry.name.to_name();
        let records = entry.rrsets.records(&owner);
        let records: Vec<String> =
            records.iter().map(|record| format!("{} {}", record.record_type(), record.data)).collect();
        lines.push(short(format!("{owner} {}", records.join(", "))).trim_end().to_owned());
    }
    lines.sort();
    lines
}

fn check(options: ZoneOptions, service: &Service, slices: &[EndpointSlice], expected: &[&str]) {
    let slices: Vec<&EndpointSlice> = slices.iter().collect();
    let rendered = Scheme::new(options).unwrap().service(service, &slices, true);
    assert_eq!(lines(&rendered), expected);
    assert_eq!(rendered.complaints, Vec::<String>::new());
}

fn headless() -> Service {
    service(json!({"clusterIP": "None", "ports": [{"name": "http", "port": 80}]}))
}

#[test]
fn a_headless_service_has_its_ready_endpoints_under_their_names() {
    let slice = slice(
        json!([
            {"addresses": ["10.0.0.1"], "hostname": "web-0", "conditions": {"ready": true}},
            {"addresses": ["10.0.0.2"]},
            {"addresses": ["10.0.0.3"], "hostname": "web-2", "conditions": {"ready": false, "serving": true}},
        ]),
        json!([{"name": "http", "port": 8080, "protocol": "TCP"}]),
    );
    check(
        ZoneOptions::default(),
        &headless(),
        &[slice],
        &[
            "1.0.0.10.in-addr.arpa. PTR web-0.web",
            "10-0-0-2.web A 10.0.0.2, SRV 0 100 8080 10-0-0-2.web",
            "2.0.0.10.in-addr.arpa. PTR 10-0-0-2.web",
            "_http._tcp.web A 10.0.0.1, A 10.0.0.2, SRV 0 50 8080 web-0.web, SRV 0 50 8080 10-0-0-2.web",
            "web A 10.0.0.1, A 10.0.0.2, SRV 0 50 8080 web-0.web, SRV 0 50 8080 10-0-0-2.web",
            "web-0.web A 10.0.0.1, SRV 0 100 8080 web-0.web",
        ],
    );
}

#[test]
fn a_headless_service_without_a_ready_endpoint_has_nothing() {
    check(ZoneOptions::default(), &headless(), &[], &[]);
    let unready = slice(json!([{"addresses": ["10.0.0.1"], "conditions": {"ready": false}}]), json!([]));
    check(ZoneOptions::default(), &headless(), std::slice::from_ref(&unready), &[]);
    let ready = slice(json!([{"addresses": ["10.0.0.1"]}]), json!([]));
    check(ZoneOptions { no_endpoints: true, ..ZoneOptions::default() }, &headless(), &[ready], &[]);
}

fn with_peers(value: &str) -> Service {
    let mut service = headless();
    let annotations = [("dullahan.dev/publish-peers".to_owned(), value.to_owned())];
    service.metadata.annotations = Some(annotations.into());
    service
}

#[test]
fn peers_have_names_before_they_are_ready_and_the_service_has_the_ready_ones() {
    let slice = slice(
        json!([
            {"addresses": ["10.0.0.1"], "hostname": "web-0", "conditions": {"ready": true}},
            {"addresses": ["10.0.0.2"], "hostname": "web-1", "conditions": {"ready": false, "serving": false}},
            {"addresses": ["10.0.0.3"], "hostname": "web-2", "conditions": {"ready": false, "terminating": true}},
        ]),
        json!([{"name": "http", "port": 80}]),
    );
    let expected = [
        "1.0.0.10.in-addr.arpa. PTR web-0.web",
        "2.0.0.10.in-addr.arpa. PTR web-1.web",
        "3.0.0.10.in-addr.arpa. PTR web-2.web",
        "_http._tcp.web A 10.0.0.1, SRV 0 100 80 web-0.web",
        "web A 10.0.0.1, SRV 0 100 80 web-0.web",
        "web-0.web A 10.0.0.1, SRV 0 100 80 web-0.web",
        "web-1.web A 10.0.0.2, SRV 0 100 80 web-1.web",
        "web-2.web A 10.0.0.3, SRV 0 100 80 web-2.web",
    ];
    check(ZoneOptions::default(), &with_peers("true"), std::slice::from_ref(&slice), &expected);
    let ready: Vec<&str> = [0, 3, 4, 5].map(|index| expected[index]).into();
    check(ZoneOptions::default(), &with_peers("false"), std::slice::from_ref(&slice), &ready);
    let cluster = service(json!({"clusterIP": "10.96.0.1"}));
    let annotated = Service { metadata: with_peers("true").metadata, ..cluster };
    let rendered = Scheme::new(ZoneOptions::default()).unwrap().service(&annotated, &[&slice], true);
    assert!(
        !lines(&rendered).iter().any(|line| line.starts_with("web-1")),
        "only headless services have peers"
    );
}

#[test]
fn an_annotation_that_cannot_be_read_is_complained_of() {
    let rendered = Scheme::new(ZoneOptions::default()).unwrap().service(&with_peers("yes"), &[], true);
    let expected = "annotation dullahan.dev/publish-peers is ignored: \"yes\" is not true or false";
    assert_eq!(rendered.complaints, [expected]);
}

#[test]
fn zones_of_endpoints_have_names_and_others_have_what_the_directive_says() {
    let slice = slice(
        json!([
            {"addresses": ["10.0.0.1"], "hostname": "a", "zone": "west"},
            {"addresses": ["10.0.0.2"], "hostname": "b", "zone": "rack1.East"},
            {"addresses": ["10.0.0.3"], "hostname": "c"},
            {"addresses": ["10.0.0.4"], "hostname": "d", "zone": "west", "conditions": {"ready": false}},
        ]),
        json!([]),
    );
    let options = ZoneOptions { zonal: true, ..ZoneOptions::default() };
    let rendered = Scheme::new(options).unwrap().service(&headless(), &[&slice], true);
    let zonal: Vec<String> = lines(&rendered).into_iter().filter(|line| line.contains("_zone")).collect();
    assert_eq!(
        zonal,
        [
            "*.east.pin._zone.web",
            "*.east.prefer._zone.web A 10.0.0.1, A 10.0.0.2, A 10.0.0.3",
            "*.pin._zone.web",
            "*.prefer._zone.web A 10.0.0.1, A 10.0.0.2, A 10.0.0.3",
            "rack1.east.pin._zone.web A 10.0.0.2",
            "rack1.east.prefer._zone.web A 10.0.0.2",
            "west.pin._zone.web A 10.0.0.1",
            "west.prefer._zone.web A 10.0.0.1",
        ]
    );
    let off = Scheme::new(ZoneOptions::default()).unwrap().service(&headless(), &[&slice], true);
    assert!(!lines(&off).iter().any(|line| line.contains("_zone")));
}

#[test]
fn the_weight_is_100_divided_by_the_answers_whatever_led_to_them() {
    let ports = json!([{"name": "http", "port": 80}, {"port": 81}]);
    let endpoints =
        json!([{"addresses": ["10.0.0.1"], "hostname": "a"}, {"addresses": ["10.0.0.2"], "hostname": "a"}]);
    let twice = [slice(endpoints.clone(), ports.clone()), slice(endpoints, ports)];
    check(
        ZoneOptions::default(),
        &headless(),
        &twice,
        &[
            "1.0.0.10.in-addr.arpa. PTR a.web",
            "2.0.0.10.in-addr.arpa. PTR a.web",
            "_http._tcp.web A 10.0.0.1, A 10.0.0.2, SRV 0 100 80 a.web",
            "a.web A 10.0.0.1, A 10.0.0.2, SRV 0 50 80 a.web, SRV 0 50 81 a.web",
            "web A 10.0.0.1, A 10.0.0.2, SRV 0 50 80 a.web, SRV 0 50 81 a.web",
        ],
    );
    let many: Vec<(u16, WireName)> = (1..=300).map(|port| (port, WireName::from(&b"\x01a\0"[..]))).collect();
    let weights: BTreeSet<u8> = weigh(RrSet::of_services(5, many)).rdata().map(|rdata| rdata[3]).collect();
    assert_eq!(weights, BTreeSet::from([1]));
}

#[test]
fn a_service_with_cluster_addresses_has_them_whoever_is_ready() {
    let spec = json!({
        "clusterIPs": ["10.96.0.1", "fd00::1"],
        "ports": [{"name": "dns", "port": 53, "protocol": "UDP"}, {"port": 8080}],
    });
    let expected = [
        "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.d.f.ip6.arpa. PTR web",
        "1.0.96.10.in-addr.arpa. PTR web",
        "_dns._udp.web A 10.96.0.1, AAAA fd00::1, SRV 0 100 53 web",
        "web A 10.96.0.1, AAAA fd00::1, SRV 0 50 53 web, SRV 0 50 8080 web",
    ];
    check(ZoneOptions::default(), &service(spec.clone()), &[], &expected);
    let options = ZoneOptions { ignore_empty_service: true, ..ZoneOptions::default() };
    check(options.clone(), &service(spec.clone()), &[], &[]);
    let ready = slice(json!([{"addresses": ["10.0.0.7"], "hostname": "ep"}]), json!([]));
    let mut with_endpoint: Vec<&str> = expected.to_vec();
    with_endpoint.extend(["7.0.0.10.in-addr.arpa. PTR ep.web", "ep.web A 10.0.0.7"]);
    with_endpoint.sort_unstable();
    check(options, &service(spec), &[ready], &with_endpoint);
}

#[test]
fn a_service_whose_address_is_still_to_come_exists() {
    check(ZoneOptions::default(), &service(json!({"ports": [{"name": "http", "port": 80}]})), &[], &["web"]);
}

#[test]
fn an_external_name_is_an_alias_unless_it_is_an_address() {
    let external = |target: &str| service(json!({"type": "ExternalName", "externalName": target}));
    check(ZoneOptions::default(), &external("Db.Example.COM"), &[], &["web CNAME db.example.com."]);
    check(ZoneOptions::default(), &external("192.0.2.1"), &[], &[]);
    let rendered = Scheme::new(ZoneOptions::default()).unwrap().service(&external("a..b"), &[], true);
    assert_eq!(rendered.complaints, ["spec.externalName: \"a..b\" is no domain name"]);
    assert!(rendered.contribution.is_empty());
}

#[test]
fn endpoints_are_named_by_hostname_then_by_pod_if_wanted_then_by_address() {
    let long = "p".repeat(64);
    let endpoints = json!([
        {"addresses": ["10.0.0.1"], "hostname": "Host", "targetRef": {"name": "pod-1"}},
        {"addresses": ["10.0.0.2"], "targetRef": {"name": "pod-2"}},
        {"addresses": ["10.0.0.3"], "targetRef": {"name": long}},
        {"addresses": ["::1"], "targetRef": {"name": "with.dot"}},
    ]);
    let names = |options: ZoneOptions| {
        let rendered =
            Scheme::new(options).unwrap().service(&headless(), &[&slice(endpoints.clone(), json!([]))], true);
        let mut names: Vec<String> = lines(&rendered);
        names.retain(|line| line.contains(".web "));
        names
    };
    let by_address =
        ["0--1.web AAAA ::1", "10-0-0-2.web A 10.0.0.2", "10-0-0-3.web A 10.0.0.3", "host.web A 10.0.0.1"];
    assert_eq!(names(ZoneOptions::default()), by_address);
    let by_pod =
        ["0--1.web AAAA ::1", "10-0-0-3.web A 10.0.0.3", "host.web A 10.0.0.1", "pod-2.web A 10.0.0.2"];
    assert_eq!(names(ZoneOptions { endpoint_pod_names: true, ..ZoneOptions::default() }), by_pod);
}

#[test]
fn what_makes_no_name_is_complained_of_and_the_rest_is_rendered() {
    let ports = json!([{"name": "p".repeat(63), "port": 80}]);
    let slice = slice(json!([{"addresses": ["10.0.0.1", "not-an-address"], "hostname": "a"}]), ports);
    let rendered = Scheme::new(ZoneOptions::default()).unwrap().service(&headless(), &[&slice], true);
    assert_eq!(
        lines(&rendered)[1..],
        ["a.web A 10.0.0.1, SRV 0 100 80 a.web", "web A 10.0.0.1, SRV 0 100 80 a.web"]
    );
    assert_eq!(rendered.complaints.len(), 2, "{:?}", rendered.complaints);
    assert_eq!(rendered.complaints[0], "EndpointSlice web-abc: \"not-an-address\" is no IP address");
    let dotted: Service = object(json!({"metadata": {"name": "a.b", "namespace": "default"}}));
    let rendered = Scheme::new(ZoneOptions::default()).unwrap().service(&dotted, &[], true);
    assert_eq!(rendered.complaints, ["\"a.b\" is no DNS label"]);
}

#[test]
fn the_server_is_named_after_the_service_in_front_of_it() {
    let options =
        ZoneOptions { server_addresses: vec!["10.0.0.1".parse().unwrap()], ..ZoneOptions::default() };
    let scheme = Scheme::new(options).unwrap();
    let slice = slice(json!([{"addresses": ["10.0.0.1"]}, {"addresses": ["10.0.0.2"]}]), json!([]));
    let check = |service: &Service, expected: &[&str]| {
        let rendered = scheme.service(service, &[&slice], false);
        assert!(rendered.contribution.is_empty(), "its namespace is not published");
        let shown = |server: &NameServer| format!("{} {:?}", server.name, server.addresses);
        assert_eq!(rendered.name_servers.iter().map(shown).collect::<Vec<_>>(), expected);
    };
    check(&headless(), &["10-0-0-1.web.default.svc.cluster.local. {10.0.0.1}"]);
    check(&service(json!({"clusterIP": "10.96.0.10"})), &["web.default.svc.cluster.local. {10.96.0.10}"]);
    check(&service(json!({"type": "ExternalName", "externalName": "a.b"})), &[]);
}

#[test]
fn a_verified_pod_has_a_name_per_address_until_it_has_ended() {
    let scheme = Scheme::new(ZoneOptions { pods: PodNames::Verified, ..ZoneOptions::default() }).unwrap();
    let pod = |phase: &str| -> Pod {
        object(json!({
            "metadata": {"name": "p", "namespace": "default"},
            "status": {"phase": phase, "podIP": "10.0.0.1", "podIPs": [{"ip": "10.0.0.1"}, {"ip": "2001:DB8:0::5"}]},
        }))
    };
    let expected = ["10-0-0-1.default.pod.* A 10.0.0.1", "2001-db8--5.default.pod.* AAAA 2001:db8::5"];
    assert_eq!(lines(&scheme.pod(&pod("Running"))), expected);
    for phase in ["Succeeded", "Failed", "Unknown"] {
        assert_eq!(lines(&scheme.pod(&pod(phase))), [""; 0], "{phase}");
    }
    let insecure = Scheme::new(ZoneOptions { pods: PodNames::Insecure, ..ZoneOptions::default() }).unwrap();
    assert!(insecure.pod(&pod("Running")).contribution.is_empty());
}

#[test]
fn a_cluster_domain_without_room_is_an_error() {
    let label = "a".repeat(62);
    let domain = [label.as_str(); 4].join(".");
    let cluster_domain = hickory_proto::rr::Name::from_ascii(format!("{domain}.")).unwrap();
    assert!(Scheme::new(ZoneOptions { cluster_domain, ..ZoneOptions::default() }).is_err());
}
