//! The containers of a pod that ran before this process began, from its status.
//!
//! Pure. Whether they still run is for the runtime to say; what the status does not tell
//! (back-offs, stops that were under way) is forgotten.

use k8s_openapi::api::core::v1::{ContainerStateTerminated, ContainerStatus, Pod};

use super::{Containers, Life, Ran, Track};
use crate::clock::Timestamp;
use crate::node::runtime::{Exit, Readiness, Survivor};

impl Containers {
    /// What the pod's status says of its containers, and those that the runtime must take up.
    /// Back-offs are forgotten, as a restarted kubelet forgets them.
    pub(in crate::node) fn restored(pod: &Pod) -> (Self, Vec<Survivor>) {
        let mut containers = Self::new(pod);
        let status = pod.status.as_ref();
        let inits = status.and_then(|status| status.init_container_statuses.as_ref());
        let mains = status.and_then(|status| status.container_statuses.as_ref());
        for status in inits.into_iter().chain(mains).flatten() {
            let found = containers.tracks.iter_mut().find(|track| track.name == status.name);
            found.into_iter().for_each(|track| track.restore(status));
        }
        let survivors = containers.tracks.iter().filter_map(Track::survivor).collect();
        (containers, survivors)
    }
}

impl Track {
    fn restore(&mut self, status: &ContainerStatus) {
        let Some(state) = &status.state else { return };
        let last = status.last_state.as_ref().and_then(|state| state.terminated.as_ref());
        self.attempt = u32::try_from(status.restart_count).unwrap_or_default();
        self.id = status.container_id.clone().unwrap_or_default();
        self.image_id.clone_from(&status.image_id);
        self.last = last.map(ran);
        if let Some(running) = &state.running {
            let since = running.started_at.as_ref().map_or(Timestamp::UNIX_EPOCH, |time| time.0);
            let readiness = if status.ready { Readiness::Ready } else { Readiness::Unknown };
            self.life = Life::Running { since, is_started: status.started.unwrap_or(true), readiness };
            if !status.image.is_empty() {
                self.image.clone_from(&status.image);
            }
        } else if let Some(ended) = &state.terminated {
            self.life = Life::Exited(ran(ended).exit);
        } else if let Some(last) = self.last.take() {
            self.id.clone_from(&last.id);
            self.life = Life::Exited(last.exit);
        }
    }

    fn survivor(&self) -> Option<Survivor> {
        let Life::Running { since, readiness, .. } = &self.life else { return None };
        Some(Survivor {
            container: self.name.clone(),
            role: self.role,
            attempt: self.attempt,
            since: *since,
            is_ready: *readiness == Readiness::Ready,
        })
    }
}

fn ran(ended: &ContainerStateTerminated) -> Ran {
    let instant = |time: Option<&k8s_openapi::apimachinery::pkg::apis::meta::v1::Time>| {
        time.map_or(Timestamp::UNIX_EPOCH, |time| time.0)
    };
    Ran {
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
