//! Finds the object that decides about a name, by the labels below the cluster's zone.
//!
//! Namespaces and names of pods by address are explained here, services in `service`.

use std::net::IpAddr;

use hickory_proto::rr::{Name, RecordType};
use k8s_openapi::api::core::v1::Pod;

use super::cause::Cause;
use super::explanation::Explanation;
use super::landscape::Landscape;
use super::pod;
use super::question::Question;
use crate::clock::Timestamp;
use crate::dns::zone::spelled_address;
use crate::names::options::PodNames;
use crate::names::published::has_released_addresses;
use crate::objects::{Kind, ObjectKey};

/// Why `name`, which has no records of this type, has none; `None` if no object could change that.
pub fn explain(
    landscape: &Landscape,
    name: &Name,
    record_type: RecordType,
    now: Timestamp,
) -> Option<Explanation> {
    Question::new(landscape, record_type, now).explain(name)
}

impl Question<'_> {
    /// Why `name` has no records. `None` if there are more slices than may be looked at, since any of
    /// the rest could have the endpoint.
    pub(super) fn explain(&self, name: &Name) -> Option<Explanation> {
        self.reason(name).filter(|_| !self.view.lacks_slices())
    }

    fn reason(&self, name: &Name) -> Option<Explanation> {
        let labels = self.view.labels_below(name)?;
        let labels: Vec<&str> = labels.iter().map(String::as_str).collect();
        match labels.as_slice() {
            [path @ .., namespace, "svc"] => {
                let key = ObjectKey::new(Kind::Namespace, "", namespace);
                let found = match self.namespace(namespace) {
                    Some(missing) => Some(missing),
                    None => self.below_namespace(namespace, path),
                };
                found.map(|found| found.after(&[key]))
            }
            [.., _, "pod"] | ["pod"] if self.view.options().pods == PodNames::Disabled => {
                Some(Explanation::new(
                    Cause::PodNamesDisabled,
                    "names of pods by address are off: --pods disabled",
                ))
            }
            [label, namespace, "pod"] => {
                self.namespace(namespace).or_else(|| self.pod_address(label, namespace))
            }
            [.., namespace, "pod"] => self.namespace(namespace),
            [.., last] if !matches!(*last, "svc" | "pod") => self.outside(&labels),
            _ => None,
        }
    }

    /// Why a namespace has no names; `None` if it has.
    fn namespace(&self, name: &str) -> Option<Explanation> {
        if self.view.has_namespace(name) {
            let text = format!("namespace {name} is not published: it is not among --namespaces");
            return (!self.view.exposes(name)).then(|| Explanation::new(Cause::NamespaceNotPublished, text));
        }
        let hint = self.view.did_you_mean(name, self.view.namespaces());
        Some(Explanation::new(Cause::NoNamespace, format!("there is no namespace {name}{hint}")))
    }

    fn below_namespace(&self, namespace: &str, path: &[&str]) -> Option<Explanation> {
        let (name, rest) = path.split_last()?;
        let key = ObjectKey::new(Kind::Service, namespace, name);
        let found = match self.view.service(namespace, name) {
            Some(service) => self.service(service, rest),
            None => Some(self.no_service(namespace, name)),
        };
        found.map(|found| found.after(&[key]))
    }

    fn no_service(&self, namespace: &str, name: &str) -> Explanation {
        // The set first: it is worth more than a hint, which may spend the budget.
        let set = self.view.set_with_service(namespace, name);
        let set = set.map(|set| format!(", which StatefulSet {set} names")).unwrap_or_default();
        let hint = match self.view.namespace_with_service(name, namespace) {
            Some(other) => format!("; namespace {other} has one of that name"),
            None => self.view.did_you_mean(name, self.view.names(Kind::Service, namespace)),
        };
        let text = format!("there is no service {namespace}/{name}{set}{hint}");
        Explanation::new(Cause::NoService, text)
    }

    fn pod_address(&self, label: &str, namespace: &str) -> Option<Explanation> {
        let Some(address) = spelled_address(label.as_bytes()) else {
            return Some(Explanation::new(Cause::NoPodWithAddress, format!("{label} spells no address")));
        };
        let is_verified = self.view.options().pods == PodNames::Verified;
        if let Some(absent) = is_verified.then(|| self.no_pod_at(address, label, namespace)).flatten() {
            return Some(absent);
        }
        let family = match (self.record_type, address) {
            (RecordType::AAAA, IpAddr::V4(_)) => "an IPv4",
            (RecordType::A, IpAddr::V6(_)) => "an IPv6",
            _ => return None,
        };
        let text = format!("{label} spells {family} address, so it has no {} record", self.record_type);
        Some(Explanation::new(Cause::OtherFamily, text))
    }

    /// Why no pod of the namespace publishes the address; `None` if one does, or may.
    fn no_pod_at(&self, address: IpAddr, label: &str, namespace: &str) -> Option<Explanation> {
        let has_it = |pod: &&Pod| pod::addresses(pod).contains(&address);
        let pods: Vec<&Pod> = self.view.pods(namespace).filter(has_it).collect();
        // The address of an ended pod may belong to another pod, perhaps one that was not looked at.
        if pods.iter().all(|pod| has_released_addresses(pod)) && self.view.is_spent() {
            return None;
        }
        let Some(pod) = pods.into_iter().min_by_key(|pod| has_released_addresses(pod)) else {
            let text = format!("no pod of namespace {namespace} has the address that {label} spells");
            return Some(Explanation::new(Cause::NoPodWithAddress, text));
        };
        let (cause, state) = self.state(pod).filter(|_| has_released_addresses(pod))?;
        let text = format!("{}, which had the address that {label} spells, {state}", pod::title(pod));
        Some(Explanation::new(cause, text))
    }

    /// A name that lacks `svc` after the namespace.
    fn outside(&self, labels: &[&str]) -> Option<Explanation> {
        let [.., service, namespace] = labels else { return None };
        self.view.service(namespace, service).filter(|_| self.view.exposes(namespace))?;
        let domain = self.view.domain();
        let text =
            format!("names of services end in svc.{domain}: ask for {}.svc.{domain}", labels.join("."));
        Some(Explanation::new(Cause::NotBelowSvc, text))
    }
}
