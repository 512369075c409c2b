//! A pod that the agent knows, between its turns.

use super::context::Context;
use super::pod::{PodWorker, Probing};
use super::runtime::ProbeReply;

/// A pod that the agent knows.
pub(super) struct Slot {
    pub(super) uid: String,
    pub(super) node: String,
    /// Absent while a turn is under way.
    pub(super) worker: Option<Box<PodWorker>>,
    pub(super) is_due_again: bool,
    /// Answers to probes that came meanwhile; at most one for each probe of the pod.
    pub(super) answers: Vec<(Probing, Option<ProbeReply>)>,
}

impl Slot {
    /// A pod whose first turn is under way.
    pub(super) fn new(uid: String, node: String) -> Self {
        Self { uid, node, worker: None, is_due_again: false, answers: Vec::new() }
    }

    /// Hands the answers to probes over, unless a turn is under way.
    pub(super) fn take_answers(&mut self, context: &Context) {
        let Some(worker) = &mut self.worker else { return };
        for (probing, reply) in self.answers.drain(..) {
            worker.probed(context, &probing, reply.as_ref());
        }
    }
}
