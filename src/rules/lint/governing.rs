//! Rules about a StatefulSet and its governing service, the one that `spec.serviceName` names.
//!
//! Each pod has its DNS name under the governing service, so what is wrong with the pair is a warning
//! for both objects.

use k8s_openapi::api::apps::v1::StatefulSet;
use k8s_openapi::api::core::v1::{Container, Service};

use super::related::RelatedObjects;
use super::selection::{is_headless, selector_of, selects, template_labels, written};
use super::warning::{Warning, warn, warn_of_pair};
use crate::objects::pod::containers;
use crate::objects::{name_of, namespace_of};

const SERVICE_NAME: &str = "spec.serviceName";
/// Names of images whose members must find each other by DNS name before any of them is ready.
const QUORUM_IMAGES: &[&str] = &[
    "cassandra",
    "cockroach",
    "consul",
    "elasticsearch",
    "etcd",
    "galera",
    "hazelcast",
    "kafka",
    "mongo",
    "opensearch",
    "rabbitmq",
    "scylla",
    "vault",
    "zookeeper",
];

/// Whether the service that a set names exists and fits.
pub(super) fn check_set(set: &StatefulSet, related: &RelatedObjects<'_>, warnings: &mut Vec<Warning>) {
    let namespace = namespace_of(&set.metadata);
    let name = set.spec.service_name.as_deref().unwrap_or_default();
    if name.is_empty() {
        let text = "without a service the pods have no DNS names; create a headless Service (clusterIP: None) and \
                    name it here, which cannot be done later";
        return warn(warnings, SERVICE_NAME, text.to_owned());
    }
    match related.service(namespace, name) {
        None => {
            let text = format!(
                "there is no Service \"{name}\" in namespace \"{namespace}\", so the pods have no DNS names; create it \
                 with clusterIP: None and the selector {}",
                written(template_labels(set))
            );
            warn(warnings, SERVICE_NAME, text);
        }
        Some(service) => {
            check_pair(set, service, [SERVICE_NAME; 3], warnings);
        }
    }
}

/// Whether a service fits the sets that name it.
pub(super) fn check_service(service: &Service, related: &RelatedObjects<'_>, warnings: &mut Vec<Warning>) {
    let name = name_of(&service.metadata);
    for set in related.sets_in(namespace_of(&service.metadata)) {
        if set.spec.service_name.as_deref() == Some(name) {
            let paths = ["spec.clusterIP", "spec.selector", "spec.publishNotReadyAddresses"];
            check_pair(set, service, paths, warnings);
        }
    }
}

/// `paths` are the fields of the warnings that the service is not headless, that it selects other
/// pods, and that it does not publish pods that are not ready.
fn check_pair(set: &StatefulSet, service: &Service, paths: [&str; 3], warnings: &mut Vec<Warning>) {
    let (set_name, service_name) = (name_of(&set.metadata), name_of(&service.metadata));
    let [cluster_ip, selector, publish] = paths;
    if !is_headless(service) {
        let text = format!(
            "Service \"{service_name}\" is not headless, so \"{service_name}\" leads to one cluster address instead of \
             the pods, and DNS servers need not know \"{set_name}-0.{service_name}\" (this one and CoreDNS do); \
             recreate it with clusterIP: None"
        );
        warn_of_pair(warnings, cluster_ip, text);
    }
    let labels = template_labels(set);
    if selector_of(service).is_none() {
        let text = format!(
            "Service \"{service_name}\" has no selector and finds no pod of StatefulSet \"{set_name}\"; give it \
             {}",
            written(labels)
        );
        warn_of_pair(warnings, selector, text);
    } else if !selects(service, labels) {
        let text = format!(
            "Service \"{service_name}\" selects {}, but the pods of StatefulSet \"{set_name}\" are labelled {}; make \
             the selector match",
            written(selector_of(service)),
            written(labels)
        );
        warn_of_pair(warnings, selector, text);
    }
    check_publishing(set, service, publish, warnings);
}

/// Pods that are not ready have no DNS names; peers that need each other to become ready then wait
/// forever.
fn check_publishing(set: &StatefulSet, service: &Service, path: &str, warnings: &mut Vec<Warning>) {
    let publishes = service.spec.as_ref().and_then(|spec| spec.publish_not_ready_addresses);
    let Some(pod) = set.spec.template.spec.as_ref().filter(|_| publishes != Some(true)) else { return };
    let has_probe = pod.containers.iter().any(|container| container.readiness_probe.is_some());
    if !has_probe || set.spec.replicas.unwrap_or(1) < 2 {
        return;
    }
    let (set_name, service_name) = (name_of(&set.metadata), name_of(&service.metadata));
    let peer = containers(pod).find_map(|container| named_peer(container, set_name, service_name));
    let image = pod.containers.iter().find_map(quorum_image);
    let reason = match (peer, image) {
        (Some(peer), _) => format!("the containers of StatefulSet \"{set_name}\" look for \"{peer}\""),
        (None, Some(image)) => format!("{image} looks for its peers at start"),
        (None, None) => return,
    };
    let text = format!(
        "{reason}, but there is a readiness probe and Service \"{service_name}\" withholds the names of pods that are \
         not ready, so they may wait for each other forever; set publishNotReadyAddresses: true on the service"
    );
    warn_of_pair(warnings, path, text);
}

/// The name of a peer in a container's command, arguments or environment.
fn named_peer(container: &Container, set: &str, service: &str) -> Option<String> {
    let environment = container.env.iter().flatten().filter_map(|variable| variable.value.as_deref());
    let arguments = container.command.iter().flatten().chain(container.args.iter().flatten());
    let mut texts = environment.chain(arguments.map(String::as_str));
    let prefix = format!("{set}-");
    let suffix = format!(".{service}");
    texts.find_map(|text| {
        text.match_indices(&prefix).find_map(|(start, _)| {
            let rest = &text[start + prefix.len()..];
            let n_digits = rest.bytes().take_while(u8::is_ascii_digit).count();
            let is_peer = n_digits > 0 && rest[n_digits..].starts_with(&suffix);
            is_peer.then(|| format!("{prefix}{}{suffix}", &rest[..n_digits]))
        })
    })
}

fn quorum_image(container: &Container) -> Option<&'static str> {
    let image = container.image.as_deref()?;
    let repository = image.rsplit('/').next()?.split([':', '@']).next()?;
    QUORUM_IMAGES.iter().copied().find(|known| repository.contains(known))
}
