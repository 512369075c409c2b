//! The simulated runtime with faults injected per pod.
//!
//! A mishap applies to a pod's name for some time. A mishap at start becomes an annotation of the pod
//! as the simulated runtime sees it, so the pod in the store stays unchanged; one that concerns
//! reports or stops changes the runtime's answers. Every mishap ends at an instant that is known in
//! advance and that reports name, so nothing has to be woken.
//!
//! It also checks what the store cannot show: two pods of one name never run at the same time.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use async_trait::async_trait;
use k8s_openapi::api::core::v1::Pod;

use crate::clock::{Clock, Timestamp};
use crate::node::runtime::simulated::{Simulated, SimulatedOptions};
use crate::node::runtime::{
    ContainerState, Health, PodReport, ProbeReply, ProbeRequest, Runtime, RuntimeError, Sandbox,
    StartContainer, Survivor,
};

/// A fault of one pod.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mishap {
    /// Its containers crash soon after they run.
    Crash,
    /// It is not ready.
    Unready,
    /// It becomes ready, and not ready, and ready.
    Flap,
    /// It takes long to stop.
    SlowStop,
    /// It ignores being stopped.
    DeafToStop,
    /// It ends as Failed.
    Fail,
    /// It takes long to start.
    SlowStart,
}

impl Mishap {
    /// All there are.
    pub(super) const ALL: [Self; 7] = [
        Self::Crash,
        Self::Unready,
        Self::Flap,
        Self::SlowStop,
        Self::DeafToStop,
        Self::Fail,
        Self::SlowStart,
    ];
}

/// How long a flapping pod stays up or down.
const FLAP_S: i64 = 7;

/// Namespace and name.
pub(super) type PodName = (String, String);

/// The runtime of a simulation.
pub(super) struct Fickle {
    clock: Clock,
    inner: Simulated,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    mishaps: BTreeMap<PodName, (Mishap, Timestamp)>,
    names: BTreeMap<String, PodName>,
    /// By pod uid: stops that are not passed on before this instant.
    held_stops: BTreeMap<String, (Timestamp, BTreeSet<String>)>,
    /// Pods that were started while another of their name ran.
    doubles: Vec<String>,
}

impl Fickle {
    /// A runtime in which nothing goes wrong yet.
    pub(super) fn new(clock: Clock, options: SimulatedOptions) -> Self {
        Self { inner: Simulated::new(clock.clone(), options), clock, state: Mutex::default() }
    }

    /// Injects a mishap for the pods of this name until an instant.
    pub(super) fn inject(&self, pod: PodName, mishap: Mishap, until: Timestamp) {
        self.state().mishaps.insert(pod, (mishap, until));
    }

    /// Ends every mishap, except for what has begun already.
    pub(super) fn calm(&self) {
        self.state().mishaps.clear();
    }

    /// The names of which two pods ran at once, since the last call.
    pub(super) fn take_doubles(&self) -> Vec<String> {
        std::mem::take(&mut self.state().doubles)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("nothing panics while the state is held")
    }

    fn mishap(&self, uid: &str) -> Option<(Mishap, Timestamp)> {
        let state = self.state();
        let (mishap, until) = *state.mishaps.get(state.names.get(uid)?)?;
        (until > self.clock.now()).then_some((mishap, until))
    }

    /// Remembers the pod; records if another one of its name has a running container.
    async fn note_start(&self, pod: &Pod) {
        let uid = pod.metadata.uid.clone().unwrap_or_default();
        let name = name_of(pod);
        let others: Vec<String> = {
            let mut state = self.state();
            state.names.insert(uid.clone(), name.clone());
            let is_other = |(other, of): &(&String, &PodName)| **of == name && **other != uid;
            state.names.iter().filter(is_other).map(|(other, _)| other.clone()).collect()
        };
        for other in others {
            let report = self.inner.report(&other).await.unwrap_or_default();
            let runs = |state: &ContainerState| matches!(state, ContainerState::Running { .. });
            if report.containers.values().any(|container| runs(&container.state)) {
                let message = format!("{}/{}: {uid} was started while {other} ran", name.0, name.1);
                self.state().doubles.push(message);
            }
        }
    }

    /// Passes on a stop that was held back until now.
    async fn release_stop(&self, uid: &str) -> Result<(), RuntimeError> {
        let now = self.clock.now();
        let released = {
            let mut state = self.state();
            match state.held_stops.get(uid) {
                Some((until, _)) if *until <= now => state.held_stops.remove(uid),
                _ => None,
            }
        };
        for container in released.map(|(_, containers)| containers).unwrap_or_default() {
            self.inner.stop(uid, &container, Duration::ZERO).await?;
        }
        Ok(())
    }
}

#[async_trait]
impl Runtime for Fickle {
    fn version(&self) -> String {
        self.inner.version()
    }

    fn complaints(&self, pod: &Pod) -> Vec<String> {
        self.inner.complaints(pod)
    }

    async fn ensure_sandbox(&self, sandbox: Sandbox<'_>) -> Result<(), RuntimeError> {
        self.inner.ensure_sandbox(sandbox).await
    }

