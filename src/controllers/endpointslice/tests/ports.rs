//! Ports, named target ports, and slices grouped by the set of ports.

use k8s_openapi::api::core::v1::{Container, Pod, ServicePort};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use super::{Cluster, container_port, pod, pods, service_port};

fn named(name: &str) -> Option<IntOrString> {
    Some(IntOrString::String(name.into()))
}

fn with_ports(mut pod: Pod, ports: &[(&str, i32, &str)]) -> Pod {
    let ports = ports.iter().map(|(name, port, protocol)| container_port(name, *port, protocol)).collect();
    pod.spec.as_mut().unwrap().containers[0].ports = Some(ports);
    pod
}

fn check(ports: Vec<ServicePort>, pod: Pod, expected: &[(&str, i32, &str)]) {
    let mut cluster = Cluster::new(vec![pod]);
    cluster.service.spec.as_mut().unwrap().ports = Some(ports);
    cluster.step();
    assert_eq!(cluster.slices.len(), 1);
    let ports = cluster.slices[0].ports.iter().flatten().map(|port| {
        let name = port.name.as_deref().expect("a name is always written");
        (name, port.port.unwrap(), port.protocol.as_deref().unwrap())
    });
    assert_eq!(ports.collect::<Vec<_>>(), expected);
}

#[test]
fn ports_are_the_target_ports_of_the_pod() {
    let plain = || pod("web-0", "10.0.0.1");
    let http = || with_ports(plain(), &[("http", 53, "UDP"), ("http", 8080, "TCP"), ("http", 8081, "TCP")]);
    let udp = ServicePort { protocol: Some("UDP".into()), ..service_port("d", 53, named("http")) };
    let unnamed = ServicePort { name: None, ..service_port("", 80, None) };
    check(vec![service_port("web", 80, None)], plain(), &[("web", 80, "TCP")]);
    check(vec![service_port("web", 80, Some(IntOrString::Int(8080)))], plain(), &[("web", 8080, "TCP")]);
    check(vec![service_port("web", 80, named("http"))], http(), &[("web", 8080, "TCP")]);
    check(vec![udp], http(), &[("d", 53, "UDP")]);
    check(vec![unnamed], plain(), &[("", 80, "TCP")]);
    check(
        vec![service_port("web", 80, named("gone")), service_port("x", 1, None)],
        plain(),
        &[("x", 1, "TCP")],
    );
    check(vec![], plain(), &[]);
}

#[test]
fn a_named_port_is_found_in_sidecars_but_not_in_other_init_containers() {
    for (restart_policy, expected) in [(Some("Always"), vec![("web", 9, "TCP")]), (None, vec![])] {
        let mut pod = pod("web-0", "10.0.0.1");
        pod.spec.as_mut().unwrap().init_containers = Some(vec![Container {
            name: "side".into(),
            restart_policy: restart_policy.map(str::to_owned),
            ports: Some(vec![container_port("http", 9, "TCP")]),
            ..Default::default()
        }]);
        check(vec![service_port("web", 80, named("http"))], pod, &expected);
    }
}

#[test]
fn pods_with_other_ports_are_in_other_slices() {
    let pods = [("web-0", "10.0.0.1", 80), ("web-1", "10.0.0.2", 81), ("web-2", "10.0.0.3", 80)]
        .map(|(name, ip, port)| with_ports(pod(name, ip), &[("http", port, "TCP")]));
    let mut cluster = Cluster::new(pods.to_vec());
    cluster.service.spec.as_mut().unwrap().ports = Some(vec![service_port("web", 80, named("http"))]);
    assert_eq!(cluster.step(), ["+2", "+1"]);
    cluster.pods.remove(1);
    assert_eq!(cluster.step(), ["-"], "slices of ports that nobody has go");
}

#[test]
fn a_changed_port_rewrites_the_slices_and_the_order_of_ports_does_not_matter() {
    let mut cluster = Cluster::new(pods(3));
    let ports = vec![service_port("web", 80, None), service_port("admin", 81, None)];
    cluster.service.spec.as_mut().unwrap().ports = Some(ports.clone());
    assert_eq!(cluster.step(), ["+3"]);
    cluster.service.spec.as_mut().unwrap().ports = Some(ports.into_iter().rev().collect());
    assert!(cluster.step().is_empty());
    cluster.service.spec.as_mut().unwrap().ports = Some(vec![service_port("web", 8080, None)]);
    assert_eq!(cluster.step(), ["~3"], "one write instead of two");
}

#[test]
fn the_application_protocol_is_carried_over_and_is_part_of_the_set() {
    let mut cluster = Cluster::new(pods(1));
    cluster.step();
    let ports = cluster.service.spec.as_mut().unwrap().ports.as_mut().unwrap();
    ports[0].app_protocol = Some("kubernetes.io/h2c".into());
    assert_eq!(cluster.step(), ["~1"]);
    let ports = cluster.slices[0].ports.as_ref().unwrap();
    assert_eq!(ports[0].app_protocol.as_deref(), Some("kubernetes.io/h2c"));
}
