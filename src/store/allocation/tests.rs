//! Allocations as tables; specs are written as short YAML, one line each, and read back as what
//! was allocated.

use k8s_openapi::api::core::v1::Service;

use super::allocate::allocate;
use super::in_use::InUse;
use super::network::ServiceNetwork;
use super::request::AllocationError;
use super::spec::{cluster_ips, ip_families};

fn service(name: &str, spec: &str) -> Service {
    let text = format!("{{metadata: {{namespace: default, name: {name}}}, spec: {{{spec}}}}}");
    serde_yaml::from_str(&text).unwrap()
}

fn network(ranges: &[&str]) -> ServiceNetwork {
    let ranges = ranges.iter().map(|range| range.parse().unwrap()).collect();
    ServiceNetwork { ranges, ..Default::default() }
}

fn in_use(specs: &[&str]) -> InUse {
    let mut in_use = InUse::default();
    for (index, spec) in specs.iter().enumerate() {
        in_use.take(&service(&format!("other-{index}"), spec));
    }
    in_use
}

/// `10.96.1.1 IPv4 SingleStack 30086`, or the errors.
fn brief(service: &Service, outcome: Result<(), AllocationError>) -> String {
    match outcome {
        Err(AllocationError::Exhausted(why)) => return why,
        Err(AllocationError::Invalid(errors)) => {
            return errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
        }
        Ok(()) => {}
    }
    let spec = service.spec.as_ref().unwrap();
    assert_eq!(spec.cluster_ip.as_ref(), cluster_ips(spec).first(), "kept in step");
    let mut words = vec![cluster_ips(spec).join(","), ip_families(spec).join(",")];
    words.extend(spec.ip_family_policy.clone());
    let ports = spec.ports.iter().flatten().filter_map(|port| port.node_port);
    let ports: Vec<String> = ports.chain(spec.health_check_node_port).map(|port| port.to_string()).collect();
    words.push(ports.join(","));
    words.retain(|word| !word.is_empty());
    words.join(" ")
}

#[track_caller]
fn check(ranges: &[&str], taken: &[&str], spec: &str, expected: &str) {
    let mut new = service("new", spec);
    let outcome = allocate(&mut new, None, &in_use(taken), &network(ranges));
    assert_eq!(brief(&new, outcome), expected, "{spec}");
}

/// What an update of an allocated service makes of `spec`.
#[track_caller]
fn check_update(ranges: &[&str], old_spec: &str, spec: &str, expected: &str) {
    let mut old = service("new", old_spec);
    let taken =
        in_use(&["clusterIP: 10.96.1.1, clusterIPs: [10.96.1.1], ports: [{port: 1, nodePort: 30086}]"]);
    allocate(&mut old, None, &taken, &network(ranges)).unwrap();
    let mut taken = taken;
    taken.take(&old);
    let mut new = service("new", spec);
    let outcome = allocate(&mut new, Some(&old), &taken, &network(ranges));
    assert_eq!(brief(&new, outcome), expected, "{old_spec} to {spec}");
}

const ONE: &[&str] = &["10.96.0.0/16"];
const TWO: &[&str] = &["10.96.0.0/16", "fd00::/108"];
const HELD: &str = "clusterIP: 10.96.0.10, clusterIPs: [10.96.0.10], ports: [{port: 1, nodePort: 30000}]";

#[test]
fn an_address_is_chosen_or_checked() {
    check(ONE, &[], "", "10.96.1.1 IPv4 SingleStack");
    check(ONE, &["clusterIPs: [10.96.1.1]"], "type: ClusterIP", "10.96.1.2 IPv4 SingleStack");
    check(ONE, &[HELD], "clusterIP: 10.96.0.11", "10.96.0.11 IPv4 SingleStack");
    check(
        ONE,
        &[HELD],
        "clusterIP: 10.96.0.10",
        r#"spec.clusterIPs: Invalid value: ["10.96.0.10"]: failed to allocate IP 10.96.0.10: provided IP is already allocated"#,
    );
    let full: Vec<String> = (1..=2).map(|octet| format!("clusterIPs: [10.0.0.{octet}]")).collect();
    let full: Vec<&str> = full.iter().map(String::as_str).collect();
    check(&["10.0.0.0/30"], &full, "", "failed to allocate a serviceIP: range is full");
    check(&[], &[], "", "no service address range is configured");
}

