//! Why the name of an existing service has no records.
//!
//! Without a ready endpoint the selected pods decide; without such pods, the StatefulSet that would
//! create them.

use std::net::IpAddr;

use hickory_proto::rr::RecordType;
use k8s_openapi::api::core::v1::{Pod, Service};

use super::cause::Cause;
use super::explanation::Explanation;
use super::pod;
use super::question::Question;
use super::subject::Subject;
use crate::names::published::has_released_addresses;
use crate::objects::ObjectKey;
use crate::objects::pod::{is_ready, is_terminating};

impl Question<'_> {
    /// Why a name at or below a service has no records; `path` has the labels before the service's name.
    pub(super) fn service(&self, service: &Service, path: &[&str]) -> Option<Explanation> {
        let subject = Subject::of(service, &self.view);
        if let Some(target) = subject.external_name() {
            return self.external(&subject, target, path);
        }
        match path {
            [] => self.service_itself(&subject),
            [port, protocol] if port.starts_with('_') && protocol.starts_with('_') => {
                self.port(&subject, &port[1..], &protocol[1..])
            }
            [protocol] if protocol.starts_with('_') => self.protocol(&subject, &protocol[1..]),
            [label] => self.endpoint(&subject, label),
            _ => None,
        }
    }

    fn external(&self, subject: &Subject<'_>, target: &str, path: &[&str]) -> Option<Explanation> {
        let title = subject.title();
        let text = match path.is_empty() {
            true if target.parse::<IpAddr>().is_ok() => {
                format!("{title} is an ExternalName of {target}, which is an address and no name")
            }
            true => return None,
            false => format!("{title} is an ExternalName of {target}; nothing exists below it"),
        };
        Some(Explanation::new(Cause::ExternalName, text))
    }

    fn service_itself(&self, subject: &Subject<'_>) -> Option<Explanation> {
        let unpublished = self.unpublished(subject);
        let other = unpublished.or_else(|| self.other_family(&subject.title(), &self.addresses(subject)));
        other.or_else(|| self.no_srv(subject))
    }

    /// Why a service has neither a cluster address nor a published endpoint.
    pub(super) fn unpublished(&self, subject: &Subject<'_>) -> Option<Explanation> {
        if let Some(absent) = self.no_endpoint(subject) {
            return Some(absent);
        }
        let (cause, state) = self.awaits("has no cluster address", "gives it one", Cause::NoCluster);
        let text = format!("{} {state}", subject.title());
        subject.cluster_address().is_none().then(|| Explanation::new(cause, text))
    }

    /// The addresses of the service's name.
    pub(super) fn addresses(&self, subject: &Subject<'_>) -> Vec<IpAddr> {
        if !subject.is_headless() {
            let spec = subject.service.spec.as_ref();
            let listed = spec.and_then(|spec| spec.cluster_ips.as_deref()).unwrap_or_default();
            let listed = listed.iter().map(String::as_str).chain(subject.cluster_address());
            return listed.filter_map(|address| address.parse().ok()).collect();
        }
        let endpoints = self.ready_endpoints(subject);
        endpoints.iter().flat_map(|one| &one.addresses).filter_map(|address| address.parse().ok()).collect()
    }

    /// Explains NODATA for a name that has addresses of the other family only.
    pub(super) fn other_family(&self, title: &str, addresses: &[IpAddr]) -> Option<Explanation> {
        let (has_v4, has_v6) = pod::families(addresses);
        let only = match self.record_type {
            RecordType::A if has_v6 && !has_v4 => "IPv6",
            RecordType::AAAA if has_v4 && !has_v6 => "IPv4",
            _ => return None,
        };
        let text = format!("{title} has {only} addresses only, no {} record", self.record_type);
        Some(Explanation::new(Cause::OtherFamily, text))
    }

    /// Why a headless service, or any if empty ones are ignored, has no published endpoint.
    fn no_endpoint(&self, subject: &Subject<'_>) -> Option<Explanation> {
        let options = self.view.options();
        let matters = subject.is_headless() || options.ignore_empty_service;
        if !matters || !self.ready_endpoints(subject).is_empty() {
            return None;
        }
        let title = subject.title();
        if options.no_endpoints {
            let text = format!("{title} is headless, and --no-endpoints leaves its endpoints out");
            return Some(Explanation::new(Cause::EndpointsIgnored, text));
        }
        let Some(selector) = subject.selector() else {
            return self.unready_slices(subject).or_else(|| {
                let text = match !subject.slices.is_empty() {
                    true => format!("{title} has no selector, and its EndpointSlices have no endpoint"),
                    false => format!("{title} has no selector and no EndpointSlice with its name"),
                };
                Some(Explanation::new(Cause::NoSelector, text))
            });
        };
        let pods = self.view.pods(subject.namespace);
        let mut selected: Vec<&Pod> =
            pods.filter(|pod| selector.matches(pod.metadata.labels.as_ref())).collect();
        // An ended pod is the reason only if all have ended.
        if !selected.iter().all(|pod| has_released_addresses(pod)) {
            selected.retain(|pod| !has_released_addresses(pod));
        }
        Some(self.none_ready(subject, &selected))
    }

    /// Why none of the pods that a service selects is published. explain reports the pod that decides.
    fn none_ready(&self, subject: &Subject<'_>, selected: &[&Pod]) -> Explanation {
        let title = subject.title();
        let Some(first) = decisive(selected) else {
            if let Some(unready) = self.unready_slices(subject) {
                return unready;
            }
            // A pod that was not looked at may be selected.
            if self.view.is_spent() {
                return Explanation::new(Cause::NoReadyEndpoint, format!("{title} has no Ready endpoint"));
            }
            if let Some(of_set) = self.set_without_pods(subject) {
                return of_set;
            }
            let labels =
                subject.service.spec.as_ref().and_then(|spec| spec.selector.clone()).unwrap_or_default();
            let labels: Vec<String> = labels.iter().map(|(name, value)| format!("{name}={value}")).collect();
            let text = format!("{title} selects {}, which no pod has", labels.join(","));
            return Explanation::new(Cause::SelectsNothing, text);
        };
        let keys: Vec<ObjectKey> = selected.iter().map(|pod| subject.key(pod)).collect();
        let explanation = match self.state(first) {
            None => self.unlisted(subject, first),
            Some((cause, state)) => {
                let n = selected.len();
                let none = match n == 1 || is_ready(first) || self.view.is_spent() {
                    true => format!("{title} has no Ready endpoint"),
                    false => format!("{title}: none of {n} pods is Ready"),
                };
                let cause = if cause == Cause::NoControllers { cause } else { Cause::NoReadyEndpoint };
                Explanation::new(cause, format!("{none}: {} {state}", pod::title(first)))
            }
        };
        explanation.after(&keys)
    }

    /// Explains a service whose slices have endpoints of which none is ready.
    fn unready_slices(&self, subject: &Subject<'_>) -> Option<Explanation> {
        let n = subject.endpoints().count();
        let text = format!("{}: none of {n} endpoints in its EndpointSlices is ready", subject.title());
        (n > 0).then(|| Explanation::new(Cause::NoReadyEndpoint, text))
    }
}

/// The pod that comes closest to being an endpoint: one that is Ready and stays, else the first.
fn decisive<'p>(selected: &[&'p Pod]) -> Option<&'p Pod> {
    let stays = |pod: &&&Pod| is_ready(pod) && !is_terminating(pod);
    selected.iter().find(stays).or(selected.first()).copied()
}
