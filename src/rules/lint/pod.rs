//! Rules about pods without a controller: whether they get the DNS name that their fields ask for.
//!
//! There is no warning about a pod with a controller: the warning is about its controller.

use k8s_openapi::api::core::v1::Pod;

use super::related::RelatedObjects;
use super::selection::{is_headless, selects, written};
use super::warning::{Warning, warn};
use crate::objects::{controller_of, name_of, namespace_of};

pub(super) fn check(pod: &Pod, related: &RelatedObjects<'_>, warnings: &mut Vec<Warning>) {
    let Some(spec) = pod.spec.as_ref().filter(|_| controller_of(&pod.metadata).is_none()) else { return };
    let filled = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
    match (filled(&spec.hostname), filled(&spec.subdomain)) {
        (Some(hostname), None) => {
            let text = format!(
                "without spec.subdomain \"{hostname}\" is no DNS name; name a headless Service in spec.subdomain"
            );
            warn(warnings, "spec.hostname", text);
        }
        (hostname, Some(subdomain)) => {
            if hostname.is_none() {
                let text = format!(
                    "without spec.hostname the pod has no name under \"{subdomain}\"; set spec.hostname, for example \
                     to \"{}\"",
                    name_of(&pod.metadata)
                );
                warn(warnings, "spec.subdomain", text);
            }
            check_subdomain(pod, &subdomain, related, warnings);
        }
        (None, None) => {}
    }
}

fn check_subdomain(pod: &Pod, subdomain: &str, related: &RelatedObjects<'_>, warnings: &mut Vec<Warning>) {
    let labels = pod.metadata.labels.as_ref();
    let namespace = namespace_of(&pod.metadata);
    let text = match related.service(namespace, subdomain) {
        None => format!(
            "there is no Service \"{subdomain}\" in namespace \"{namespace}\", so the pod has no DNS name; create it \
             with clusterIP: None and the selector {}",
            written(labels)
        ),
        Some(service) if !is_headless(service) => {
            format!(
                "Service \"{subdomain}\" is not headless, so DNS servers need not know the pod by a name below it (this \
                 one and CoreDNS do); recreate it with clusterIP: None"
            )
        }
        Some(service) if !selects(service, labels) => format!(
            "Service \"{subdomain}\" does not select this pod, labelled \"{}\", so it has no DNS name; make the labels \
             match its selector",
            written(labels)
        ),
        Some(_) => return,
    };
    warn(warnings, "spec.subdomain", text);
}
