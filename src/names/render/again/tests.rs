//! Histories of slices made at random: rendered again step by step, a service has what it has when
//! it is rendered whole.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::dns::zone::RrSets;
use crate::names::ledger::Ledger;
use crate::names::options::ZoneOptions;

const SLICES: usize = 4;

fn object<T: serde::de::DeserializeOwned>(value: Value) -> T {
    serde_json::from_value(value).unwrap()
}

/// Services of every form; the cluster address of one is an endpoint's too.
fn services() -> Vec<Service> {
    let ports = json!([{"name": "http", "port": 80}]);
    let peers = json!({"dullahan.dev/publish-peers": "true"});
    [
        (json!({"clusterIP": "None", "ports": ports}), json!({})),
        (json!({"clusterIP": "None", "ports": ports}), peers),
        (json!({"clusterIP": "10.0.0.1", "clusterIPs": ["10.0.0.1", "fd00::1"], "ports": ports}), json!({})),
        (json!({"type": "ExternalName", "externalName": "other.test"}), json!({})),
    ]
    .into_iter()
    .map(|(spec, annotations)| {
        let metadata = json!({"name": "web", "namespace": "default", "annotations": annotations});
        object(json!({"metadata": metadata, "spec": spec}))
    })
    .collect()
}

fn options() -> Vec<ZoneOptions> {
    let usual = ZoneOptions::default;
    vec![
        usual(),
        ZoneOptions { zonal: true, endpoint_pod_names: true, ..usual() },
        ZoneOptions { ignore_empty_service: true, ..usual() },
        ZoneOptions { server_addresses: [IpAddr::from([10, 0, 0, 2])].into(), ..usual() },
    ]
}

/// Few labels and addresses, so that slices share them; some that are none.
fn endpoint() -> impl Strategy<Value = Value> {
    let address = prop_oneof![
        60 => (0..6_u8).prop_map(|n| format!("10.0.0.{n}")),
        15 => (0..3_u8).prop_map(|n| format!("fd00::{n}")),
        1 => Just("nowhere".to_owned()),
    ];
    let hostname = proptest::option::of(prop_oneof![
        6 => (0..4_u8).prop_map(|n| format!("Web-{n}")),
        1 => Just("_tcp".to_owned()),
    ]);
    let zone = proptest::option::of(prop_oneof![Just("a"), Just("b.c")]);
    (address, hostname, proptest::option::of(any::<bool>()), zone, 0..3_u8).prop_map(
        |(address, hostname, ready, zone, pod)| {
            json!({
                "addresses": [address], "hostname": hostname, "conditions": {"ready": ready}, "zone": zone,
                "targetRef": {"kind": "Pod", "name": format!("pod-{pod}")},
            })
        },
    )
}

/// Endpoints and ports.
type Content = (Vec<Value>, Vec<u16>);

/// A slice's place and what is there from now on.
fn step() -> impl Strategy<Value = (usize, Option<Content>)> {
    let ports = proptest::sample::subsequence(vec![80_u16, 443], 0..=2);
    let content = (proptest::collection::vec(endpoint(), 0..5), ports);
    (0..SLICES, proptest::option::weighted(0.8, content))
}

fn slice(name: usize, endpoints: &[Value], ports: &[u16]) -> EndpointSlice {
    let ports: Vec<Value> = ports
        .iter()
        .map(|port| json!({"name": format!("p{port}"), "port": port, "protocol": "TCP"}))
        .collect();
    object(json!({
        "metadata": {"name": format!("web-{name}"), "namespace": "default"},
        "addressType": "IPv4", "endpoints": endpoints, "ports": ports,
    }))
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_rendered_again_is_what_is_rendered_whole(
        service in proptest::sample::select(services()),
        options in proptest::sample::select(options()),
        steps in proptest::collection::vec(step(), 1..12),
        n_at_once in 1..3_usize,
    ) {
        let scheme = Scheme::new(options).unwrap();
        let mut slices: [Option<EndpointSlice>; SLICES] = Default::default();
        let mut before = scheme.service(&service, &[], true);
        for steps in steps.chunks(n_at_once) {
            let mut touched = Touched::default();
            for (at, content) in steps {
                let now = content.as_ref().map(|(endpoints, ports)| slice(*at, endpoints, ports));
                touched.extend(scheme.touched(slices[*at].as_ref(), now.as_ref()));
                slices[*at] = now;
            }
            let slices: Vec<&EndpointSlice> = slices.iter().flatten().collect();
            let whole = scheme.service(&service, &slices, true);
            let is_clean = before.complaints.is_empty();
            let again = scheme.service_again(&service, &slices, &before.contribution, &touched);
            if let Some(again) = again.filter(|_| is_clean) {
                prop_assert_eq!(amended(before.contribution, again), whole.contribution.clone());
                prop_assert_eq!(before.name_servers, whole.name_servers.clone());
                prop_assert_eq!(&whole.complaints, &Vec::<String>::new());
            }
            before = whole;
        }
    }
}

