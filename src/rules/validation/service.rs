//! Services (`ValidateService`), except for their cluster addresses.
//!
//! What the store allocates (addresses, node ports) may still be absent here.

use std::collections::BTreeSet;

use k8s_openapi::api::core::v1::{Service, ServicePort, ServiceSpec, SessionAffinityConfig};

use super::port::{PROTOCOLS, check_port, check_port_or_name};
use super::value::{IMMUTABLE, check_choice, check_form, items, text};
use super::{labels, service_address};
use crate::objects::service::{is_headless, needs_health_check_port};
use crate::objects::{Fault, FieldError, Path, names};

const SPEC: Path<'_> = Path::root("spec");
const TYPES: &[&str] = &["ClusterIP", "ExternalName", "LoadBalancer", "NodePort"];
const TRAFFIC_POLICIES: &[&str] = &["Cluster", "Local"];
const TRAFFIC_DISTRIBUTIONS: &[&str] = &["PreferClose", "PreferSameNode", "PreferSameZone"];
/// One day.
const AFFINITY_TIMEOUT_S_MAX: i32 = 86_400;
const ONLY_FOR_LOAD_BALANCERS: &str = "may only be used when `type` is 'LoadBalancer'";

pub(super) fn check(service: &Service, errors: &mut Vec<FieldError>) {
    let absent = ServiceSpec::default();
    let spec = service.spec.as_ref().unwrap_or(&absent);
    check_type(spec, errors);
    check_ports(spec, errors);
    labels::check(spec.selector.as_ref(), &SPEC.child("selector"), errors);
    check_affinity(spec, errors);
    service_address::check(spec, errors);
    check_external_ips(items(&spec.external_ips), errors);
    check_choice(text(&spec.type_), TYPES, &SPEC.child("type"), errors);
    check_load_balancer(spec, errors);
    check_external_traffic(spec, errors);
    check_internal_traffic(spec, errors);
    let distribution = text(&spec.traffic_distribution);
    if spec.traffic_distribution.is_some() && !TRAFFIC_DISTRIBUTIONS.contains(&distribution) {
        let path = SPEC.child("trafficDistribution");
        errors.push(path.not_supported(distribution, TRAFFIC_DISTRIBUTIONS));
    }
}

pub(super) fn check_change(new: &Service, old: &Service, errors: &mut Vec<FieldError>) {
    let absent = ServiceSpec::default();
    let (new, old) = (new.spec.as_ref().unwrap_or(&absent), old.spec.as_ref().unwrap_or(&absent));
    service_address::check_change(new, old, errors);
    let is_balanced = |spec: &ServiceSpec| text(&spec.type_) == "LoadBalancer";
    if is_balanced(new) && is_balanced(old) && new.load_balancer_class != old.load_balancer_class {
        let value = serde_json::Value::from(new.load_balancer_class.clone());
        errors.push(SPEC.child("loadBalancerClass").invalid(value, "may not change once set"));
    }
    let is_checked = |spec: &ServiceSpec| spec.health_check_node_port.is_some();
    if needs_health_check_port(new)
        && needs_health_check_port(old)
        && is_checked(old)
        && new.health_check_node_port != old.health_check_node_port
    {
        errors.push(SPEC.child("healthCheckNodePort").forbidden(IMMUTABLE));
    }
}

pub(super) fn check_status(new: &Service, errors: &mut Vec<FieldError>) {
    let path = Path::root("status.loadBalancer.ingress");
    let status = new.status.as_ref().and_then(|status| status.load_balancer.as_ref());
    for (index, ingress) in status.into_iter().flat_map(|status| items(&status.ingress)).enumerate() {
        let path = path.index(index);
        if let Some(address) = ingress.ip.as_deref().filter(|address| !address.is_empty()) {
            check_form(names::ip_address(address), address, &path.child("ip"), errors);
        }
        if let Some(name) = ingress.hostname.as_deref().filter(|name| !name.is_empty()) {
            check_form(names::dns1123_subdomain(name), name, &path.child("hostname"), errors);
            if names::ip_address(name).is_empty() {
                errors.push(path.child("hostname").invalid(name, "must be a DNS name, not an IP address"));
            }
        }
    }
}

