//! A label below a service that exists: the pod, the StatefulSet or the endpoint it would be.

use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::api::discovery::v1::Endpoint;

use super::service::Subject;
use super::{Cause, Explanation, World, did_you_mean, pod};
use crate::objects::{Kind, ObjectKey};

impl World<'_> {
    /// The endpoints in a service's slices that are ready, if slices count at all.
    pub(super) fn ready_endpoints(&self, subject: &Subject<'_>) -> Vec<&Endpoint> {
        if self.landscape.options().no_endpoints {
            return Vec::new();
        }
        self.endpoints(subject).filter(|endpoint| is_ready(endpoint)).collect()
    }

    fn endpoints(&self, subject: &Subject<'_>) -> impl Iterator<Item = &Endpoint> {
        let slices = self.landscape.slices(subject.namespace, subject.name);
        slices.flat_map(|slice| slice.endpoints.iter().flatten())
    }

    /// Why `label` below the service has no records.
    pub(super) fn endpoint(&self, subject: &Subject<'_>, label: &str) -> Option<Explanation> {
        let by_hostname = |pod: &&Pod| hostname(pod) == Some(label) && subdomain(pod) == Some(subject.name);
        let pod = self.landscape.pod(subject.namespace, label);
        let pod = pod.or_else(|| self.landscape.pods(subject.namespace).find(by_hostname));
        if let Some(pod) = pod {
            let name = pod.metadata.name.as_deref().unwrap_or_default();
            let key = ObjectKey::new(Kind::Pod, subject.namespace, name);
            return self.pod(subject, label, pod).map(|found| found.after(&[key]));
        }
        if let Some(of_set) = self.member(subject, label) {
            return Some(of_set);
        }
        let mut ours = self.endpoints(subject).filter(|endpoint| endpoint.hostname.as_deref() == Some(label));
        if let Some(first) = ours.next() {
            return self.listed(subject, label, first);
        }
        Some(self.nobody(subject, label))
    }

    /// An endpoint of a slice that no pod stands behind.
    fn listed(&self, subject: &Subject<'_>, label: &str, endpoint: &Endpoint) -> Option<Explanation> {
        if is_ready(endpoint) {
            let addresses: Vec<_> =
                endpoint.addresses.iter().filter_map(|address| address.parse().ok()).collect();
            return self.other_family(label, &addresses);
        }
        let text = format!("endpoint {label} of {} is not ready in its EndpointSlice", subject.title());
        Some(Explanation::new(Cause::NoReadyEndpoint, text))
    }

    fn nobody(&self, subject: &Subject<'_>, label: &str) -> Explanation {
        let title = subject.title();
        if !subject.is_headless() && self.ready_endpoints(subject).iter().all(|one| one.hostname.is_none()) {
            let at = subject.cluster_address().unwrap_or("no address");
            let text =
                format!("{title} is not headless (clusterIP {at}), so its pods have no names of their own");
            return Explanation::new(Cause::ServiceNotHeadless, text);
        }
        let hint = did_you_mean(label, self.landscape.names(Kind::Pod, subject.namespace));
        let text = format!("{title} has no endpoint {label}: no pod or StatefulSet has that name{hint}");
        Explanation::new(Cause::NoEndpoint, text)
    }

    /// Why a pod that exists has no records as `label` below the service.
    fn pod(&self, subject: &Subject<'_>, label: &str, pod: &Pod) -> Option<Explanation> {
        if let Some(identity) = identity(subject, label, pod) {
            return Some(identity);
        }
        let title = pod::title(pod);
        let selector = subject.selector();
        if selector.is_some_and(|selector| !selector.matches(pod.metadata.labels.as_ref())) {
            let text = format!("{} does not select {title}: its labels do not match", subject.title());
            return Some(Explanation::new(Cause::PodNotSelected, text));
        }
        if self.landscape.options().no_endpoints {
            let text = "--no-endpoints leaves the names of endpoints out";
            return Some(Explanation::new(Cause::EndpointsIgnored, text));
        }
        if let Some((cause, state)) = self.state(pod) {
            return Some(Explanation::new(cause, format!("{title} {state}")));
        }
        let listed = self.ready_endpoints(subject);
        let is_listed = listed.iter().any(|endpoint| endpoint.hostname.as_deref() == Some(label));
        if !is_listed {
            let text = format!("{title} is Ready; {} does not have its endpoint yet", subject.title());
            return Some(Explanation::new(Cause::NotPublishedYet, text));
        }
        let ips = pod.status.iter().flat_map(|status| status.pod_ips.iter().flatten());
        let addresses: Vec<_> = ips.filter_map(|ip| ip.ip.parse().ok()).collect();
        self.other_family(&title, &addresses)
    }
}

/// A pod has a name of its own only by its hostname, below the service that is its subdomain.
fn identity(subject: &Subject<'_>, label: &str, pod: &Pod) -> Option<Explanation> {
    let (title, service) = (pod::title(pod), subject.name);
    let (cause, text) = match (hostname(pod), subdomain(pod)) {
        (Some(_), None) | (None, None) => (
            Cause::SubdomainUnset,
            format!("{title} has no spec.subdomain; it must be {service} for a name below that service"),
        ),
        (_, Some(other)) if other != service => (
            Cause::SubdomainDiffers,
            format!("{title} has its name below {other} (spec.subdomain), not below {service}"),
        ),
        (None, Some(_)) => {
            (Cause::HostnameDiffers, format!("{title} has no spec.hostname, so no name of its own"))
        }
        (Some(other), _) if other != label => {
            (Cause::HostnameDiffers, format!("{title} has the hostname {other}: ask for that"))
        }
        _ => return None,
    };
    Some(Explanation::new(cause, text))
}

fn hostname(pod: &Pod) -> Option<&str> {
    pod.spec.as_ref()?.hostname.as_deref().filter(|name| !name.is_empty())
}

fn subdomain(pod: &Pod) -> Option<&str> {
    pod.spec.as_ref()?.subdomain.as_deref().filter(|name| !name.is_empty())
}

fn is_ready(endpoint: &Endpoint) -> bool {
    endpoint.conditions.as_ref().and_then(|conditions| conditions.ready).unwrap_or(true)
}
