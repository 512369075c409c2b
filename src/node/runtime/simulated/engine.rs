//! The simulated runtime itself: runs of containers by pod, behind the runtime's trait.
//!
//! Every report announces the next change, so [`Runtime::changed`] never returns.

use std::collections::{BTreeMap, HashMap};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use async_trait::async_trait;
use k8s_openapi::api::core::v1::{Container, Pod};
use rand::{SeedableRng, rngs::SmallRng};

use super::annotations;
use super::course::{Course, Draw};
use crate::clock::{Clock, Timestamp};
use crate::node::runtime::error::RuntimeError;
use crate::node::runtime::interface::Runtime;
use crate::node::runtime::order::{Role, Sandbox, StartContainer, Survivor};
use crate::node::runtime::probe::{ProbeKind, ProbeOutcome, ProbeReply, ProbeRequest};
use crate::node::runtime::report::{ContainerReport, ContainerState, Ended, PodReport};
use crate::objects::pod;

/// How pods without annotations behave.
#[derive(Clone, Debug, Default)]
pub struct SimulatedOptions {
    /// From the order to start a container until it runs.
    pub start_delay: Duration,
    /// From the order to stop a container until it ends.
    pub stop_delay: Duration,
    /// What every random duration follows from.
    pub seed: u64,
}

/// Why exec, attach and port-forward are refused, and what to do instead.
const NO_STREAMS: &str = "its containers are simulated and run nothing; kubectl logs and kubectl describe tell what happens to them";

/// The runtime in which nothing runs.
pub struct Simulated {
    pub(super) clock: Clock,
    options: SimulatedOptions,
    pods: Mutex<HashMap<String, BTreeMap<String, Run>>>,
}

/// One run of a container.
struct Run {
    attempt: u32,
    id: String,
    image: String,
    course: Course,
}

impl Simulated {
    /// A runtime that follows `clock`.
    pub fn new(clock: Clock, options: SimulatedOptions) -> Self {
        Self { clock, options, pods: Mutex::default() }
    }

    fn pods(&self) -> MutexGuard<'_, HashMap<String, BTreeMap<String, Run>>> {
        self.pods.lock().expect("nothing panics while the pods are held")
    }

    fn begin(&self, pod: &Pod, container: &Container, role: Role, attempt: u32, begin: Begin) {
        let (behaviour, _) = annotations::read(pod.metadata.annotations.as_ref());
        let number = self.number(pod, &container.name, attempt);
        let mut rng = SmallRng::seed_from_u64(number);
        let SimulatedOptions { start_delay, stop_delay, .. } = self.options;
        let draw = Draw { behaviour: &behaviour, container, role, attempt, start_delay, stop_delay };
        let now = self.clock.now();
        let course = match begin {
            Begin::Now => draw.starting(now, &mut rng),
            Begin::Since(since, is_ready) => {
                let mut course = draw.running_since(since, &mut rng);
                if is_ready {
                    course.was_ready(now);
                }
                course
            }
        };
        let id = format!("simulated://{number:016x}");
        let image = container.image.clone().unwrap_or_default();
        let uid = pod.metadata.uid.clone().unwrap_or_default();
        self.pods()
            .entry(uid)
            .or_default()
            .insert(container.name.clone(), Run { attempt, id, image, course });
    }

    /// The number that seeds everything random in one run.
    fn number(&self, pod: &Pod, container: &str, attempt: u32) -> u64 {
        let mut hasher = DefaultHasher::new();
        let meta = &pod.metadata;
        (self.options.seed, &meta.namespace, &meta.name, container, attempt).hash(&mut hasher);
        hasher.finish()
    }
}

/// When a run begins; or since when it runs, and whether it is ready.
enum Begin {
    Now,
    Since(Timestamp, bool),
}

#[async_trait]
impl Runtime for Simulated {
    fn version(&self) -> String {
        concat!("simulated://", env!("CARGO_PKG_VERSION")).to_owned()
    }

    fn complaints(&self, pod: &Pod) -> Vec<String> {
        annotations::read(pod.metadata.annotations.as_ref()).1
    }

