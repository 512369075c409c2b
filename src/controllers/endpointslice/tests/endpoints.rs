//! Which pods take part, and what their endpoints say.

use k8s_openapi::api::core::v1::{Pod, PodIP};
use k8s_openapi::api::discovery::v1::EndpointConditions;

use super::{Cluster, at, pod, set_ready};

fn is_included(change: impl Fn(&mut Pod)) -> bool {
    let mut pod = pod("web-0", "10.0.0.1");
    change(&mut pod);
    let mut cluster = Cluster::new(vec![pod]);
    cluster.step();
    !cluster.endpoints().is_empty()
}

#[test]
fn pods_without_address_and_pods_that_ended_are_out_and_terminating_pods_are_in() {
    assert!(is_included(|_| {}));
    assert!(is_included(|pod| pod.metadata.deletion_timestamp = Some(at(9))));
    assert!(is_included(|pod| set_ready(pod, "False")));
    assert!(is_included(|pod| pod.spec.as_mut().unwrap().node_name = None), "no Node object is needed");
    assert!(is_included(|pod| pod.status.as_mut().unwrap().pod_ip = None));
    for phase in ["Failed", "Succeeded"] {
        assert!(!is_included(|pod| pod.status.as_mut().unwrap().phase = Some(phase.into())));
    }
    assert!(!is_included(|pod| {
        let status = pod.status.as_mut().unwrap();
        (status.pod_ip, status.pod_ips) = (None, None);
    }));
    assert!(!is_included(|pod| pod.status.as_mut().unwrap().pod_ips = None), "podIP alone gives no address");
    assert!(!is_included(|pod| pod.status.as_mut().unwrap().pod_ips = Some(vec![PodIP { ip: "x".into() }])));
}

fn check_conditions(publish: bool, is_ready: &str, is_terminating: bool, expected: [bool; 3]) {
    let mut pod = pod("web-0", "10.0.0.1");
    set_ready(&mut pod, is_ready);
    pod.metadata.deletion_timestamp = is_terminating.then(|| at(9));
    let mut cluster = Cluster::new(vec![pod]);
    cluster.service.spec.as_mut().unwrap().publish_not_ready_addresses = Some(publish);
    cluster.step();
    let [ready, serving, terminating] = expected.map(Some);
    let expected = Some(EndpointConditions { ready, serving, terminating });
    assert_eq!(cluster.the_endpoint().conditions, expected, "{publish} {is_ready} {is_terminating}");
}

#[test]
fn ready_is_published_and_serving_tells_the_truth() {
    check_conditions(false, "True", false, [true, true, false]);
    check_conditions(false, "False", false, [false, false, false]);
    check_conditions(false, "Unknown", false, [false, false, false]);
    check_conditions(false, "True", true, [false, true, true]);
    check_conditions(false, "False", true, [false, false, true]);
    check_conditions(true, "True", false, [true, true, false]);
    check_conditions(true, "False", false, [true, false, false]);
    check_conditions(true, "True", true, [true, true, true]);
    check_conditions(true, "False", true, [true, false, true]);
}

fn hostname(hostname: Option<&str>, subdomain: Option<&str>) -> Option<String> {
    let mut pod = pod("web-0", "10.0.0.1");
    let spec = pod.spec.as_mut().unwrap();
    spec.hostname = hostname.map(str::to_owned);
    spec.subdomain = subdomain.map(str::to_owned);
    let mut cluster = Cluster::new(vec![pod]);
    cluster.step();
    cluster.the_endpoint().hostname.clone()
}

#[test]
fn a_pod_has_its_hostname_only_under_the_service_of_its_subdomain() {
    assert_eq!(hostname(Some("web-0"), Some("nginx")).as_deref(), Some("web-0"));
    assert_eq!(hostname(Some("web-0"), Some("other")), None);
    assert_eq!(hostname(Some("web-0"), None), None);
    assert_eq!(hostname(None, Some("nginx")), None);
    assert_eq!(hostname(Some(""), Some("nginx")), None);
    let mut elsewhere = Cluster::new(vec![pod("web-0", "10.0.0.1")]);
    elsewhere.service.metadata.namespace = Some("other".into());
    elsewhere.step();
    assert_eq!(elsewhere.the_endpoint().hostname, None);
}

#[test]
fn an_endpoint_names_its_pod_its_node_and_its_zone() {
    let mut cluster = Cluster::new(vec![pod("web-0", "10.0.0.1")]);
    cluster.zones.insert("node-1".into(), "west".into());
    cluster.step();
    let endpoint = cluster.the_endpoint();
    let target = endpoint.target_ref.as_ref().unwrap();
    let named =
        [&target.kind, &target.namespace, &target.name, &target.uid].map(|text| text.as_deref().unwrap());
    assert_eq!(named, ["Pod", "default", "web-0", "web-0-uid"]);
    assert_eq!(endpoint.node_name.as_deref(), Some("node-1"));
    assert_eq!(endpoint.zone.as_deref(), Some("west"));
}

fn check_addresses(ips: &[&str], families: &[&str], cluster_ip: &str, expected: &[(&str, &[&str])]) {
    let mut pod = pod("web-0", "10.0.0.1");
    let ips = ips.iter().map(|ip| PodIP { ip: (*ip).into() }).collect();
    pod.status.as_mut().unwrap().pod_ips = Some(ips);
    let mut cluster = Cluster::new(vec![pod]);
    let spec = cluster.service.spec.as_mut().unwrap();
    spec.ip_families = Some(families.iter().map(|family| (*family).to_owned()).collect());
    spec.cluster_ip = Some(cluster_ip.into());
    cluster.step();
    let slices = cluster.slices.iter().map(|slice| {
        let endpoints = slice.endpoints.iter().flatten();
        let addresses: Vec<&str> = endpoints.flat_map(|e| e.addresses.iter().map(String::as_str)).collect();
        (slice.address_type.as_str(), addresses)
    });
    let expected: Vec<_> = expected.iter().map(|(family, ips)| (*family, ips.to_vec())).collect();
    assert_eq!(slices.collect::<Vec<_>>(), expected);
}

#[test]
fn each_family_has_slices_of_its_own_with_addresses_in_canonical_form() {
    let both = ["10.0.0.1", "FD00:0:0:0:0:0:0:01"];
    check_addresses(&both, &["IPv4"], "None", &[("IPv4", &["10.0.0.1"])]);
    check_addresses(&both, &["IPv6"], "None", &[("IPv6", &["fd00::1"])]);
    check_addresses(&both, &["IPv6", "IPv4"], "None", &[("IPv4", &["10.0.0.1"]), ("IPv6", &["fd00::1"])]);
    check_addresses(&both[..1], &["IPv4", "IPv6"], "None", &[("IPv4", &["10.0.0.1"]), ("IPv6", &[])]);
    check_addresses(&both, &[], "10.96.0.9", &[("IPv4", &["10.0.0.1"])]);
    check_addresses(&both, &[], "fd01::9", &[("IPv6", &["fd00::1"])]);
    check_addresses(&both, &[], "None", &[("IPv4", &["10.0.0.1"]), ("IPv6", &["fd00::1"])]);
    check_addresses(&both, &[], "", &[("IPv4", &["10.0.0.1"]), ("IPv6", &["fd00::1"])]);
}
