//! Why a name that is asked for has no records, from the objects that it would come from.
//!
//! ```text
//!   labels below the zone ─┬─ NS.svc ───────────► namespace? published?
//!                          ├─ SVC.NS.svc ───────► service? ─► its pods, its endpoints, the type
//!                          ├─ _PORT._PROTO.… ───► the service's ports
//!                          ├─ LABEL.SVC.NS.svc ─► published? ─► the pod ─► the StatefulSet and its ordinals
//!                          └─ …NS.pod ──────────► are there names of pods? such an address?
//! ```
//!
//! Pure: a [`Landscape`] of objects, a question and an instant go in, a cause with a text comes out.
//! It is asked only once a name is known to have no records, so it never says whether there is an
//! answer, only what stands in its way. Of a name that exists all the same it tells of the other
//! address family, if that is all that it has. What is looked at for one question is bounded by
//! [`OBJECTS_LOOKED_AT_MAX`]; texts are cut at 200 octets.

mod cause;
mod endpoint;
mod landscape;
mod pod;
mod port;
mod service;
mod set;

use std::net::IpAddr;

use hickory_proto::rr::{Name, RecordType};

use super::options::PodNames;
use crate::clock::{Clock, Timestamp};
use crate::dns::zone::{REASON_OCTETS_MAX, Reason, Reasons, spelled_address};
use crate::objects::{Kind, ObjectKey};

pub use cause::Cause;
pub use landscape::{Landscape, OBJECTS_LOOKED_AT_MAX};

/// Why a name has no records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// The kind of cause.
    pub cause: Cause,
    /// The sentence, not cut.
    pub text: String,
    /// The objects that were looked at, and of which there may be none.
    pub looked_at: Vec<ObjectKey>,
}

impl Explanation {
    fn new(cause: Cause, text: impl Into<String>) -> Self {
        Self { cause, text: text.into(), looked_at: Vec::new() }
    }

    fn after(mut self, keys: &[ObjectKey]) -> Self {
        self.looked_at = keys.iter().chain(&self.looked_at).cloned().collect();
        self
    }
}

/// Where answers find explanations while the publisher puts new landscapes in place.
#[derive(Debug)]
pub struct Explainer {
    landscape: arc_swap::ArcSwap<Landscape>,
    clock: Clock,
}

impl Explainer {
    /// An explainer that knows of nothing yet.
    pub fn new(landscape: Landscape, clock: Clock) -> Self {
        Self { landscape: arc_swap::ArcSwap::from_pointee(landscape), clock }
    }

    /// Explains from `landscape` from now on.
    pub fn show(&self, landscape: Landscape) {
        self.landscape.store(landscape.into());
    }

    /// As [`explain`], at the present instant.
    pub fn explain(&self, name: &Name, record_type: RecordType) -> Option<Explanation> {
        explain(&self.landscape.load(), name, record_type, self.clock.now())
    }
}

impl Reasons for Explainer {
    fn reason(&self, name: &Name, record_type: RecordType) -> Option<Reason> {
        let explanation = self.explain(name, record_type)?;
        Some(Reason { cause: explanation.cause.label(), text: cut(explanation.text) })
    }
}

/// Why `name`, which has no records of this type, has none; `None` if no object could change that.
pub fn explain(
    landscape: &Landscape,
    name: &Name,
    record_type: RecordType,
    now: Timestamp,
) -> Option<Explanation> {
    let labels = landscape.labels_below(name)?;
    let labels: Vec<&str> = labels.iter().map(String::as_str).collect();
    let world = World { landscape, record_type, now };
    match labels.as_slice() {
        [path @ .., namespace, "svc"] => {
            let key = ObjectKey::new(Kind::Namespace, "", namespace);
            let found = match world.namespace(namespace) {
                Some(missing) => Some(missing),
                None => world.below_namespace(namespace, path),
            };
            found.map(|found| found.after(&[key]))
        }
        [.., _, "pod"] | ["pod"] if world.landscape.options().pods == PodNames::Disabled => Some(
            Explanation::new(Cause::PodNamesDisabled, "names of pods by address are off: --pods disabled"),
        ),
        [label, namespace, "pod"] => {
            world.namespace(namespace).or_else(|| world.pod_address(label, namespace))
        }
        [.., namespace, "pod"] => world.namespace(namespace),
        [.., last] if !matches!(*last, "svc" | "pod") => world.outside(&labels),
        _ => None,
    }
}

/// One question and what it is put to.
#[derive(Clone, Copy)]
struct World<'w> {
    landscape: &'w Landscape,
    record_type: RecordType,
    now: Timestamp,
}