fn check_type(spec: &ServiceSpec, errors: &mut Vec<FieldError>) {
    let kind = text(&spec.type_);
    if items(&spec.ports).is_empty() && !is_headless(spec) && kind != "ExternalName" {
        errors.push(SPEC.child("ports").required(""));
    }
    match kind {
        "LoadBalancer" | "NodePort" if is_headless(spec) => {
            let rule = format!("may not be set to 'None' for {kind} services");
            errors.push(SPEC.child("clusterIPs").index(0).invalid("None", &rule));
        }
        "ExternalName" => check_external_name(spec, errors),
        _ => {}
    }
}

fn check_external_name(spec: &ServiceSpec, errors: &mut Vec<FieldError>) {
    let set = [
        ("clusterIPs", !items(&spec.cluster_ips).is_empty()),
        ("ipFamilies", !items(&spec.ip_families).is_empty()),
        ("ipFamilyPolicy", spec.ip_family_policy.is_some()),
    ];
    for (name, _) in set.iter().filter(|(_, is_set)| *is_set) {
        errors.push(SPEC.child(name).forbidden("may not be set for ExternalName services"));
    }
    let path = SPEC.child("externalName");
    let name = text(&spec.external_name);
    let name = name.strip_suffix('.').unwrap_or(name);
    if name.is_empty() {
        errors.push(path.required(""));
    } else {
        check_form(names::dns1123_subdomain(name), name, &path, errors);
    }
}

fn check_ports(spec: &ServiceSpec, errors: &mut Vec<FieldError>) {
    let list = SPEC.child("ports");
    let ports = items(&spec.ports);
    let mut names = BTreeSet::new();
    for (index, port) in ports.iter().enumerate() {
        let path = list.index(index);
        check_port_name(port, ports.len() > 1, &mut names, &path.child("name"), errors);
        check_port_fields(port, &path, errors);
        if text(&spec.type_) == "ClusterIP" && node_port(port) != 0 {
            let rule = "may not be used when `type` is 'ClusterIP'";
            errors.push(path.child("nodePort").forbidden(rule));
        }
    }
    let mut taken = BTreeSet::new();
    let on_nodes = ports.iter().enumerate().filter(|(_, port)| node_port(port) != 0);
    for (index, port) in on_nodes {
        if !taken.insert((text(&port.protocol), node_port(port))) {
            errors.push(list.index(index).child("nodePort").duplicate(node_port(port)));
        }
    }
    let mut taken = BTreeSet::new();
    for (index, port) in ports.iter().enumerate() {
        if !taken.insert((text(&port.protocol), port.port)) {
            // Kubernetes prints its internal type here, with only two fields set.
            let mut error = list.index(index).duplicate("");
            error.fault = Fault::Duplicate(format!(
                r#"{{"Name":"","Protocol":"{}","AppProtocol":null,"Port":{},"TargetPort":0,"NodePort":0}}"#,
                text(&port.protocol),
                port.port
            ));
            errors.push(error);
        }
    }
}

fn node_port(port: &ServicePort) -> i32 {
    port.node_port.unwrap_or_default()
}

fn check_port_name<'a>(
    port: &'a ServicePort,
    is_required: bool,
    known: &mut BTreeSet<&'a str>,
    path: &Path<'_>,
    errors: &mut Vec<FieldError>,
) {
    let name = text(&port.name);
    if name.is_empty() {
        if is_required {
            errors.push(path.required(""));
        }
        return;
    }
    check_form(names::dns1123_label(name), name, path, errors);
    if !known.insert(name) {
        errors.push(path.duplicate(name));
    }
}

fn check_port_fields(port: &ServicePort, path: &Path<'_>, errors: &mut Vec<FieldError>) {
    check_port(port.port, &path.child("port"), errors);
    check_choice(text(&port.protocol), PROTOCOLS, &path.child("protocol"), errors);
    if let Some(target) = &port.target_port {
        check_port_or_name(target, &path.child("targetPort"), errors);
    }
    if let Some(protocol) = &port.app_protocol {
        check_form(names::qualified_name(protocol), protocol, &path.child("appProtocol"), errors);
    }
    if node_port(port) != 0 {
        check_port(node_port(port), &path.child("nodePort"), errors);
    }
}

