//! What an update keeps of the version it replaces, and what it releases.
//!
//! A manifest that is applied again does not contain the allocated numbers: they are kept
//! (`patchAllocatedValues` in the API server). Numbers that the new type does not need are released
//! unless the update changes them too (`dropTypeDependentFields`).

use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::api::core::v1::{ServicePort, ServiceSpec};

use super::spec::{
    cluster_ip, cluster_ips, is_of_type, needs_cluster_ip, needs_health_check_port, needs_node_ports,
};

/// Makes `clusterIP` and `clusterIPs` agree where only one of them was set.
pub(super) fn normalize(new: &mut ServiceSpec, old: Option<&ServiceSpec>) {
    let Some(old) = old else {
        if !cluster_ip(new).is_empty() && cluster_ips(new).is_empty() {
            new.cluster_ips = Some(vec![cluster_ip(new).to_owned()]);
        }
        return;
    };
    let is_same_list = cluster_ips(new) == cluster_ips(old);
    if cluster_ip(new) == cluster_ip(old) {
        if cluster_ips(new).is_empty() {
            new.cluster_ips = old.cluster_ips.clone();
        }
    } else if cluster_ip(new).is_empty() {
        if is_same_list {
            new.cluster_ips = None;
        }
    } else if is_same_list || cluster_ips(new).is_empty() {
        new.cluster_ips = Some(vec![cluster_ip(new).to_owned()]);
    }
}

/// Keeps allocated numbers that the update leaves out.
pub(super) fn keep_allocated(new: &mut ServiceSpec, old: &ServiceSpec) {
    if needs_cluster_ip(old) && needs_cluster_ip(new) {
        if cluster_ip(new).is_empty() {
            new.cluster_ip = old.cluster_ip.clone();
        }
        if cluster_ips(new).is_empty() && cluster_ip(new) == cluster_ip(old) {
            new.cluster_ips = old.cluster_ips.clone();
        }
    }
    if needs_node_ports(old) && needs_node_ports(new) {
        keep_node_ports(new, old);
    }
    let wants_health_check = needs_health_check_port(old) && needs_health_check_port(new);
    if wants_health_check && new.health_check_node_port.unwrap_or_default() == 0 {
        new.health_check_node_port = old.health_check_node_port;
    }
}

/// Ports are matched by name; a node port that both versions use stays where the new one has it.
fn keep_node_ports(new: &mut ServiceSpec, old: &ServiceSpec) {
    let mut used: BTreeSet<i32> = &node_ports(new) & &node_ports(old);
    let by_name: BTreeMap<&str, i32> =
        ports(old).iter().map(|port| (name(port), port.node_port.unwrap_or_default())).collect();
    for port in new.ports.iter_mut().flatten().filter(|port| port.node_port.unwrap_or_default() == 0) {
        let kept = by_name.get(name(port)).copied().unwrap_or_default();
        if kept != 0 && used.insert(kept) {
            port.node_port = Some(kept);
        }
    }
}

/// Releases what the new type does not need, unless the update changes it.
pub(super) fn drop_unneeded(new: &mut ServiceSpec, old: &ServiceSpec) {
    if needs_cluster_ip(old) && !needs_cluster_ip(new) {
        drop_addresses(new, old);
    }
    if needs_node_ports(old) && !needs_node_ports(new) && node_ports(new) == node_ports(old) {
        new.ports.iter_mut().flatten().for_each(|port| port.node_port = None);
    }
    let is_check_dropped = needs_health_check_port(old) && !needs_health_check_port(new);
    if is_check_dropped && new.health_check_node_port == old.health_check_node_port {
        new.health_check_node_port = None;
    }
    if is_of_type(old, &["LoadBalancer"]) && !is_of_type(new, &["LoadBalancer"]) {
        drop_if_same(&mut new.allocate_load_balancer_node_ports, &old.allocate_load_balancer_node_ports);
        drop_if_same(&mut new.load_balancer_class, &old.load_balancer_class);
    }
    if is_reached_from_outside(old) && !is_reached_from_outside(new) {
        drop_if_same(&mut new.external_traffic_policy, &old.external_traffic_policy);
    }
}

fn drop_addresses(new: &mut ServiceSpec, old: &ServiceSpec) {
    if cluster_ips(new) == cluster_ips(old) {
        new.cluster_ip = None;
        new.cluster_ips = None;
    }
    drop_if_same(&mut new.ip_families, &old.ip_families);
    drop_if_same(&mut new.ip_family_policy, &old.ip_family_policy);
}

fn is_reached_from_outside(spec: &ServiceSpec) -> bool {
    let has_external_ips = spec.external_ips.as_ref().is_some_and(|ips| !ips.is_empty());
    needs_node_ports(spec) || is_of_type(spec, &["ClusterIP"]) && has_external_ips
}

fn drop_if_same<T: PartialEq>(new: &mut Option<T>, old: &Option<T>) {
    if new == old {
        *new = None;
    }
}

fn ports(spec: &ServiceSpec) -> &[ServicePort] {
    spec.ports.as_deref().unwrap_or_default()
}

fn name(port: &ServicePort) -> &str {
    port.name.as_deref().unwrap_or_default()
}

fn node_ports(spec: &ServiceSpec) -> BTreeSet<i32> {
    ports(spec).iter().filter_map(|port| port.node_port).filter(|port| *port != 0).collect()
}