#[test]
fn an_address_outside_the_range_is_held_like_any_other() {
    for outside in ["10.101.245.119", "10.97.0.0", "192.0.2.255", "203.0.113.9"] {
        let spec = format!("clusterIP: {outside}");
        check(ONE, &[], &spec, &format!("{outside} IPv4 SingleStack"));
        let refused = format!(
            "spec.clusterIPs: Invalid value: [\"{outside}\"]: failed to allocate IP {outside}: provided IP is \
             already allocated"
        );
        check(ONE, &[&format!("clusterIPs: [{outside}]")], &spec, &refused);
        check(ONE, &[&format!("clusterIPs: [{outside}]")], "", "10.96.1.1 IPv4 SingleStack");
        check_update(ONE, &spec, "selector: {a: b}", &format!("{outside} IPv4 SingleStack"));
    }
    check(TWO, &[], "clusterIP: '2001:db8::5'", "2001:db8::5 IPv6 SingleStack");
    let foreign =
        r#"spec.clusterIPs[0]: Invalid value: ["2001:db8::5"]: IPv6 is not configured on this cluster"#;
    check(ONE, &[], "clusterIP: '2001:db8::5'", foreign);
}

#[test]
fn an_address_that_is_not_unicast_is_refused() {
    let addresses = [
        "0.0.0.0",
        "224.0.0.251",
        "239.255.255.250",
        "255.255.255.255",
        "10.96.0.0",
        "10.96.255.255",
        "::",
        "ff02::fb",
        "fd00::",
    ];
    for address in addresses {
        let expected = format!(
            "spec.clusterIPs: Invalid value: [\"{address}\"]: failed to allocate IP {address}: the provided IP \
             ({address}) is not a unicast address; leave it out to get one"
        );
        check(TWO, &[], &format!("clusterIP: '{address}'"), &expected);
    }
}

#[test]
fn headless_services_and_external_names_get_no_address() {
    check(ONE, &[], "clusterIP: None, selector: {a: b}", "None IPv4 SingleStack");
    check(ONE, &[], "clusterIP: None", "None IPv4,IPv6 RequireDualStack");
    check(ONE, &[], "clusterIP: None, ipFamilyPolicy: SingleStack", "None IPv4 SingleStack");
    check(ONE, &[], "type: ExternalName, externalName: example.com", "");
    check(TWO, &[], "clusterIP: None, selector: {a: b}", "None IPv4 SingleStack");
    check(
        TWO,
        &[],
        "clusterIP: None, selector: {a: b}, ipFamilyPolicy: PreferDualStack",
        "None IPv4,IPv6 PreferDualStack",
    );
}

#[test]
fn families_follow_the_policy_and_the_ranges() {
    check(TWO, &[], "", "10.96.1.1 IPv4 SingleStack");
    check(TWO, &[], "ipFamilies: [IPv6]", "fd00::101 IPv6 SingleStack");
    check(TWO, &[], "clusterIP: 'fd00::5'", "fd00::5 IPv6 SingleStack");
    check(TWO, &[], "ipFamilyPolicy: PreferDualStack", "10.96.1.1,fd00::101 IPv4,IPv6 PreferDualStack");
    check(ONE, &[], "ipFamilyPolicy: PreferDualStack", "10.96.1.1 IPv4 PreferDualStack");
    check(
        TWO,
        &[],
        "ipFamilyPolicy: RequireDualStack, ipFamilies: [IPv6]",
        "fd00::101,10.96.1.1 IPv6,IPv4 RequireDualStack",
    );
    check(
        ONE,
        &[],
        "ipFamilyPolicy: RequireDualStack",
        r#"spec.ipFamilyPolicy: Invalid value: "RequireDualStack": this cluster is not configured for dual-stack services"#,
    );
    check(
        ONE,
        &[],
        "ipFamilies: [IPv6]",
        r#"spec.ipFamilies[0]: Invalid value: "IPv6": not configured on this cluster"#,
    );
    check(
        TWO,
        &[],
        "ipFamilies: [IPv4, IPv6]",
        r#"spec.ipFamilyPolicy: Invalid value: "SingleStack": must be 'RequireDualStack' or 'PreferDualStack' when multiple IP families are specified"#,
    );
}

