//! Rules about services: their ports, and other services with the same pods.
//!
//! A target port may be the name of a container's port, which is only looked up when the endpoints are
//! made; a name that no container has gives endpoints without that port.

use k8s_openapi::api::apps::v1::StatefulSet;
use k8s_openapi::api::core::v1::{Container, PodSpec, Service, ServicePort};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use super::related::RelatedObjects;
use super::selection::{is_headless, selector_of, selects, template_labels, written};
use super::warning::{Warning, warn, warn_of_pair};
use crate::objects::pod::containers;
use crate::objects::{name_of, namespace_of};

pub(super) fn check(service: &Service, related: &RelatedObjects<'_>, warnings: &mut Vec<Warning>) {
    let namespace = namespace_of(&service.metadata);
    check_has_ports(service, warnings);
    check_twin(service, related, warnings);
    let path = |index| format!("spec.ports[{index}].targetPort");
    for set in related.sets_in(namespace).filter(|set| selects(service, template_labels(set))) {
        let owner = format!("StatefulSet \"{}\"", name_of(&set.metadata));
        check_ports(service, set.spec.template.spec.as_ref(), &owner, path, warnings);
    }
    let pods = related.pods.iter().filter(|pod| namespace_of(&pod.metadata) == namespace);
    let loose = pods.filter(|pod| pod.metadata.owner_references.as_ref().is_none_or(Vec::is_empty));
    for pod in loose.filter(|pod| selects(service, pod.metadata.labels.as_ref())) {
        let owner = format!("Pod \"{}\"", name_of(&pod.metadata));
        check_ports(service, pod.spec.as_ref(), &owner, path, warnings);
    }
}

/// Whether the set's pods have the ports that the services which select them name.
pub(super) fn check_ports_of_set(
    set: &StatefulSet,
    related: &RelatedObjects<'_>,
    warnings: &mut Vec<Warning>,
) {
    let services = related.services_in(namespace_of(&set.metadata));
    for service in services.filter(|service| selects(service, template_labels(set))) {
        let owner = format!("StatefulSet \"{}\"", name_of(&set.metadata));
        let path = |_| "spec.template.spec.containers".to_owned();
        check_ports(service, set.spec.template.spec.as_ref(), &owner, path, warnings);
    }
}

fn check_has_ports(service: &Service, warnings: &mut Vec<Warning>) {
    let has_ports =
        service.spec.as_ref().is_some_and(|spec| spec.ports.as_ref().is_some_and(|ports| !ports.is_empty()));
    if is_headless(service) && !has_ports {
        let text = "without ports there are no SRV records, and clients that look peers up by them find none; name \
                    the ports of the containers here";
        warn(warnings, "spec.ports", text.to_owned());
    }
}

/// Two headless services with the same pods: only one of them can be the subdomain of the pods.
fn check_twin(service: &Service, related: &RelatedObjects<'_>, warnings: &mut Vec<Warning>) {
    let Some(selector) = selector_of(service).filter(|_| is_headless(service)) else { return };
    let (namespace, name) = (namespace_of(&service.metadata), name_of(&service.metadata));
    let is_twin = |other: &&Service| {
        name_of(&other.metadata) != name && is_headless(other) && selector_of(other) == Some(selector)
    };
    if let Some(twin) = related.services_in(namespace).find(is_twin) {
        let twin = name_of(&twin.metadata);
        let text = format!(
            "Services \"{}\" and \"{}\" are both headless and select {}, but a pod has its name under one service \
             alone; remove one of the two, or give one a cluster IP",
            name.min(twin),
            name.max(twin),
            written(Some(selector))
        );
        warn_of_pair(warnings, "spec.selector", text);
    }
}

/// Warns of named target ports that no container has.
fn check_ports(
    service: &Service,
    pod: Option<&PodSpec>,
    owner: &str,
    path: impl Fn(usize) -> String,
    warnings: &mut Vec<Warning>,
) {
    let (Some(spec), Some(pod)) = (&service.spec, pod) else { return };
    for (index, port) in spec.ports.iter().flatten().enumerate() {
        let Some(IntOrString::String(wanted)) = &port.target_port else { continue };
        if !containers(pod).any(|container| has_port(container, wanted, port)) {
            let text = format!(
                "Service \"{}\" sends to the port named \"{wanted}\", which no container of {owner} has{}; give a \
                 containerPort this name, or use its number",
                name_of(&service.metadata),
                known_ports(pod)
            );
            warn_of_pair(warnings, &path(index), text);
        }
    }
}

fn has_port(container: &Container, wanted: &str, port: &ServicePort) -> bool {
    let protocol = port.protocol.as_deref().unwrap_or("TCP");
    container.ports.iter().flatten().any(|found| {
        found.name.as_deref() == Some(wanted) && found.protocol.as_deref().unwrap_or("TCP") == protocol
    })
}

fn known_ports(pod: &PodSpec) -> String {
    let ports = containers(pod).flat_map(|container| container.ports.iter().flatten());
    let names: Vec<&str> = ports.filter_map(|port| port.name.as_deref()).collect();
    if names.is_empty() { String::new() } else { format!(" (there are: {})", names.join(", ")) }
}
