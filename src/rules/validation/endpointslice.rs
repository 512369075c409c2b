//! EndpointSlices (`pkg/apis/discovery/validation`).
//!
//! Addresses are of the slice's type, names of ports are unique, and the sizes are bounded as in
//! Kubernetes. The type of a slice never changes.

use std::collections::BTreeSet;
use std::net::IpAddr;

use k8s_openapi::api::discovery::v1::{Endpoint, EndpointPort, EndpointSlice};

use super::port::{PROTOCOLS, check_port};
use super::value::{IMMUTABLE, check_choice, check_form, items, text};
use crate::objects::{FieldError, Path, names};

const ADDRESS_TYPES: &[&str] = &["FQDN", "IPv4", "IPv6"];
const ENDPOINTS_MAX: usize = 1000;
const PORTS_MAX: usize = 20_000;
const ADDRESSES_MAX: usize = 100;

pub(super) fn check(slice: &EndpointSlice, errors: &mut Vec<FieldError>) {
    check_choice(&slice.address_type, ADDRESS_TYPES, &Path::root("addressType"), errors);
    let path = Path::root("endpoints");
    let endpoints = items(&slice.endpoints);
    if endpoints.len() > ENDPOINTS_MAX {
        errors.push(too_many(&path, endpoints.len(), ENDPOINTS_MAX));
    }
    for (index, endpoint) in endpoints.iter().enumerate() {
        check_endpoint(endpoint, &slice.address_type, &path.index(index), errors);
    }
    check_ports(items(&slice.ports), &Path::root("ports"), errors);
}

pub(super) fn check_change(new: &EndpointSlice, old: &EndpointSlice, errors: &mut Vec<FieldError>) {
    if new.address_type != old.address_type {
        errors.push(Path::root("addressType").invalid(new.address_type.as_str(), IMMUTABLE));
    }
}

fn too_many(path: &Path<'_>, n_items: usize, n_items_max: usize) -> FieldError {
    path.invalid(n_items, &format!("must have at most {n_items_max} items"))
}

fn check_endpoint(endpoint: &Endpoint, address_type: &str, path: &Path<'_>, errors: &mut Vec<FieldError>) {
    let list = path.child("addresses");
    if endpoint.addresses.is_empty() {
        errors.push(list.required("must contain at least 1 address"));
    }
    if endpoint.addresses.len() > ADDRESSES_MAX {
        errors.push(too_many(&list, endpoint.addresses.len(), ADDRESSES_MAX));
    }
    for (index, address) in endpoint.addresses.iter().enumerate() {
        check_form(address_rules(address, address_type), address, &list.index(index), errors);
    }
    if let Some(node) = &endpoint.node_name {
        check_form(names::dns1123_subdomain(node), node, &path.child("nodeName"), errors);
    }
    if let Some(hostname) = &endpoint.hostname {
        check_form(names::dns1123_label(hostname), hostname, &path.child("hostname"), errors);
    }
}

fn address_rules(address: &str, address_type: &str) -> Vec<String> {
    let rule = match (address_type, address.parse::<IpAddr>()) {
        ("IPv4", Ok(IpAddr::V4(_))) | ("IPv6", Ok(IpAddr::V6(_))) => return Vec::new(),
        ("IPv4", Ok(_)) => "must be an IPv4 address",
        ("IPv6", Ok(_)) => "must be an IPv6 address",
        ("IPv4" | "IPv6", Err(_)) => return names::ip_address(address),
        ("FQDN", _) => return names::dns1123_subdomain(address),
        _ => return Vec::new(),
    };
    vec![rule.to_owned()]
}

fn check_ports(ports: &[EndpointPort], path: &Path<'_>, errors: &mut Vec<FieldError>) {
    if ports.len() > PORTS_MAX {
        errors.push(too_many(path, ports.len(), PORTS_MAX));
    }
    let mut known = BTreeSet::new();
    for (index, port) in ports.iter().enumerate() {
        let path = path.index(index);
        let name = text(&port.name);
        if !name.is_empty() {
            check_form(names::dns1123_label(name), name, &path.child("name"), errors);
        }
        if !known.insert(name) {
            errors.push(path.child("name").duplicate(name));
        }
        check_choice(text(&port.protocol), PROTOCOLS, &path.child("protocol"), errors);
        if let Some(number) = port.port {
            check_port(number, &path.child("port"), errors);
        }
        if let Some(protocol) = &port.app_protocol {
            check_form(names::qualified_name(protocol), protocol, &path.child("appProtocol"), errors);
        }
    }
}