impl World<'_> {
    /// Whether what is not there may still come by itself.
    fn has_controllers(&self) -> bool {
        self.landscape.options().has_controllers
    }

    /// Why a namespace has no names at all, if so.
    fn namespace(&self, name: &str) -> Option<Explanation> {
        if self.landscape.has_namespace(name) {
            let text = format!("namespace {name} is not published: it is not among --namespaces");
            return (!self.landscape.exposes(name))
                .then(|| Explanation::new(Cause::NamespaceNotPublished, text));
        }
        let hint = did_you_mean(name, self.landscape.namespaces());
        Some(Explanation::new(Cause::NoNamespace, format!("there is no namespace {name}{hint}")))
    }

    fn below_namespace(&self, namespace: &str, path: &[&str]) -> Option<Explanation> {
        let (name, rest) = path.split_last()?;
        let key = ObjectKey::new(Kind::Service, namespace, name);
        let found = match self.landscape.service(namespace, name) {
            Some(service) => self.service(service, rest),
            None => Some(self.no_service(namespace, name)),
        };
        found.map(|found| found.after(&[key]))
    }

    fn no_service(&self, namespace: &str, name: &str) -> Explanation {
        let elsewhere = self.landscape.namespaces_with_service(name).find(|other| *other != namespace);
        let hint = match elsewhere {
            Some(other) => format!("; namespace {other} has one of that name"),
            None => did_you_mean(name, self.landscape.names(Kind::Service, namespace)),
        };
        let text = match self.landscape.set_with_service(namespace, name) {
            Some(set) => {
                format!("there is no service {namespace}/{name}, which StatefulSet {set} names{hint}")
            }
            None => format!("there is no service {namespace}/{name}{hint}"),
        };
        Explanation::new(Cause::NoService, text)
    }

    fn pod_address(&self, label: &str, namespace: &str) -> Option<Explanation> {
        let Some(address) = spelled_address(label.as_bytes()) else {
            return Some(Explanation::new(Cause::NoPodWithAddress, format!("{label} spells no address")));
        };
        let is_verified = self.landscape.options().pods == PodNames::Verified;
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

    /// Why no pod of the namespace gives the address a name, if so.
    fn no_pod_at(&self, address: IpAddr, label: &str, namespace: &str) -> Option<Explanation> {
        let pods = self.landscape.pods(namespace).filter(|pod| pod::addresses(pod).contains(&address));
        // The address of a pod that has ended may have gone to another one.
        let Some(pod) = pods.min_by_key(|pod| pod::has_ended(pod)) else {
            let text = format!("no pod of namespace {namespace} has the address that {label} spells");
            return Some(Explanation::new(Cause::NoPodWithAddress, text));
        };
        let (cause, state) = self.state(pod).filter(|_| pod::has_ended(pod))?;
        let text = format!("{}, which had the address that {label} spells, {state}", pod::title(pod));
        Some(Explanation::new(cause, text))
    }

    /// A name that would exist with `svc` put behind it.
    fn outside(&self, labels: &[&str]) -> Option<Explanation> {
        let [.., service, namespace] = labels else { return None };
        self.landscape.service(namespace, service).filter(|_| self.landscape.exposes(namespace))?;
        let domain = self.landscape.domain();
        let text =
            format!("names of services end in svc.{domain}: ask for {}.svc.{domain}", labels.join("."));
        Some(Explanation::new(Cause::NotBelowSvc, text))
    }
}

/// Whether there are IPv4 and IPv6 addresses among these.
fn families(addresses: &[IpAddr]) -> (bool, bool) {
    (addresses.iter().any(IpAddr::is_ipv4), addresses.iter().any(IpAddr::is_ipv6))
}

/// The text, cut to what an Extended DNS Error should carry.
fn cut(mut text: String) -> String {
    if text.len() > REASON_OCTETS_MAX {
        let room = REASON_OCTETS_MAX - "...".len();
        let end = (0..=room).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
        text.truncate(end);
        text.push_str("...");
    }
    text
}

/// `; did you mean X?` for the name that is most alike, if one is.
fn did_you_mean<'n>(wrong: &str, names: impl Iterator<Item = &'n str>) -> String {
    let similarity = |name: &&str| strsim::jaro_winkler(wrong, name);
    let best = names.filter(|name| *name != wrong).max_by(|a, b| similarity(a).total_cmp(&similarity(b)));
    match best.filter(|name| similarity(name) > ALIKE_MIN) {
        Some(name) => format!("; did you mean {name}?"),
        None => String::new(),
    }
}

/// How alike two names must be for one to be taken for the other (Jaro-Winkler, 0 to 1).
const ALIKE_MIN: f64 = 0.8;

#[cfg(test)]
mod tests;
