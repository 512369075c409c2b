//! Services: fields that mean the same, and values that the server allocates.
//!
//! `clusterIP` is the first of `clusterIPs`; a client may write only one of them. A service that is
//! written without its allocated addresses and node ports keeps them, so that applying the same
//! manifest again changes nothing.

use k8s_openapi::api::core::v1::ServiceSpec;

use crate::objects::service::{is_of_type, needs_cluster_ip, needs_health_check_port, needs_node_ports};

pub(super) fn prepare_for_create(spec: &mut ServiceSpec) {
    if let (Some(address), true) = (&spec.cluster_ip, is_empty(&spec.cluster_ips)) {
        spec.cluster_ips = Some(vec![address.clone()]);
    }
}

pub(super) fn prepare_for_update(new: &mut ServiceSpec, old: &ServiceSpec) {
    if needs_cluster_ip(new) && needs_cluster_ip(old) {
        keep_addresses(new, old);
    }
    if needs_node_ports(new) && needs_node_ports(old) {
        keep_node_ports(new, old);
    }
    if needs_health_check_port(new) && needs_health_check_port(old) && new.health_check_node_port.is_none() {
        new.health_check_node_port = old.health_check_node_port;
    }
    match_addresses(new, old);
    drop_what_the_type_has_not(new, old);
}

fn is_empty(list: &Option<Vec<String>>) -> bool {
    list.as_ref().is_none_or(Vec::is_empty)
}

fn keep_addresses(new: &mut ServiceSpec, old: &ServiceSpec) {
    if new.cluster_ip.is_none() {
        new.cluster_ip = old.cluster_ip.clone();
    }
    if is_empty(&new.cluster_ips) && new.cluster_ip == old.cluster_ip {
        new.cluster_ips = old.cluster_ips.clone();
    }
    if is_empty(&new.ip_families) && new.ip_family_policy.is_none() {
        new.ip_families = old.ip_families.clone();
        new.ip_family_policy = old.ip_family_policy.clone();
    }
}

/// A node port stays with the name of its port, unless another port has taken it.
fn keep_node_ports(new: &mut ServiceSpec, old: &ServiceSpec) {
    let ports = new.ports.get_or_insert_default();
    let mut taken: Vec<i32> = ports.iter().filter_map(|port| port.node_port).collect();
    for port in ports.iter_mut().filter(|port| port.node_port.is_none()) {
        let before = old.ports.iter().flatten().find(|before| before.name == port.name);
        if let Some(known) = before.and_then(|before| before.node_port).filter(|known| !taken.contains(known))
        {
            taken.push(known);
            port.node_port = Some(known);
        }
    }
}

/// A client that changes only `clusterIP` means `clusterIPs` as well.
fn match_addresses(new: &mut ServiceSpec, old: &ServiceSpec) {
    let is_plural_same = new.cluster_ips == old.cluster_ips || is_empty(&new.cluster_ips);
    if new.cluster_ip != old.cluster_ip && is_plural_same {
        new.cluster_ips = new.cluster_ip.clone().map(|address| vec![address]);
    }
}

/// A change of type drops what only the old type had, unless the writer changed that too.
fn drop_what_the_type_has_not(new: &mut ServiceSpec, old: &ServiceSpec) {
    if needs_cluster_ip(old) && !needs_cluster_ip(new) {
        drop_same(&mut new.cluster_ip, &old.cluster_ip);
        drop_same(&mut new.cluster_ips, &old.cluster_ips);
        drop_same(&mut new.ip_families, &old.ip_families);
        drop_same(&mut new.ip_family_policy, &old.ip_family_policy);
    }
    if needs_node_ports(old) && !needs_node_ports(new) {
        let known: Vec<i32> = old.ports.iter().flatten().filter_map(|port| port.node_port).collect();
        for port in new.ports.iter_mut().flatten() {
            port.node_port = port.node_port.filter(|number| !known.contains(number));
        }
    }
    if needs_health_check_port(old) && !needs_health_check_port(new) {
        drop_same(&mut new.health_check_node_port, &old.health_check_node_port);
    }
    if !is_of_type(new, &["LoadBalancer"]) && is_of_type(old, &["LoadBalancer"]) {
        drop_same(&mut new.allocate_load_balancer_node_ports, &old.allocate_load_balancer_node_ports);
        drop_same(&mut new.load_balancer_class, &old.load_balancer_class);
    }
    let is_reachable = is_of_type(new, &["LoadBalancer", "NodePort"])
        || new.external_ips.as_ref().is_some_and(|addresses| !addresses.is_empty());
    if !is_reachable {
        drop_same(&mut new.external_traffic_policy, &old.external_traffic_policy);
    }
}

fn drop_same<T: PartialEq>(new: &mut Option<T>, old: &Option<T>) {
    if new == old {
        *new = None;
    }
}
