//! Why a pod is not published, in the words of `kubectl get pods`.
//!
//! Termination decides first, as it does for the EndpointSlice controller, then the phase, then the
//! containers, then the Ready condition.

use std::net::IpAddr;

use k8s_openapi::api::core::v1::{ContainerStatus, Pod};

use super::cause::Cause;
use super::question::Question;
use super::said::Said;
use crate::clock::Timestamp;
use crate::names::published;
use crate::objects::pod::{condition, is_ready, is_terminating, node_name};
use crate::rules::columns::{PodCells, human_duration};

/// What a scheduler says of a pod whose claims have no volumes.
const UNBOUND: &str = "unbound immediate PersistentVolumeClaims";

/// What keeps a pod from being published: the cause, and the predicate of a sentence about the pod.
pub(super) type State = (Cause, String);

/// The pod's valid addresses.
pub(super) fn addresses(pod: &Pod) -> Vec<IpAddr> {
    published::addresses(pod).filter_map(|text| text.parse().ok()).collect()
}

/// Whether there are IPv4 and IPv6 addresses among these.
pub(super) fn families(addresses: &[IpAddr]) -> (bool, bool) {
    (addresses.iter().any(IpAddr::is_ipv4), addresses.iter().any(IpAddr::is_ipv6))
}

/// `pod NAMESPACE/NAME`.
pub(super) fn title(pod: &Pod) -> String {
    let text = |value: &Option<String>| value.clone().unwrap_or_default();
    format!("pod {}/{}", text(&pod.metadata.namespace), text(&pod.metadata.name))
}

impl Question<'_> {
    /// What keeps a pod from being published; `None` if it is Ready and not terminating.
    pub(super) fn state(&self, pod: &Pod) -> Option<State> {
        let status = pod.status.clone().unwrap_or_default();
        let word = PodCells::of(pod).status;
        if is_terminating(pod) {
            return Some((Cause::PodTerminating, self.terminating(pod)));
        }
        match status.phase.as_deref() {
            Some("Succeeded") => return Some((Cause::PodSucceeded, "has ended: Succeeded".into())),
            Some("Failed") => return Some((Cause::PodFailed, failed(&word, status.message.as_deref()))),
            _ => {}
        }
        if word.is_empty() {
            return Some(self.awaits("has no status", "runs it", Cause::PodPending));
        }
        if let Some(looping) =
            containers(pod).find(|container| waits_for(container) == Some("CrashLoopBackOff"))
        {
            return Some((Cause::PodCrashLooping, crash_looping(looping)));
        }
        if status.phase.as_deref() != Some("Running") {
            return Some(self.not_running(pod, &word));
        }
        if is_ready(pod) {
            let has_address = status.pod_ip.is_some() || status.pod_ips.is_some_and(|all| !all.is_empty());
            return (!has_address)
                .then(|| self.awaits("has no address", "gives it one", Cause::PodWithoutAddress));
        }
        Some((Cause::PodNotReady, self.not_ready(pod, &word)))
    }

    /// Something that a controller or node must do first; none of them runs for objects from files.
    pub(super) fn awaits(&self, missing: &str, deed: &str, cause: Cause) -> State {
        match self.has_controllers() {
            true => (cause, format!("{missing} yet")),
            false => (Cause::NoControllers, format!("{missing}, and nothing here {deed}")),
        }
    }

    fn terminating(&self, pod: &Pod) -> String {
        let grace_s = pod.metadata.deletion_grace_period_seconds.unwrap_or_default();
        let asked = pod.metadata.deletion_timestamp.as_ref().map(|end| end.0);
        let asked = asked.and_then(|end| end.checked_sub(jiff::SignedDuration::from_secs(grace_s)).ok());
        format!("is terminating{} (grace period {grace_s}s)", self.lasting(asked))
    }

    fn not_running(&self, pod: &Pod, word: &str) -> State {
        let scheduled = condition(pod, "PodScheduled").filter(|scheduled| scheduled.status == "False");
        let is_bound = node_name(pod).is_some();
        let created = pod.metadata.creation_timestamp.as_ref().map(|created| created.0);
        let lasting = self.lasting(created);
        match scheduled.and_then(|scheduled| scheduled.message.as_deref()) {
            Some(why) => {
                // Of a claim without a volume the scheduler says only that there is one.
                let claim = self.view.said_of_pod(Said::Claim, pod).filter(|_| why.contains(UNBOUND));
                (Cause::PodPending, format!("is {word}{lasting}: {}", claim.unwrap_or(why)))
            }
            None if !is_bound => {
                (Cause::PodPending, format!("is {word}{lasting}: not scheduled to a node yet"))
            }
            None => {
                let why = containers(pod)
                    .find_map(|container| container.state.as_ref()?.waiting.as_ref()?.message.clone());
                // While volumes are not mounted, the container's status does not say why.
                let is_mounting = pod.status.as_ref().is_some_and(|status| status.pod_ip.is_none());
                let mount = || self.view.said_of_pod(Said::Mount, pod).filter(|_| is_mounting);
                let why = why.or_else(|| mount().map(str::to_owned));
                let why = why.map(|why| format!(": {why}")).unwrap_or_default();
                (Cause::PodStarting, format!("is {word}{lasting}{why}"))
            }
        }
    }

    fn not_ready(&self, pod: &Pod, word: &str) -> String {
        let Some(ready) = condition(pod, "Ready") else {
            return format!("is {word}, without a Ready condition");
        };
        let since = ready.last_transition_time.as_ref().map(|since| since.0);
        let probe = self.view.said_of_pod(Said::Probe, pod).map(lower_first);
        let why = probe.or_else(|| ready.message.clone()).or_else(|| ready.reason.clone());
        let why = why.map(|why| format!(": {why}")).unwrap_or_default();
        format!("is {word}, not Ready{}{why}", self.lasting(since))
    }

    /// ` for 14s`, or nothing if the beginning is unknown.
    fn lasting(&self, since: Option<Timestamp>) -> String {
        let seconds = since.map(|since| self.now.duration_since(since).as_secs().max(0));
        seconds.map(|seconds| format!(" for {}", human_duration(seconds))).unwrap_or_default()
    }
}

fn containers(pod: &Pod) -> impl Iterator<Item = &ContainerStatus> {
    let status = pod.status.iter();
    status.flat_map(|status| {
        status.init_container_statuses.iter().flatten().chain(status.container_statuses.iter().flatten())
    })
}

fn waits_for(container: &ContainerStatus) -> Option<&str> {
    container.state.as_ref()?.waiting.as_ref()?.reason.as_deref()
}

fn crash_looping(container: &ContainerStatus) -> String {
    let ended = container.last_state.as_ref().and_then(|state| state.terminated.as_ref());
    let code = ended.map(|ended| format!("with exit code {}, ", ended.exit_code)).unwrap_or_default();
    let (name, n) = (&container.name, container.restart_count);
    format!("is in CrashLoopBackOff: container {name} ended {code}restarted {n} times")
}

fn failed(word: &str, message: Option<&str>) -> String {
    let reason = if word == "Failed" { String::new() } else { format!(" ({word})") };
    let message = message.map(|message| format!(": {message}")).unwrap_or_default();
    format!("has Failed{reason}{message}")
}

/// Messages of events are sentences; here they continue one.
fn lower_first(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_lowercase().chain(letters).collect()).unwrap_or_default()
}