fn check_affinity(spec: &ServiceSpec, errors: &mut Vec<FieldError>) {
    check_choice(text(&spec.session_affinity), &["ClientIP", "None"], &SPEC.child("sessionAffinity"), errors);
    let path = SPEC.child("sessionAffinityConfig");
    match (text(&spec.session_affinity), &spec.session_affinity_config) {
        ("ClientIP", config) => check_client_affinity(config.as_ref(), &path, errors),
        ("None", Some(_)) => errors.push(path.forbidden("must not be set when session affinity is None")),
        _ => {}
    }
}

fn check_client_affinity(
    config: Option<&SessionAffinityConfig>,
    path: &Path<'_>,
    errors: &mut Vec<FieldError>,
) {
    let rule = "when session affinity type is ClientIP";
    let Some(config) = config else { return errors.push(path.required(rule)) };
    let path = path.child("clientIP");
    let Some(client) = &config.client_ip else { return errors.push(path.required(rule)) };
    let path = path.child("timeoutSeconds");
    match client.timeout_seconds {
        None => errors.push(path.required(rule)),
        Some(timeout_s) if timeout_s <= 0 || timeout_s > AFFINITY_TIMEOUT_S_MAX => {
            let rule = format!("must be greater than 0 and less than {AFFINITY_TIMEOUT_S_MAX}");
            errors.push(path.invalid(timeout_s, &rule));
        }
        Some(_) => {}
    }
}

fn check_external_ips(addresses: &[String], errors: &mut Vec<FieldError>) {
    let list = SPEC.child("externalIPs");
    for (index, text) in addresses.iter().enumerate() {
        let path = list.index(index);
        let Ok(address) = text.parse::<std::net::IpAddr>() else {
            check_form(names::ip_address(text), text, &path, errors);
            continue;
        };
        check_form(service_address::special_rules(address), text, &path, errors);
    }
}

fn check_load_balancer(spec: &ServiceSpec, errors: &mut Vec<FieldError>) {
    let is_balanced = text(&spec.type_) == "LoadBalancer";
    // Kubernetes spells this path with a capital letter.
    let ranges = SPEC.child("LoadBalancerSourceRanges");
    if !items(&spec.load_balancer_source_ranges).is_empty() && !is_balanced {
        errors.push(ranges.forbidden(ONLY_FOR_LOAD_BALANCERS));
    }
    for (index, range) in items(&spec.load_balancer_source_ranges).iter().enumerate() {
        check_form(names::network(range.trim()), range, &ranges.index(index), errors);
    }
    if spec.allocate_load_balancer_node_ports.is_some() && !is_balanced {
        errors.push(SPEC.child("allocateLoadBalancerNodePorts").forbidden(ONLY_FOR_LOAD_BALANCERS));
    }
    if let Some(class) = &spec.load_balancer_class {
        let path = SPEC.child("loadBalancerClass");
        if is_balanced {
            check_form(names::qualified_name(class), class, &path, errors);
        } else {
            errors.push(path.forbidden(ONLY_FOR_LOAD_BALANCERS));
        }
    }
}

fn check_external_traffic(spec: &ServiceSpec, errors: &mut Vec<FieldError>) {
    let kind = text(&spec.type_);
    let has_external_ips = !items(&spec.external_ips).is_empty();
    let is_reachable =
        matches!(kind, "NodePort" | "LoadBalancer") || (kind == "ClusterIP" && has_external_ips);
    let policy = text(&spec.external_traffic_policy);
    let path = SPEC.child("externalTrafficPolicy");
    if is_reachable {
        check_choice(policy, TRAFFIC_POLICIES, &path, errors);
    } else if !policy.is_empty() {
        errors.push(path.invalid(policy, "may only be set for externally-accessible services"));
    }
    let port = spec.health_check_node_port.unwrap_or_default();
    let path = SPEC.child("healthCheckNodePort");
    if port != 0 && needs_health_check_port(spec) {
        check_port(port, &path, errors);
    } else if port != 0 {
        let rule = "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'";
        errors.push(path.invalid(port, rule));
    }
}

fn check_internal_traffic(spec: &ServiceSpec, errors: &mut Vec<FieldError>) {
    let path = SPEC.child("internalTrafficPolicy");
    let policy = text(&spec.internal_traffic_policy);
    let is_required = matches!(text(&spec.type_), "NodePort" | "LoadBalancer" | "ClusterIP");
    if is_required || !policy.is_empty() {
        check_choice(policy, TRAFFIC_POLICIES, &path, errors);
    }
}
