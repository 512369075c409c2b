//! Pods in (possibly virtual) time: nothing runs, and everything happens as annotations say.
//!
//! | annotation `simulated.dullahan.dev/…` | value | what it does | default |
//! |---|---|---|---|
//! | `start-delay` | duration or range | from the order to start a container until it runs | `SimulatedOptions` |
//! | `readiness-delay` | duration or range | from running to ready; with a readinessProbe: to its next tick | `0s` |
//! | `never-ready` | `true`, `false` | never ready | `false` |
//! | `probe-message` | text | what the failing readiness probe says | a fixed text |
//! | `flap` | duration or range | once ready, ready and not ready take turns, each this long | never |
//! | `crash-after` | duration or range | the container ends this long after it runs, and is restarted | never |
//! | `exit-code` | 0 to 255 | the code it ends with then, or with `fail` | `1` |
//! | `crash-times` | number | later restarts do not crash any more | always |
//! | `fail` | `true`, duration or range | the pod ends as Failed, whatever its restartPolicy, as an evicted one | `false` |
//! | `succeed` | `true`, duration or range | the pod ends as Succeeded, whatever its restartPolicy | `false` |
//! | `stop-delay` | duration or range | from the order to stop until it ends; killed (137) at the grace's end | `SimulatedOptions` |
//!
//! Durations are written `300ms`, `2s`, `1m30s`; a range `1s-5s` draws one for every run of a
//! container. What is drawn follows from the seed, the pod's namespace and name, the container and
//! its restart count alone, so it never depends on the order of events. Init containers end with 0
//! as soon as they run. The ticks of `startupProbe` and `readinessProbe` (`initialDelaySeconds`,
//! `periodSeconds`, `successThreshold`) are honoured; what they ask is not.

mod annotations;
mod course;

use std::collections::{BTreeMap, HashMap};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use async_trait::async_trait;
use k8s_openapi::api::core::v1::{Container, Pod};
use rand::{SeedableRng, rngs::SmallRng};

use super::{ContainerReport, ContainerState, Ended, Report, Role, Runtime, Start, Survivor};
use crate::clock::{Clock, Timestamp};
use course::{Course, Draw};

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

/// The runtime in which nothing runs.
pub struct Simulated {
    clock: Clock,
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

    fn begin(&self, pod: &Pod, name: &str, role: Role, attempt: u32, begin: Begin) {
        let Some(container) = find_container(pod, name) else { return };
        let (behaviour, _) = annotations::read(pod.metadata.annotations.as_ref());
        let number = self.number(pod, name, attempt);
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
        self.pods().entry(uid).or_default().insert(name.to_owned(), Run { attempt, id, image, course });
    }

    /// The number that everything random of one run follows from.
    fn number(&self, pod: &Pod, container: &str, attempt: u32) -> u64 {
        let mut hasher = DefaultHasher::new();
        let meta = &pod.metadata;
        (self.options.seed, &meta.namespace, &meta.name, container, attempt).hash(&mut hasher);
        hasher.finish()
    }
}

/// When a run begins, or has begun; in that case also whether it was ready already.
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

    async fn start(&self, order: Start<'_>) {
        self.begin(order.pod, order.container, order.role, order.attempt, Begin::Now);
    }

    async fn stop(&self, pod_uid: &str, container: &str, grace: Duration) {
        let now = self.clock.now();
        if let Some(run) = self.pods().get_mut(pod_uid).and_then(|runs| runs.get_mut(container)) {
            run.course.stop(now, grace);
        }
    }

    async fn remove(&self, pod_uid: &str) {
        self.pods().remove(pod_uid);
    }

    async fn adopt(&self, pod: &Pod, survivors: &[Survivor]) {
        for survivor in survivors {
            let begin = Begin::Since(survivor.since, survivor.is_ready);
            self.begin(pod, &survivor.container, survivor.role, survivor.attempt, begin);
        }
    }

    async fn report(&self, pod_uid: &str) -> Report {
        let now = self.clock.now();
        let pods = self.pods();
        let Some(runs) = pods.get(pod_uid) else { return Report::default() };
        let has_ended = |run: &&Run| matches!(run.course.state(now), ContainerState::Exited(_));
        let last = runs.values().filter(|run| run.course.is_final).find(has_ended);
        Report {
            containers: runs.iter().map(|(name, run)| (name.clone(), run.report(now))).collect(),
            ended: last.map(|run| run.ended(now)),
            next_change: runs.values().filter_map(|run| run.course.next_change(now)).min(),
        }
    }

    async fn changed(&self) -> String {
        // Every change is announced by the report before it.
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

fn find_container<'a>(pod: &'a Pod, name: &str) -> Option<&'a Container> {
    let spec = pod.spec.as_ref()?;
    let all = spec.init_containers.iter().flatten().chain(&spec.containers);
    all.into_iter().find(|container| container.name == name)
}

#[cfg(test)]
mod tests;