#[test]
fn fields_that_contradict_one_another_are_refused() {
    check(
        ONE,
        &[],
        "clusterIPs: [10.96.0.5]",
        r#"spec.clusterIPs: Invalid value: ["10.96.0.5"]: must be empty when `clusterIP` is not specified"#,
    );
    check(
        ONE,
        &[],
        "clusterIP: 10.96.0.5, clusterIPs: [10.96.0.6]",
        r#"spec.clusterIPs: Invalid value: ["10.96.0.6"]: first value must match `clusterIP`"#,
    );
    check(
        ONE,
        &[],
        "clusterIP: nonsense",
        r#"spec.clusterIPs[0]: Invalid value: "nonsense": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"#,
    );
    check(
        TWO,
        &[],
        "clusterIP: 10.96.0.5, ipFamilies: [IPv6]",
        r#"spec.clusterIPs[0]: Invalid value: "10.96.0.5": expected an IPv6 value as indicated by `ipFamilies[0]`"#,
    );
}

#[test]
fn node_ports_are_chosen_or_checked() {
    let check = |taken: &[&str], ports: &str, expected: &str| {
        let spec = format!("type: NodePort, clusterIP: 10.96.0.2, ports: [{ports}]");
        let expected = expected.replace("ok", "10.96.0.2 IPv4 SingleStack");
        check(ONE, taken, &spec, &expected);
    };
    check(&[], "{port: 80}, {port: 81}", "ok 30086,30087");
    check(&["ports: [{port: 1, nodePort: 30086}]"], "{port: 80}, {port: 81}", "ok 30087,30088");
    check(&[], "{port: 80, nodePort: 30005}", "ok 30005");
    check(&[], "{port: 53, protocol: UDP}, {port: 53, protocol: TCP, nodePort: 30053}", "ok 30053,30053");
    check(&[], "{port: 53, protocol: UDP}, {port: 53, protocol: TCP}", "ok 30086,30086");
    check(
        &[HELD],
        "{port: 80, nodePort: 30000}",
        "spec.ports[0].nodePort: Invalid value: 30000: provided port is already allocated",
    );
    check(
        &[],
        "{port: 80, nodePort: 30001}, {port: 81, nodePort: 30001}",
        "spec.ports[1].nodePort: Invalid value: 30001: provided port is already allocated",
    );
    check(
        &[],
        "{port: 80, nodePort: 80}",
        "spec.ports[0].nodePort: Invalid value: 80: provided port is not in the valid range. The range of \
         valid ports is 30000-32767",
    );
}

#[test]
fn a_load_balancer_gets_node_ports_unless_it_wants_none() {
    let base = "type: LoadBalancer, clusterIP: 10.96.0.2, ports: [{port: 80}]";
    check(ONE, &[], base, "10.96.0.2 IPv4 SingleStack 30086");
    let without = format!("{base}, allocateLoadBalancerNodePorts: false");
    check(ONE, &[], &without, "10.96.0.2 IPv4 SingleStack");
    let local = format!("{base}, externalTrafficPolicy: Local");
    check(ONE, &[], &local, "10.96.0.2 IPv4 SingleStack 30086,30087");
}

#[test]
fn node_ports_run_out() {
    let network = ServiceNetwork { node_ports: (30_000, 30_001), ..Default::default() };
    let spec = "type: NodePort, ports: [{port: 1}, {port: 2}, {port: 3}]";
    let mut new = service("new", spec);
    let outcome = allocate(&mut new, None, &InUse::default(), &network);
    assert_eq!(brief(&new, outcome), "failed to allocate a nodePort: range is full");
}

