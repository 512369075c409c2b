//! The form of a service for DNS: an alias, headless, or with cluster addresses.
//!
//! As in CoreDNS, the type ExternalName decides first, then `clusterIPs`.

use std::net::IpAddr;

use k8s_openapi::api::core::v1::{Service, ServiceSpec};

use super::scheme::Scheme;
use crate::dns::message::name::WireName;
use crate::names::label::is_label;
use crate::objects::service;

/// The form of a service for DNS.
pub(super) enum Form {
    External(String),
    Headless,
    Cluster(Vec<IpAddr>),
}

/// A service as DNS sees it.
pub(super) struct DnsService {
    pub(super) form: Form,
    pub(super) name: WireName,
}

impl Scheme {
    /// The service's form and name; `None` if it has no valid name.
    pub(super) fn dns_service(&self, service: &Service, complaints: &mut Vec<String>) -> Option<DnsService> {
        let form = form(service.spec.as_ref(), complaints);
        let namespace = service.metadata.namespace.as_deref().unwrap_or_default();
        let name = service.metadata.name.as_deref().unwrap_or_default();
        if let Some(bad) = [namespace, name].into_iter().find(|label| !is_label(label)) {
            complaints.push(format!("{bad:?} is no DNS label"));
            return None;
        }
        let name = self.services.child(namespace).and_then(|namespace| namespace.child(name));
        let name = name.map_err(|error| complaints.push(error.to_string())).ok()?;
        Some(DnsService { form, name })
    }
}

fn form(spec: Option<&ServiceSpec>, complaints: &mut Vec<String>) -> Form {
    let Some(spec) = spec else { return Form::Cluster(Vec::new()) };
    if spec.type_.as_deref() == Some("ExternalName") {
        return Form::External(spec.external_name.clone().unwrap_or_default());
    }
    if service::is_headless(spec) {
        return Form::Headless;
    }
    let listed = spec.cluster_ips.as_deref().unwrap_or_default();
    let addresses: Vec<&str> = match listed {
        [] => service::cluster_ip(spec).into_iter().collect(),
        listed => listed.iter().map(String::as_str).collect(),
    };
    let parse = |text: &&str| match text.parse() {
        Ok(address) => Some(address),
        Err(_) => {
            complaints.push(format!("spec.clusterIPs: {text:?} is no IP address"));
            None
        }
    };
    Form::Cluster(addresses.iter().filter(|text| !text.is_empty()).filter_map(parse).collect())
}
