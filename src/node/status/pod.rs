//! The status of a whole pod.

use std::net::IpAddr;

use k8s_openapi::api::core::v1::{HostIP, Pod, PodIP, PodStatus};

use super::conditions;
use super::container::container_status;
use super::view::View;
use crate::clock::Timestamp;
use crate::node::containers::Track;
use crate::node::runtime::Role;
use crate::objects::{quality, time};

/// The status of `pod`.
pub(in crate::node) fn status(pod: &Pod, view: &View<'_>, now: Timestamp) -> PodStatus {
    let old = pod.status.clone().unwrap_or_default();
    let phase = view.containers.phase(view.ended, view.is_over);
    let ended = view.ended.filter(|_| phase.is_terminal());
    let ips = |address: &IpAddr| PodIP { ip: address.to_string() };
    let tracks = || view.containers.tracks().iter();
    let status_of = |track: &Track| container_status(pod, view, track);
    let inits: Vec<_> = tracks().filter(|track| track.role != Role::Main).map(status_of).collect();
    let mut mains: Vec<_> = tracks().filter(|track| track.role == Role::Main).map(status_of).collect();
    // The kubelet sorts the statuses of ordinary containers by name, those of init containers not.
    mains.sort_by(|a, b| a.name.cmp(&b.name));
    let addresses = if view.addresses.is_empty() && phase.is_terminal() {
        old.pod_ips.clone()
    } else {
        non_empty(view.addresses.iter().map(ips).collect())
    };
    PodStatus {
        phase: Some(phase.name().to_owned()),
        conditions: Some(conditions::conditions(pod, view, phase, now)),
        pod_ip: addresses.as_ref().and_then(|all| all.first()).map(|first| first.ip.clone()),
        pod_ips: addresses,
        host_ip: Some(view.host.to_string()),
        host_ips: Some(vec![HostIP { ip: view.host.to_string() }]),
        start_time: old.start_time.clone().or_else(|| Some(time(now))),
        init_container_statuses: non_empty(inits),
        container_statuses: non_empty(mains),
        qos_class: old
            .qos_class
            .clone()
            .or_else(|| pod.spec.as_ref().map(|spec| quality::of(spec).to_owned())),
        reason: ended.and_then(|ended| ended.reason.clone()),
        message: ended.and_then(|ended| ended.message.clone()),
        observed_generation: pod.metadata.generation,
        ..old
    }
}

fn non_empty<T>(list: Vec<T>) -> Option<Vec<T>> {
    (!list.is_empty()).then_some(list)
}

#[cfg(test)]
mod tests;