#[test]
fn an_update_keeps_what_it_leaves_out() {
    let old = "type: NodePort, ports: [{name: a, port: 80}, {name: b, port: 81}]";
    check_update(ONE, "", "selector: {a: b}", "10.96.1.2 IPv4 SingleStack");
    check_update(ONE, old, old, "10.96.1.2 IPv4 SingleStack 30087,30088");
    let turned = "type: NodePort, ports: [{name: b, port: 81}, {name: a, port: 8080}, {name: c, port: 82}]";
    check_update(ONE, old, turned, "10.96.1.2 IPv4 SingleStack 30088,30087,30089");
    let taking = "type: NodePort, ports: [{name: a, port: 80, nodePort: 30088}, {name: b, port: 81}]";
    check_update(ONE, old, taking, "10.96.1.2 IPv4 SingleStack 30088,30089");
    check_update(ONE, "clusterIP: None, selector: {a: b}", "clusterIP: None", "None IPv4 SingleStack");
    check_update(ONE, "clusterIP: 10.96.0.7", "clusterIP: 10.96.0.7", "10.96.0.7 IPv4 SingleStack");
}

#[test]
fn a_change_of_type_allocates_and_releases() {
    let node_port = "type: NodePort, ports: [{port: 80}]";
    let external = "type: ExternalName, externalName: example.com";
    check_update(ONE, "ports: [{port: 80}]", node_port, "10.96.1.2 IPv4 SingleStack 30087");
    check_update(ONE, node_port, "type: ClusterIP, ports: [{port: 80}]", "10.96.1.2 IPv4 SingleStack");
    let kept = "type: ClusterIP, ports: [{port: 80, nodePort: 30087}]";
    check_update(ONE, node_port, kept, "10.96.1.2 IPv4 SingleStack");
    check_update(ONE, "", external, "");
    let kept = format!(
        "{external}, clusterIP: 10.96.1.2, clusterIPs: [10.96.1.2], ipFamilies: [IPv4], ipFamilyPolicy: SingleStack"
    );
    check_update(ONE, "", &kept, "");
    check_update(ONE, external, "type: ClusterIP", "10.96.1.2 IPv4 SingleStack");
}

#[test]
fn a_second_family_is_added_and_given_up_on_demand_alone() {
    let both = "ipFamilyPolicy: RequireDualStack";
    let allocated = "clusterIP: 10.96.1.2, clusterIPs: [10.96.1.2, 'fd00::101'], ipFamilies: [IPv4, IPv6]";
    let two = "10.96.1.2,fd00::101 IPv4,IPv6 RequireDualStack";
    check_update(TWO, "", both, two);
    check_update(TWO, both, "", two);
    check_update(
        TWO,
        both,
        &format!("{allocated}, ipFamilyPolicy: SingleStack"),
        "10.96.1.2 IPv4 SingleStack",
    );
    check_update(
        TWO,
        both,
        &format!("{both}, clusterIP: 10.96.1.2, clusterIPs: [10.96.1.2]"),
        r#"spec.ipFamilyPolicy: Invalid value: "RequireDualStack": must be 'SingleStack' to release the secondary cluster IP"#,
    );
}

#[test]
fn what_a_service_holds_is_free_when_it_is_gone() {
    let held = service("held", HELD);
    let mut in_use = InUse::default();
    in_use.take(&held);
    assert_ne!(in_use, InUse::default());
    in_use.release(&held);
    assert_eq!(in_use, InUse::default());
}

#[test]
fn the_reserved_places_are_those_of_kubeadm() {
    let network = ServiceNetwork::default();
    let places = [0, 1, 10, 65_535].map(|place| network.address(place).map(|address| address.to_string()));
    assert_eq!(places, [None, Some("10.96.0.1".into()), Some("10.96.0.10".into()), None]);
}
