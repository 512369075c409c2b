//! Which services an event concerns, and the time of the change that caused a write.
//!
//! Pure. A pod concerns a service only through what it contributes to slices, so that most status
//! writes of a pod cause no reconcile. A pod that has ended contributes nothing, even if its `Ready`
//! condition is still `True`.

use std::collections::{BTreeMap, HashMap};

use k8s_openapi::api::core::v1::{Node, Pod, PodIP, Service};
use k8s_openapi::api::discovery::v1::EndpointSlice;

use super::endpoint::is_included;
use super::metadata::service_name;
use crate::clock::Timestamp;
use crate::machinery::selector::Labels;
use crate::objects::pod;

/// Whether this controller writes slices for the service: it has a selector and is not of type
/// ExternalName. An absent selector selects nothing, not everything.
pub(super) fn takes_pods(service: &Service) -> bool {
    let Some(spec) = &service.spec else { return false };
    spec.type_.as_deref() != Some("ExternalName") && spec.selector.as_ref().is_some_and(|map| !map.is_empty())
}

/// The pod before and after an event; `None` where there was or is none.
pub(super) type PodChange<'a> = (Option<&'a Pod>, Option<&'a Pod>);

/// Whether a changed pod changes the endpoints of the service.
pub(super) struct PodTrigger<'a> {
    before: Option<Contribution<'a>>,
    after: Option<Contribution<'a>>,
}

/// What a pod contributes to slices.
#[derive(PartialEq)]
struct Contribution<'a> {
    labels: Option<&'a Labels>,
    shown: Shown<'a>,
}

#[derive(PartialEq)]
struct Shown<'a> {
    uid: Option<&'a String>,
    ips: Option<&'a Vec<PodIP>>,
    is_serving: bool,
    is_terminating: bool,
    hostname: Option<&'a String>,
    subdomain: Option<&'a String>,
    node_name: Option<&'a String>,
}

impl<'a> Contribution<'a> {
    /// What the pod contributes to the slices of `service`, if the service selects it.
    fn shown_to(&self, service: &Service) -> Option<&Shown<'a>> {
        selects(service, self.labels).then_some(&self.shown)
    }
}

impl<'a> PodTrigger<'a> {
    /// `None` if the change affects no slice, whatever the services are.
    pub(super) fn new((before, after): PodChange<'a>) -> Option<Self> {
        let (before, after) = (before.and_then(contribution), after.and_then(contribution));
        (before != after).then_some(Self { before, after })
    }

    /// Whether the endpoints of the service change.
    pub(super) fn concerns(&self, service: &Service) -> bool {
        let (before, after) = (self.before.as_ref(), self.after.as_ref());
        before.and_then(|pod| pod.shown_to(service)) != after.and_then(|pod| pod.shown_to(service))
    }
}

/// The names of the services that an event of a slice concerns; a removed label concerns the service
/// that it named.
pub(super) fn services_of_slice(
    before: Option<&EndpointSlice>,
    after: Option<&EndpointSlice>,
) -> Vec<String> {
    let name = |slice: &EndpointSlice| service_name(&slice.metadata).map(str::to_owned);
    let mut names: Vec<String> = [before, after].into_iter().flatten().filter_map(name).collect();
    names.dedup();
    names
}

/// The zone of a node, from its label.
pub(super) fn zone(node: &Node) -> Option<&String> {
    let zone = node.metadata.labels.as_ref()?.get("topology.kubernetes.io/zone")?;
    Some(zone).filter(|zone| !zone.is_empty())
}

/// The times of changes that slices report already, for one service (`TriggerTimeTracker`).
#[derive(Debug, Default)]
pub(super) struct TriggerTimes {
    service: Option<Timestamp>,
    pods: HashMap<String, Timestamp>,
}

impl TriggerTimes {
    /// The earliest time among the changes not reported yet; they count as reported from now on. The
    /// changes are the service's creation and the pods' changes of readiness.
    pub(super) fn next(&mut self, service: &Service, pods: &[&Pod]) -> Option<Timestamp> {
        let created = service.metadata.creation_timestamp.as_ref().map(|time| time.0);
        let mut earliest = created.filter(|created| self.service.is_none_or(|reported| reported < *created));
        let mut times = HashMap::with_capacity(pods.len());
        for pod in pods {
            let Some(time) = readiness_time(pod) else { continue };
            let name = pod.metadata.name.clone().unwrap_or_default();
            if self.pods.get(&name).is_none_or(|reported| *reported < time) {
                earliest = Some(earliest.map_or(time, |earliest| earliest.min(time)));
            }
            times.insert(name, time);
        }
        *self = Self { service: created, pods: times };
        earliest
    }
}

/// Zones by node name.
pub(super) fn zones<'a>(nodes: impl Iterator<Item = &'a Node>) -> BTreeMap<String, String> {
    let entry = |node: &'a Node| Some((node.metadata.name.clone()?, zone(node)?.clone()));
    nodes.filter_map(entry).collect()
}

fn contribution(pod: &Pod) -> Option<Contribution<'_>> {
    let spec = pod.spec.as_ref();
    is_included(pod).then(|| Contribution {
        labels: pod.metadata.labels.as_ref(),
        shown: Shown {
            uid: pod.metadata.uid.as_ref(),
            ips: pod.status.as_ref().and_then(|status| status.pod_ips.as_ref()),
            is_serving: pod::is_ready(pod),
            is_terminating: pod::is_terminating(pod),
            hostname: spec.and_then(|spec| spec.hostname.as_ref()),
            subdomain: spec.and_then(|spec| spec.subdomain.as_ref()),
            node_name: spec.and_then(|spec| spec.node_name.as_ref()),
        },
    })
}

fn selects(service: &Service, labels: Option<&Labels>) -> bool {
    let selector = service.spec.as_ref().and_then(|spec| spec.selector.as_ref());
    let has = |(key, value): (&String, &String)| labels.and_then(|labels| labels.get(key)) == Some(value);
    takes_pods(service) && selector.is_some_and(|selector| selector.iter().all(has))
}

fn readiness_time(pod: &Pod) -> Option<Timestamp> {
    let ready = pod::condition(pod, "Ready")?;
    ready.last_transition_time.as_ref().map(|time| time.0)
}
