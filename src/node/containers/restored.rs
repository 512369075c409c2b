//! The containers of a pod that ran before this process began, restored from its status.
//!
//! Pure. Whether they still run is for the runtime to report; what a status does not hold
//! (back-offs, stops under way) is forgotten, as a restarted kubelet forgets it.

use k8s_openapi::api::core::v1::{ContainerStateTerminated, ContainerStatus, Pod};

use super::all::Containers;
use super::track::{Past, State, Track};
use crate::clock::Timestamp;
use crate::node::runtime::{Exit, Health, Survivor};

impl Containers {
    /// The containers as the pod's status has them, and those that the runtime must adopt.
    pub(in crate::node) fn restored(pod: &Pod, now: Timestamp) -> (Self, Vec<Survivor>) {
        let mut containers = Self::new(pod);
        let status = pod.status.as_ref();
        let inits = status.and_then(|status| status.init_container_statuses.as_ref());
        let mains = status.and_then(|status| status.container_statuses.as_ref());
        for status in inits.into_iter().chain(mains).flatten() {
            let found = containers.tracks.iter_mut().find(|track| track.name == status.name);
            found.into_iter().for_each(|track| track.restore(status, now));
        }
        let survivors = containers.tracks.iter().filter_map(Track::survivor).collect();
        (containers, survivors)
    }
}

impl Track {
    fn restore(&mut self, status: &ContainerStatus, now: Timestamp) {
        let Some(state) = &status.state else { return };
        let last = status.last_state.as_ref().and_then(|state| state.terminated.as_ref());
        self.attempt = u32::try_from(status.restart_count).unwrap_or_default();
        self.id = status.container_id.clone().unwrap_or_default();
        self.image_id.clone_from(&status.image_id);
        self.last = last.map(past);
        if let Some(running) = &state.running {
            let since = running.started_at.as_ref().map_or(Timestamp::UNIX_EPOCH, |time| time.0);
            self.probes.resume(since, now, status.started.unwrap_or(true), status.ready);
            let health = if status.ready { Health::Healthy } else { Health::Starting };
            self.state = State::Running { since, health };
            if !status.image.is_empty() {
                self.image.clone_from(&status.image);
            }
        } else if let Some(ended) = &state.terminated {
            self.state = State::Exited(past(ended).exit);
        } else if let Some(last) = self.last.take() {
            self.id.clone_from(&last.id);
            self.state = State::Exited(last.exit);
        }
    }

    fn survivor(&self) -> Option<Survivor> {
        let State::Running { since, .. } = &self.state else { return None };
        Some(Survivor {
            container: self.name.clone(),
            role: self.role,
            attempt: self.attempt,
            since: *since,
            is_ready: self.is_ready(),
        })
    }
}

fn past(ended: &ContainerStateTerminated) -> Past {
    let instant = |time: Option<&k8s_openapi::apimachinery::pkg::apis::meta::v1::Time>| {
        time.map_or(Timestamp::UNIX_EPOCH, |time| time.0)
    };
    Past {
        id: ended.container_id.clone().unwrap_or_default(),
        exit: Exit {
            started_at: instant(ended.started_at.as_ref()),
            finished_at: instant(ended.finished_at.as_ref()),
            code: ended.exit_code,
            reason: ended.reason.clone().filter(|reason| reason != "Completed" && reason != "Error"),
            message: ended.message.clone(),
        },
    }
}
