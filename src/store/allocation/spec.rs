//! The address fields of a service's spec before the allocation.
//!
//! Here `clusterIP` and `clusterIPs` are two fields that may contradict each other; the
//! [predicates](crate::objects::service) of finished services take them as one.

use k8s_openapi::api::core::v1::ServiceSpec;

pub(super) use crate::objects::service::{is_of_type, needs_cluster_ip, needs_health_check_port};

/// Whether the allocation gives the ports node ports. `allocateLoadBalancerNodePorts` is not asked
/// here.
pub(super) fn needs_node_ports(spec: &ServiceSpec) -> bool {
    is_of_type(spec, &["NodePort", "LoadBalancer"])
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
