//! Endpoints (`ValidateEndpoints` of `pkg/apis/core/validation`).
//!
//! A subset has addresses, ready or not, and its ports have names if there are several. Unlike in
//! Kubernetes, an address may be a loopback address: pods on one machine may have no other.

use k8s_openapi::api::core::v1::{EndpointAddress, EndpointPort, EndpointSubset, Endpoints};

use super::port::{PROTOCOLS, check_port};
use super::value::{check_choice, check_form, items, text};
use crate::objects::{FieldError, Path, names};

pub(super) fn check(endpoints: &Endpoints, errors: &mut Vec<FieldError>) {
    for (index, subset) in items(&endpoints.subsets).iter().enumerate() {
        check_subset(subset, &Path::root("subsets").index(index), errors);
    }
}

fn check_subset(subset: &EndpointSubset, path: &Path<'_>, errors: &mut Vec<FieldError>) {
    let (ready, not_ready) = (items(&subset.addresses), items(&subset.not_ready_addresses));
    if ready.is_empty() && not_ready.is_empty() {
        errors.push(path.required("must specify `addresses` or `notReadyAddresses`"));
    }
    for (name, addresses) in [("addresses", ready), ("notReadyAddresses", not_ready)] {
        for (index, address) in addresses.iter().enumerate() {
            check_address(address, &path.child(name).index(index), errors);
        }
    }
    let ports = items(&subset.ports);
    for (index, port) in ports.iter().enumerate() {
        check_subset_port(port, ports.len() > 1, &path.child("ports").index(index), errors);
    }
}

fn check_address(address: &EndpointAddress, path: &Path<'_>, errors: &mut Vec<FieldError>) {
    check_form(names::ip_address(&address.ip), &address.ip, &path.child("ip"), errors);
    if let Some(hostname) = address.hostname.as_deref().filter(|hostname| !hostname.is_empty()) {
        check_form(names::dns1123_label(hostname), hostname, &path.child("hostname"), errors);
    }
    if let Some(node) = &address.node_name {
        check_form(names::dns1123_subdomain(node), node, &path.child("nodeName"), errors);
    }
}

fn check_subset_port(port: &EndpointPort, needs_name: bool, path: &Path<'_>, errors: &mut Vec<FieldError>) {
    let name = text(&port.name);
    if !name.is_empty() {
        check_form(names::dns1123_label(name), name, &path.child("name"), errors);
    } else if needs_name {
        errors.push(path.child("name").required(""));
    }
    check_port(port.port, &path.child("port"), errors);
    check_choice(text(&port.protocol), PROTOCOLS, &path.child("protocol"), errors);
}