    async fn stop_sandbox(&self, pod_uid: &str) -> Result<(), RuntimeError> {
        self.remove_sandbox(pod_uid).await
    }

    async fn remove_sandbox(&self, pod_uid: &str) -> Result<(), RuntimeError> {
        self.inner.remove_sandbox(pod_uid).await?;
        let mut state = self.state();
        state.names.remove(pod_uid);
        state.held_stops.remove(pod_uid);
        Ok(())
    }

    async fn sandboxes(&self) -> Result<Vec<String>, RuntimeError> {
        self.inner.sandboxes().await
    }

    async fn adopt(&self, pod: &Pod, survivors: &[Survivor]) -> Result<(), RuntimeError> {
        self.state().names.insert(pod.metadata.uid.clone().unwrap_or_default(), name_of(pod));
        // A restarted agent meets the same runtime, which still knows its containers.
        let uid = pod.metadata.uid.as_deref().unwrap_or_default();
        if self.inner.report(uid).await?.containers.is_empty() {
            self.inner.adopt(pod, survivors).await?;
        }
        Ok(())
    }

    async fn start(&self, order: StartContainer<'_>) -> Result<(), RuntimeError> {
        self.note_start(order.pod).await;
        let uid = order.pod.metadata.uid.as_deref().unwrap_or_default();
        let Some((mishap, _)) = self.mishap(uid) else { return self.inner.start(order).await };
        let pod = afflicted(order.pod, mishap);
        self.inner.start(StartContainer { pod: &pod, ..order }).await
    }

    async fn stop(&self, pod_uid: &str, container: &str, grace: Duration) -> Result<(), RuntimeError> {
        if let Some((Mishap::DeafToStop, until)) = self.mishap(pod_uid) {
            let mut state = self.state();
            // The node kills what has not ended when its grace is over.
            let until = until.min(self.clock.now() + grace);
            let held = state.held_stops.entry(pod_uid.to_owned()).or_insert((until, BTreeSet::new()));
            held.0 = held.0.min(until);
            held.1.insert(container.to_owned());
            return Ok(());
        }
        self.inner.stop(pod_uid, container, grace).await
    }

    async fn report(&self, pod_uid: &str) -> Result<PodReport, RuntimeError> {
        self.release_stop(pod_uid).await?;
        let mut report = self.inner.report(pod_uid).await?;
        match self.mishap(pod_uid) {
            Some((Mishap::Unready, until)) => make_unready(&mut report, until),
            Some((Mishap::Flap, until)) => {
                let (is_down, turn) = flap(self.clock.now());
                if is_down {
                    make_unready(&mut report, until.min(turn));
                }
                look_again(&mut report, until.min(turn));
            }
            _ => {}
        }
        if let Some((until, _)) = self.state().held_stops.get(pod_uid) {
            look_again(&mut report, *until);
        }
        Ok(report)
    }

    async fn probe(&self, request: ProbeRequest<'_>) -> Result<ProbeReply, RuntimeError> {
        self.inner.probe(request).await
    }

    async fn changed(&self) -> String {
        self.inner.changed().await
    }
}

fn make_unready(report: &mut PodReport, until: Timestamp) {
    for container in report.containers.values_mut() {
        if let ContainerState::Running { health, .. } = &mut container.state {
            *health = Health::Unhealthy("the simulation keeps it from being ready".to_owned());
        }
    }
    look_again(report, until);
}

fn look_again(report: &mut PodReport, at: Timestamp) {
    report.next_change = Some(report.next_change.map_or(at, |change| change.min(at)));
}

/// Whether a flapping pod is down now, and when that changes.
fn flap(now: Timestamp) -> (bool, Timestamp) {
    let turn_s = now.as_second().div_euclid(FLAP_S);
    let turn = Timestamp::from_second((turn_s + 1) * FLAP_S).unwrap_or(Timestamp::MAX);
    (turn_s % 2 == 0, turn)
}

fn name_of(pod: &Pod) -> PodName {
    let meta = &pod.metadata;
    (meta.namespace.clone().unwrap_or_default(), meta.name.clone().unwrap_or_default())
}

/// The pod as the simulated runtime sees it.
fn afflicted(pod: &Pod, mishap: Mishap) -> Pod {
    let annotations: &[(&str, &str)] = match mishap {
        Mishap::Crash => &[("crash-after", "500ms-5s"), ("crash-times", "3")],
        Mishap::SlowStop => &[("stop-delay", "5s-60s")],
        Mishap::Fail => &[("fail", "1s-20s")],
        Mishap::SlowStart => &[("start-delay", "10s-90s")],
        Mishap::Unready | Mishap::Flap | Mishap::DeafToStop => &[],
    };
    let mut pod = pod.clone();
    let present = pod.metadata.annotations.get_or_insert_default();
    for (name, value) in annotations {
        present.insert(format!("simulated.dullahan.dev/{name}"), (*value).to_owned());
    }
    pod
}
