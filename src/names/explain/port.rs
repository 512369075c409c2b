//! Names of ports and SRV records: the ports of a service, and those of its endpoints.
//!
//! A service with a cluster address publishes the ports of its spec. A headless service publishes the
//! ports of the slices that have a ready endpoint; its own spec only explains why there are none.

use std::net::IpAddr;

use hickory_proto::rr::RecordType;
use k8s_openapi::api::core::v1::{Pod, ServicePort};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use super::cause::Cause;
use super::explanation::Explanation;
use super::question::Question;
use super::subject::Subject;
use crate::names::published::is_ready;

impl Question<'_> {
    /// Why `_PORT._PROTOCOL` below the service has no records.
    pub(super) fn port(&self, subject: &Subject<'_>, port: &str, protocol: &str) -> Option<Explanation> {
        let addresses = self.reached(subject, |name, of| name.eq_ignore_ascii_case(port) && of == protocol);
        if !addresses.is_empty() {
            return self.other_family(&subject.title(), &addresses);
        }
        let mut named = subject.named_ports().filter(|(name, _)| *name == port).map(|(_, given)| given);
        match named.find(|given| protocol_of(given) == protocol) {
            None => Some(self.no_such_port(subject, port, protocol)),
            Some(given) => self.unpublished(subject).or_else(|| self.unreached(subject, given)),
        }
    }

    /// Why `_PROTOCOL` below the service does not exist. If it exists it never has records, which needs
    /// no explanation.
    pub(super) fn protocol(&self, subject: &Subject<'_>, protocol: &str) -> Option<Explanation> {
        let is_there = !self.reached(subject, |name, of| !name.is_empty() && of == protocol).is_empty();
        if is_there || !matches!(protocol, "tcp" | "udp" | "sctp") {
            return None;
        }
        if let Some((_, given)) = subject.named_ports().find(|(_, given)| protocol_of(given) == protocol) {
            return self.unpublished(subject).or_else(|| self.unreached(subject, given));
        }
        let title = subject.title();
        let ports: Vec<String> =
            subject.named_ports().map(|(name, given)| format!("{name} of _{}", protocol_of(given))).collect();
        let text = match (subject.ports().is_empty(), ports.is_empty()) {
            (true, _) => format!("{title} has no ports, so no name _{protocol}"),
            (_, true) => format!("{title} has no named port, so no name _{protocol}"),
            _ => format!("{title} has no named port of _{protocol} (it has {})", ports.join(", ")),
        };
        Some(Explanation::new(Cause::NoPort, text))
    }

    /// Why a service that has addresses has no SRV records.
    pub(super) fn no_srv(&self, subject: &Subject<'_>) -> Option<Explanation> {
        if self.record_type != RecordType::SRV || !self.reached(subject, |_, _| true).is_empty() {
            return None;
        }
        let Some(first) = subject.ports().first() else {
            let text = format!("{} has no ports, so no SRV record", subject.title());
            return Some(Explanation::new(Cause::NoPort, text));
        };
        self.unreached(subject, first)
    }

    /// The addresses at which the ports with wanted names and protocols are reached.
    fn reached(&self, subject: &Subject<'_>, is_wanted: impl Fn(&str, &str) -> bool) -> Vec<IpAddr> {
        let is_wanted = |name: &Option<String>, protocol: &Option<String>| {
            is_wanted(name.as_deref().unwrap_or_default(), &protocol_label(protocol.as_deref()))
        };
        if !subject.is_headless() {
            let is_there = subject.ports().iter().any(|given| is_wanted(&given.name, &given.protocol));
            return if is_there && self.unpublished(subject).is_none() {
                self.addresses(subject)
            } else {
                Vec::new()
            };
        }
        let slices = subject.slices.iter().filter(|slice| {
            let mut ports = slice.ports.iter().flatten().filter(|given| given.port.is_some());
            ports.any(|given| is_wanted(&given.name, &given.protocol))
        });
        let endpoints = slices.flat_map(|slice| slice.endpoints.iter().flatten());
        let ready = endpoints.filter(|_| !self.view.options().no_endpoints).filter(|one| is_ready(one));
        ready.flat_map(|one| &one.addresses).filter_map(|address| address.parse().ok()).collect()
    }

    /// Why no ready endpoint has a port of the service.
    fn unreached(&self, subject: &Subject<'_>, given: &ServicePort) -> Option<Explanation> {
        if !subject.is_headless() {
            return None;
        }
        let title = subject.title();
        let number = given.port.to_string();
        let port = given.name.as_deref().filter(|name| !name.is_empty()).unwrap_or(&number);
        if let (Some(IntOrString::String(target)), Some(selector)) = (&given.target_port, subject.selector())
        {
            let pods = self.view.pods(subject.namespace);
            let mut pods = pods.filter(|pod| selector.matches(pod.metadata.labels.as_ref()));
            let is_there = pods.any(|pod| has_port(pod, target, &protocol_of(given)));
            if !is_there && !self.view.is_spent() {
                let text = format!(
                    "port {port} of {title} has targetPort {target}, which no container of its pods has"
                );
                return Some(Explanation::new(Cause::NoTargetPort, text));
            }
        }
        let text = format!("no Ready endpoint of {title} has its port {port}");
        Some(Explanation::new(Cause::NoPort, text))
    }

    /// The service has no port of this name and protocol.
    fn no_such_port(&self, subject: &Subject<'_>, port: &str, protocol: &str) -> Explanation {
        let title = subject.title();
        let names: Vec<&str> = subject.named_ports().map(|(name, _)| name).collect();
        let namesake = subject.named_ports().find(|(name, _)| *name == port);
        let text = match namesake {
            Some((_, given)) => format!("port {port} of {title} is _{}, not _{protocol}", protocol_of(given)),
            None if subject.ports().is_empty() => format!("{title} has no ports, so no name {port}"),
            None if names.is_empty() => {
                format!("{title} has no named port, so no name {port}; give its port that name")
            }
            None => {
                let hint = self.view.did_you_mean(port, names.iter().copied());
                format!("{title} has no port named {port} (it has {}){hint}", names.join(", "))
            }
        };
        Explanation::new(Cause::NoPort, text)
    }
}

fn has_port(pod: &Pod, name: &str, protocol: &str) -> bool {
    let containers =
        pod.spec.iter().flat_map(|spec| spec.init_containers.iter().flatten().chain(&spec.containers));
    let mut ports = containers.flat_map(|container| container.ports.iter().flatten());
    ports.any(|port| {
        port.name.as_deref() == Some(name) && protocol_label(port.protocol.as_deref()) == protocol
    })
}

fn protocol_of(given: &ServicePort) -> String {
    protocol_label(given.protocol.as_deref())
}

fn protocol_label(written: Option<&str>) -> String {
    written.filter(|protocol| !protocol.is_empty()).unwrap_or("TCP").to_ascii_lowercase()
}