#[test]
fn of_a_thousand_endpoints_only_those_that_differ_are_rendered() {
    const PER_SLICE: usize = 100;
    let endpoint = |n: usize| {
        let address = format!("10.0.{}.{}", n / PER_SLICE, n % PER_SLICE);
        json!({"addresses": [address], "hostname": format!("web-{n}")})
    };
    let of = |index: usize, n: usize| -> EndpointSlice {
        let endpoints: Vec<Value> = (index * PER_SLICE..index * PER_SLICE + n).map(endpoint).collect();
        slice(index, &endpoints, &[80])
    };
    let mut slices: Vec<EndpointSlice> = (0..10).map(|index| of(index, PER_SLICE)).collect();
    let service = &services()[0];
    let scheme = Scheme::new(ZoneOptions::default()).unwrap();
    let whole = scheme.service(service, &slices.iter().collect::<Vec<_>>(), true).contribution;
    // The service, its port, and two names of each endpoint.
    assert_eq!(whole.entries().len(), 2 + 2 * 1000);

    let shorter = of(3, PER_SLICE - 1);
    let touched = scheme.touched(Some(&slices[3]), Some(&shorter));
    slices[3] = shorter;
    let slices: Vec<&EndpointSlice> = slices.iter().collect();

    // Names of others are not looked at; records of others are kept, whatever they are.
    let is_shared = |entry: &Entry| {
        let below = name::ancestors(entry.name.as_bytes()).position(|name| name.starts_with(b"\x03web\x07"));
        matches!(below, Some(0 | 2))
    };
    let emptied = whole.entries().iter().map(|entry| match is_shared(entry) {
        true => entry.clone(),
        false => Entry { rrsets: RrSets::default(), ..entry.clone() },
    });
    let again = scheme.service_again(service, &slices, &Contribution::new(emptied), &touched).unwrap();
    let count = |given: &Contribution| {
        let entries = given.entries().iter().filter(|entry| !entry.rrsets.is_empty());
        entries.flat_map(|entry| entry.rrsets.iter().map(|set| set.len()).collect::<Vec<_>>()).sum::<usize>()
    };
    assert_eq!((again.entries.len(), again.without.len()), (2, 2));
    let amended = amended(whole, again);
    assert_eq!(amended, scheme.service(service, &slices, true).contribution);
    // Address and SRV of the service and of its port, address, SRV and PTR of each endpoint.
    assert_eq!(count(&amended), (4 + 3) * 999);
}

#[test]
fn where_the_ports_differ_or_the_slice_comes_or_goes_all_endpoints_do() {
    let endpoints: Vec<Value> = (0..3)
        .map(|n| json!({"addresses": [format!("10.0.0.{n}")], "hostname": format!("web-{n}")}))
        .collect();
    let scheme = Scheme::new(ZoneOptions::default()).unwrap();
    let [one, other] = [80, 443].map(|port| slice(0, &endpoints, &[port]));
    let none = slice(0, &[], &[80]);
    let check = |before: Option<&EndpointSlice>, now: Option<&EndpointSlice>, expected: (usize, usize)| {
        let touched = scheme.touched(before, now);
        assert_eq!((touched.labels.len(), touched.ports.len()), expected);
        assert_eq!(touched.addresses.len(), touched.labels.len());
    };
    check(Some(&one), Some(&other), (3, 2));
    check(Some(&one), None, (3, 1));
    check(None, Some(&one), (3, 1));
    check(Some(&none), Some(&one), (3, 1));
    check(Some(&one), Some(&one), (0, 0));
    // What the lists have in common at both ends is no difference.
    let shorter = slice(0, &[endpoints[0].clone(), endpoints[2].clone()], &[80]);
    check(Some(&one), Some(&shorter), (1, 1));
    check(Some(&shorter), Some(&one), (1, 1));
    let turned = slice(0, &[endpoints[2].clone(), endpoints[1].clone(), endpoints[0].clone()], &[80]);
    check(Some(&one), Some(&turned), (0, 0));
}

/// What a service gives after an amendment.
fn amended(before: Contribution, amendment: Amendment) -> Contribution {
    let source = "web";
    let mut ledger = Ledger::default();
    ledger.replace(source, before);
    ledger.amend(source, amendment);
    ledger.given(&source).cloned().unwrap_or_default()
}
