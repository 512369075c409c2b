//! The addresses and node ports that services have.

use std::collections::BTreeMap;
use std::net::IpAddr;

use k8s_openapi::api::core::v1::Service;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use crate::objects::{Kind, ObjectKey};

/// Allocated addresses and node ports, each with its service.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct InUse {
    addresses: BTreeMap<IpAddr, ObjectKey>,
    node_ports: BTreeMap<u16, ObjectKey>,
}

impl InUse {
    /// Adds the numbers of `service`.
    pub(crate) fn take(&mut self, service: &Service) {
        let key = key_of(service);
        for address in addresses_of(service) {
            self.addresses.insert(address, key.clone());
        }
        for port in node_ports_of(service) {
            self.node_ports.insert(port, key.clone());
        }
    }

    /// Removes the numbers of `service`.
    pub(crate) fn release(&mut self, service: &Service) {
        let key = key_of(service);
        for address in addresses_of(service) {
            if self.addresses.get(&address) == Some(&key) {
                self.addresses.remove(&address);
            }
        }
        for port in node_ports_of(service) {
            if self.node_ports.get(&port) == Some(&key) {
                self.node_ports.remove(&port);
            }
        }
    }

    /// Whether a service other than `key` has the address.
    pub(super) fn is_address_taken(&self, address: IpAddr, key: &ObjectKey) -> bool {
        self.addresses.get(&address).is_some_and(|holder| holder != key)
    }

    /// Whether a service other than `key` has the port.
    pub(super) fn is_port_taken(&self, port: u16, key: &ObjectKey) -> bool {
        self.node_ports.get(&port).is_some_and(|holder| holder != key)
    }

    /// The allocated addresses from `first` on, ascending, IPv4 before IPv6.
    pub(super) fn addresses_from(&self, first: IpAddr) -> impl Iterator<Item = IpAddr> {
        self.addresses.range(first..).map(|(address, _)| *address)
    }

    /// The allocated ports from `first` on, ascending.
    pub(super) fn ports_from(&self, first: u16) -> impl Iterator<Item = u16> {
        self.node_ports.range(first..).map(|(port, _)| *port)
    }
}

/// The key of a service, which may not be written yet.
pub(super) fn key_of(service: &Service) -> ObjectKey {
    let ObjectMeta { namespace, name, .. } = &service.metadata;
    ObjectKey::new(
        Kind::Service,
        namespace.as_deref().unwrap_or_default(),
        name.as_deref().unwrap_or_default(),
    )
}

fn addresses_of(service: &Service) -> impl Iterator<Item = IpAddr> {
    let spec = service.spec.iter();
    // "None" does not parse.
    spec.flat_map(|spec| spec.cluster_ips.iter().flatten().chain(&spec.cluster_ip))
        .filter_map(|text| text.parse().ok())
}

fn node_ports_of(service: &Service) -> impl Iterator<Item = u16> {
    let spec = service.spec.iter();
    let ports = spec.flat_map(|spec| {
        let ports = spec.ports.iter().flatten().filter_map(|port| port.node_port);
        ports.chain(spec.health_check_node_port)
    });
    ports.filter_map(|port| u16::try_from(port).ok()).filter(|port| *port != 0)
}