    fn refuses_streams(&self) -> Option<&'static str> {
        Some(NO_STREAMS)
    }

    async fn ensure_sandbox(&self, _: Sandbox<'_>) -> Result<(), RuntimeError> {
        Ok(())
    }

    async fn stop_sandbox(&self, pod_uid: &str) -> Result<(), RuntimeError> {
        self.remove_sandbox(pod_uid).await
    }

    async fn remove_sandbox(&self, pod_uid: &str) -> Result<(), RuntimeError> {
        self.pods().remove(pod_uid);
        Ok(())
    }

    async fn sandboxes(&self) -> Result<Vec<String>, RuntimeError> {
        let mut uids: Vec<String> = self.pods().keys().cloned().collect();
        uids.sort();
        Ok(uids)
    }

    /// Nothing survives the process, so what the status says is drawn anew.
    async fn adopt(&self, pod: &Pod, survivors: &[Survivor]) -> Result<(), RuntimeError> {
        for survivor in survivors {
            let Some(container) = pod::find_container(pod, &survivor.container) else { continue };
            let begin = Begin::Since(survivor.since, survivor.is_ready);
            self.begin(pod, container, survivor.role, survivor.attempt, begin);
        }
        Ok(())
    }

    async fn start(&self, order: StartContainer<'_>) -> Result<(), RuntimeError> {
        self.begin(order.pod, order.container, order.role, order.attempt, Begin::Now);
        Ok(())
    }

    async fn stop(&self, pod_uid: &str, container: &str, grace: Duration) -> Result<(), RuntimeError> {
        let now = self.clock.now();
        if let Some(run) = self.pods().get_mut(pod_uid).and_then(|runs| runs.get_mut(container)) {
            run.course.stop(now, grace);
        }
        Ok(())
    }

    async fn report(&self, pod_uid: &str) -> Result<PodReport, RuntimeError> {
        let now = self.clock.now();
        let pods = self.pods();
        let Some(runs) = pods.get(pod_uid) else { return Ok(PodReport::default()) };
        let has_ended = |run: &&Run| matches!(run.course.state(now), ContainerState::Exited(_));
        let last = runs.values().filter(|run| run.course.is_final).find(has_ended);
        Ok(PodReport {
            containers: runs.iter().map(|(name, run)| (name.clone(), run.report(now))).collect(),
            ended: last.map(|run| run.ended(now)),
            next_change: runs.values().filter_map(|run| run.course.next_change(now)).min(),
        })
    }

    async fn probe(&self, request: ProbeRequest<'_>) -> Result<ProbeReply, RuntimeError> {
        let unavailable = || RuntimeError::Unavailable("the container is gone".to_owned());
        let now = self.clock.now();
        let pods = self.pods();
        let run = pods.get(request.pod_uid).and_then(|runs| runs.get(&request.container.name));
        if let Some(error) = request.port_error().filter(|_| run.is_some()) {
            let outcome = ProbeOutcome::Errored(error);
            return Ok(ProbeReply { outcome, holds_until: Some(Timestamp::MAX) });
        }
        Ok(run.ok_or_else(unavailable)?.course.probed(request.kind == ProbeKind::Readiness, now))
    }

    async fn changed(&self) -> String {
        // Every report announces the next change.
        std::future::pending().await
    }
}

impl Run {
    fn report(&self, now: Timestamp) -> ContainerReport {
        ContainerReport {
            attempt: self.attempt,
            id: self.id.clone(),
            image_id: self.image.clone(),
            state: self.course.state(now),
        }
    }

    fn ended(&self, now: Timestamp) -> Ended {
        match self.course.state(now) {
            ContainerState::Exited(exit) if exit.code != 0 => Ended {
                is_success: false,
                reason: Some("Evicted".to_owned()),
                message: Some("The pod was made to fail by an annotation.".to_owned()),
            },
            _ => Ended { is_success: true, reason: None, message: None },
        }
    }
}

#[cfg(test)]
mod tests;
