//! The service that a question is about, with its slices.
//!
//! Its methods read the spec and the slices; they look up nothing else.

use std::net::IpAddr;

use k8s_openapi::api::core::v1::{Pod, Service, ServicePort};
use k8s_openapi::api::discovery::v1::{Endpoint, EndpointSlice};

use super::view::View;
use crate::machinery::selector::Selector;
use crate::objects::{Kind, ObjectKey, beyond, service};

/// A service, its names and its slices.
pub(super) struct Subject<'s> {
    pub(super) service: &'s Service,
    pub(super) namespace: &'s str,
    pub(super) name: &'s str,
    /// The slices that carry its name.
    pub(super) slices: Vec<&'s EndpointSlice>,
}

impl<'s> Subject<'s> {
    /// A service of a view.
    pub(super) fn of(service: &'s Service, view: &View<'s>) -> Self {
        let meta = &service.metadata;
        let namespace = meta.namespace.as_deref().unwrap_or_default();
        let name = meta.name.as_deref().unwrap_or_default();
        Self { service, namespace, name, slices: view.slices(namespace, name) }
    }

    pub(super) fn title(&self) -> String {
        format!("service {}/{}", self.namespace, self.name)
    }

    pub(super) fn is_headless(&self) -> bool {
        self.service.spec.as_ref().is_some_and(service::is_headless)
    }

    pub(super) fn cluster_address(&self) -> Option<&'s str> {
        self.service.spec.as_ref().and_then(service::cluster_ip)
    }

    pub(super) fn selector(&self) -> Option<Selector> {
        let labels = self.service.spec.as_ref()?.selector.as_ref().filter(|labels| !labels.is_empty())?;
        Some(Selector::from_labels(labels))
    }

    /// Whether endpoints that are not ready have names, too.
    pub(super) fn publishes_peers(&self) -> bool {
        self.is_headless() && beyond::publishes_peers(&self.service.metadata).unwrap_or(false)
    }

    /// Whether the service has endpoints of this address's family. Without `ipFamilies` the family of the
    /// cluster address decides; without that, both.
    pub(super) fn takes(&self, address: IpAddr) -> bool {
        let spec = self.service.spec.as_ref();
        let listed = spec.and_then(|spec| spec.ip_families.as_deref()).unwrap_or_default();
        if !listed.is_empty() {
            let family = if address.is_ipv4() { "IPv4" } else { "IPv6" };
            return listed.iter().any(|one| one == family);
        }
        let own: Option<IpAddr> = self.cluster_address().and_then(|own| own.parse().ok());
        own.is_none_or(|own| own.is_ipv4() == address.is_ipv4())
    }

    pub(super) fn external_name(&self) -> Option<&'s str> {
        let spec = self.service.spec.as_ref()?;
        (spec.type_.as_deref() == Some("ExternalName"))
            .then(|| spec.external_name.as_deref().unwrap_or_default())
    }

    /// The endpoints in its slices, ready or not.
    pub(super) fn endpoints(&self) -> impl Iterator<Item = &'s Endpoint> {
        self.slices.iter().flat_map(|slice| slice.endpoints.iter().flatten())
    }

    /// The key of a pod of the service's namespace.
    pub(super) fn key(&self, pod: &Pod) -> ObjectKey {
        ObjectKey::new(Kind::Pod, self.namespace, pod.metadata.name.as_deref().unwrap_or_default())
    }

    pub(super) fn ports(&self) -> &'s [ServicePort] {
        self.service.spec.as_ref().and_then(|spec| spec.ports.as_deref()).unwrap_or_default()
    }

    pub(super) fn named_ports(&self) -> impl Iterator<Item = (&'s str, &'s ServicePort)> {
        let ports = self.ports().iter();
        ports.filter_map(|port| Some((port.name.as_deref().filter(|name| !name.is_empty())?, port)))
    }
}
