//! The address fields of a service's spec before the allocation.
//!
//! Here `clusterIP` and `clusterIPs` are two fields that may contradict each other; the
//! [predicates](crate::objects::service) of finished services take them as one.

use k8s_openapi::api::core::v1::ServiceSpec;

pub(super) fn is_type(spec: &ServiceSpec, wanted: &str) -> bool {
    spec.type_.as_deref().unwrap_or("ClusterIP") == wanted
}

pub(super) fn needs_address(spec: &ServiceSpec) -> bool {
    !is_type(spec, "ExternalName")
}

pub(super) fn needs_node_ports(spec: &ServiceSpec) -> bool {
    is_type(spec, "NodePort") || is_type(spec, "LoadBalancer")
}

pub(super) fn needs_health_check_port(spec: &ServiceSpec) -> bool {
    is_type(spec, "LoadBalancer") && spec.external_traffic_policy.as_deref() == Some("Local")
}

pub(super) fn cluster_ip(spec: &ServiceSpec) -> &str {
    spec.cluster_ip.as_deref().unwrap_or_default()
}

pub(super) fn cluster_ips(spec: &ServiceSpec) -> &[String] {
    spec.cluster_ips.as_deref().unwrap_or_default()
}

pub(super) fn ip_families(spec: &ServiceSpec) -> &[String] {
    spec.ip_families.as_deref().unwrap_or_default()
}
