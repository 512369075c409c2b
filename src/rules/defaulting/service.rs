//! Defaults of services (`pkg/apis/core/v1/defaults.go`).
//!
//! Addresses, address families and node ports are not defaults: the store allocates them.

use k8s_openapi::api::core::v1::{Service, ServicePort, ServiceSpec};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use super::absent::{drop_zero, set};

/// How long a client stays with its endpoint under session affinity: three hours.
const AFFINITY_TIMEOUT_S: i32 = 10_800;

pub(super) fn default(service: &mut Service) {
    let spec = service.spec.get_or_insert_default();
    set(&mut spec.session_affinity, "None");
    default_affinity(spec);
    set(&mut spec.type_, "ClusterIP");
    spec.ports.iter_mut().flatten().for_each(default_port);
    default_traffic_policies(spec);
    if spec.type_.as_deref() == Some("LoadBalancer") {
        spec.allocate_load_balancer_node_ports.get_or_insert(true);
    }
    drop_zero(&mut spec.publish_not_ready_addresses);
    drop_zero(&mut spec.health_check_node_port);
    for text in [&mut spec.cluster_ip, &mut spec.external_name, &mut spec.load_balancer_ip] {
        drop_zero(text);
    }
    let status = service.status.get_or_insert_default().load_balancer.get_or_insert_default();
    for ingress in status.ingress.iter_mut().flatten().filter(|ingress| ingress.ip.is_some()) {
        set(&mut ingress.ip_mode, "VIP");
    }
}

fn default_affinity(spec: &mut ServiceSpec) {
    match spec.session_affinity.as_deref() {
        Some("ClientIP") => {
            let client =
                spec.session_affinity_config.get_or_insert_default().client_ip.get_or_insert_default();
            client.timeout_seconds.get_or_insert(AFFINITY_TIMEOUT_S);
        }
        Some("None") => spec.session_affinity_config = None,
        _ => {}
    }
}

fn default_port(port: &mut ServicePort) {
    set(&mut port.protocol, "TCP");
    match &port.target_port {
        None | Some(IntOrString::Int(0)) => port.target_port = Some(IntOrString::Int(port.port)),
        Some(IntOrString::String(name)) if name.is_empty() => {
            port.target_port = Some(IntOrString::Int(port.port));
        }
        Some(_) => {}
    }
    drop_zero(&mut port.node_port);
    drop_zero(&mut port.name);
}

fn default_traffic_policies(spec: &mut ServiceSpec) {
    let has_external_ips = spec.external_ips.as_ref().is_some_and(|ips| !ips.is_empty());
    let (is_inside, is_outside) = match spec.type_.as_deref() {
        Some("NodePort" | "LoadBalancer") => (true, true),
        Some("ClusterIP") => (true, has_external_ips),
        _ => (false, false),
    };
    if is_outside {
        set(&mut spec.external_traffic_policy, "Cluster");
    }
    if is_inside {
        set(&mut spec.internal_traffic_policy, "Cluster");
    }
}
