//! A label below an existing service: explains it by an endpoint, a pod or a StatefulSet.
//!
//! An endpoint in the service's slices decides first, then the pod that would have the label, then the
//! StatefulSet that would create such a pod.

use std::net::IpAddr;

use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::api::discovery::v1::Endpoint;

use super::cause::Cause;
use super::explanation::Explanation;
use super::pod::{self, families};
use super::question::Question;
use super::subject::Subject;
use crate::dns::zone::{address_label, spelled_address};
use crate::names::label::endpoint_label;
use crate::names::published::is_ready;
use crate::objects::Kind;

impl Question<'_> {
    /// The ready endpoints in a service's slices, none if slices are ignored.
    pub(super) fn ready_endpoints<'s>(&self, subject: &Subject<'s>) -> Vec<&'s Endpoint> {
        if self.view.options().no_endpoints {
            return Vec::new();
        }
        subject.endpoints().filter(|endpoint| is_ready(endpoint)).collect()
    }

    /// Why `label` below the service has no records.
    pub(super) fn endpoint(&self, subject: &Subject<'_>, label: &str) -> Option<Explanation> {
        let listed = self.listed(subject, label);
        let claimant = self.claimant(subject, label);
        let has_peers = subject.publishes_peers();
        let is_published = |(endpoint, _): &&(&Endpoint, IpAddr)| has_peers || is_ready(endpoint);
        let published: Vec<IpAddr> =
            listed.iter().filter(is_published).map(|(_, address)| *address).collect();
        if !published.is_empty() {
            return self.published(subject, label, claimant, &published);
        }
        let behind = self.behind(subject, &listed);
        let takes_pods = listed.is_empty() || subject.selector().is_some();
        if let Some(pod) = claimant.or(behind).filter(|_| takes_pods) {
            return Some(self.unpublished_pod(subject, pod).after(&[subject.key(pod)]));
        }
        if !listed.is_empty() {
            let text = format!("endpoint {label} of {} is not ready in its EndpointSlice", subject.title());
            return Some(Explanation::new(Cause::NoReadyEndpoint, text));
        }
        let namesake = self.view.pod(subject.namespace, label);
        if let Some((pod, found)) = namesake.and_then(|pod| Some((pod, identity(subject, label, pod)?))) {
            return Some(found.after(&[subject.key(pod)]));
        }
        Some(self.member(subject, label).unwrap_or_else(|| self.nobody(subject, label)))
    }

    /// The endpoints in a service's slices that have this label, ready or not, with their addresses.
    fn listed<'s>(&self, subject: &Subject<'s>, label: &str) -> Vec<(&'s Endpoint, IpAddr)> {
        let options = self.view.options();
        let spelled = spelled_address(label.as_bytes()).filter(|address| address_label(*address) == label);
        let addresses = |endpoint: &Endpoint| -> Vec<IpAddr> {
            let addresses = endpoint.addresses.iter().filter_map(|address| address.parse().ok());
            match endpoint_label(options, endpoint) {
                Some(own) if !own.eq_ignore_ascii_case(label) => Vec::new(),
                Some(_) => addresses.collect(),
                None => addresses.filter(|address| Some(*address) == spelled).collect(),
            }
        };
        let endpoints = subject.endpoints().filter(|_| !options.no_endpoints);
        endpoints
            .flat_map(|endpoint| addresses(endpoint).into_iter().map(move |address| (endpoint, address)))
            .collect()
    }

    /// The pod whose endpoint would have this label if the service selected it.
    fn claimant(&self, subject: &Subject<'_>, label: &str) -> Option<&Pod> {
        let claims = |pod: &&Pod| self.label(subject, pod) == Some(label);
        let namesake = self.view.pod(subject.namespace, label).filter(claims);
        namesake.or_else(|| self.view.pods(subject.namespace).find(claims))
    }

    /// The label that a pod's endpoint has below a service; `None` if it is made from the address.
    fn label<'p>(&self, subject: &Subject<'_>, pod: &'p Pod) -> Option<&'p str> {
        let name = pod.metadata.name.as_deref().filter(|_| self.view.options().endpoint_pod_names);
        hostname(pod).filter(|_| subdomain(pod) == Some(subject.name)).or(name)
    }

    /// The first existing pod that one of these endpoints refers to.
    fn behind(&self, subject: &Subject<'_>, listed: &[(&Endpoint, IpAddr)]) -> Option<&Pod> {
        let targets = listed.iter().filter_map(|(endpoint, _)| endpoint.target_ref.as_ref());
        let pods = targets.filter(|target| target.kind.as_deref() == Some("Pod"));
        let names = pods.filter_map(|target| target.name.clone());
        self.view.pods_named(subject.namespace, names).next()
    }

    /// A name that exists: only the other address family can be the reason.
    fn published(
        &self,
        subject: &Subject<'_>,
        label: &str,
        pod: Option<&Pod>,
        published: &[IpAddr],
    ) -> Option<Explanation> {
        let (has_v4, has_v6) = families(published);
        // A service may have only one of the two families of its pods.
        let is_like_it = |pod: &&Pod| families(&pod::addresses(pod)) == (has_v4, has_v6);
        match pod.filter(is_like_it) {
            Some(pod) => {
                let found = self.other_family(&pod::title(pod), published)?;
                Some(found.after(&[subject.key(pod)]))
            }
            None => self.other_family(&format!("endpoint {label} of {}", subject.title()), published),
        }
    }

    fn nobody(&self, subject: &Subject<'_>, label: &str) -> Explanation {
        let title = subject.title();
        let has_pod_names = self.view.options().endpoint_pod_names;
        let is_cluster = !subject.is_headless() && !has_pod_names;
        if is_cluster && self.ready_endpoints(subject).iter().all(|one| one.hostname.is_none()) {
            let at = subject.cluster_address().unwrap_or("no address");
            let text = format!(
                "no pod or StatefulSet is called {label}, and {title} is not headless (clusterIP {at}): only pods whose \
                 spec.subdomain names it have names below it"
            );
            return Explanation::new(Cause::ServiceNotHeadless, text);
        }
        let hint = self.view.did_you_mean(label, self.view.names(Kind::Pod, subject.namespace));
        let text = format!("{title} has no endpoint {label}: no pod or StatefulSet has that name{hint}");
        Explanation::new(Cause::NoEndpoint, text)
    }

    /// Why a pod that would have a name below the service is not published.
    fn unpublished_pod(&self, subject: &Subject<'_>, pod: &Pod) -> Explanation {
        let title = pod::title(pod);
        let Some(selector) = subject.selector() else {
            let text = format!("{} has no selector, so {title} is none of its endpoints", subject.title());
            return Explanation::new(Cause::NoSelector, text);
        };
        if !selector.matches(pod.metadata.labels.as_ref()) {
            let text = format!("{} does not select {title}: its labels do not match", subject.title());
            return Explanation::new(Cause::PodNotSelected, text);
        }
        if self.view.options().no_endpoints {
            let text = "--no-endpoints leaves the names of endpoints out";
            return Explanation::new(Cause::EndpointsIgnored, text);
        }
        match self.state(pod) {
            Some((cause, state)) => Explanation::new(cause, format!("{title} {state}")),
            None => self.unlisted(subject, pod),
        }
    }

    /// Why no slice of the service lists a Ready pod that the service selects.
    pub(super) fn unlisted(&self, subject: &Subject<'_>, pod: &Pod) -> Explanation {
        let title = pod::title(pod);
        let addresses = pod::addresses(pod);
        if !addresses.is_empty() && !addresses.iter().any(|address| subject.takes(*address)) {
            let (of_pod, of_service) = match families(&addresses) {
                (true, _) => ("IPv4", "IPv6"),
                _ => ("IPv6", "IPv4"),
            };
            let text =
                format!("{title} has {of_pod} addresses only, {} is {of_service} only", subject.title());
            return Explanation::new(Cause::OtherFamily, text);
        }
        if !self.has_controllers() {
            let text = format!(
                "{title} is Ready, but no EndpointSlice of {} has it and nothing here makes one",
                subject.title()
            );
            return Explanation::new(Cause::NoControllers, text);
        }
        let text = format!("{title} is Ready; {} does not have its endpoint yet", subject.title());
        Explanation::new(Cause::NotPublishedYet, text)
    }
}

/// Why the pod named like the label has another name: names come from hostname and subdomain.
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
