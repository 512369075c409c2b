//! The planner: from what was observed to what one sync does.
//!
//! ```text
//!   Observed ──► roster ──► growth of claims, if the set asks for it
//!                    ──► replicas, ascending: replace ended pods, fill holes, see to claims, repair
//!                    ──► condemned, descending: claims' owners, then scale down
//!                    ──► rolling update
//!                                                              ──► Plan { actions, status, wake_at }
//! ```
//!
//! Pure. Under OrderedReady the first pod that is not available ends the plan, so a sync creates or
//! deletes at most one pod, and pod *i* is created only when all before it are available. Under
//! Parallel nothing waits. A plan holds at most [`ACTIONS_MAX`] actions; if there are more, it asks for
//! another sync at once.

use k8s_openapi::api::apps::v1::{StatefulSet, StatefulSetStatus};

use super::claims::PodClaims;
use super::rollout::{self, Rollout};
use super::status::{self, Stamp};
use super::{growth, pod};
use crate::clock::Timestamp;
use crate::controllers::statefulset::action::{Action, Cause, ClaimStep, Plan};
use crate::controllers::statefulset::naming::{name_of, pod_name};
use crate::controllers::statefulset::note::Note;
use crate::controllers::statefulset::world::{
    Member, Observed, Ordinals, RetentionPolicy, Roster, TemplateRevision, identity_matches, is_parallel,
    is_rolling, min_ready_s, storage_matches, templates,
};

/// How many actions one plan may hold.
pub(crate) const ACTIONS_MAX: usize = 4096;

/// Decides what one sync does: [`plan()`], or a wrong one that a simulation has to notice.
pub(crate) type Planner = Box<dyn Fn(&Observed<'_>, Timestamp) -> Plan + Send + Sync>;

/// Decides what one sync does. A set that is being deleted only gets its status.
pub(crate) fn plan(observed: &Observed<'_>, now: Timestamp) -> Plan {
    let set = observed.set;
    let ordinals = Ordinals::of(set, &observed.settings.reserved_ordinals);
    let roster = Roster::of(set, ordinals, observed.pods, now);
    let stamp = Stamp {
        current: &observed.current.name,
        update: &observed.update.name,
        collision_count: observed.collision_count,
    };
    let is_going = set.metadata.deletion_timestamp.is_some();
    let mut status = if is_going {
        let min_ready_s = min_ready_s(set);
        // All owned pods count here, also those without a valid ordinal.
        let members = observed.pods.iter().filter(|record| record.is_ours);
        status::count(set, stamp, members.map(|record| (record, record.is_available(min_ready_s, now))))
    } else {
        status::count(set, stamp, roster.iter().map(|member| (&**member, member.is_available)))
    };
    status::complete_rolling_update(set, &mut status);
    let mut draft = Draft {
        observed,
        ordinals,
        policy: RetentionPolicy::of(set),
        is_parallel: is_parallel(set),
        is_complete: status.current_revision == status.update_revision,
        actions: Vec::new(),
        notes: Vec::new(),
        whole_claims: Vec::new(),
    };
    if observed.settings.grow_claims && !is_going {
        draft.grow_claims(&roster, &mut status, now);
    }
    let end = if is_going { End::Done } else { draft.all(&roster) };
    let wake_at = match end {
        End::Full => Some(now),
        _ => next_available(set, &roster, now),
    };
    let Draft { actions, notes, is_parallel, whole_claims, .. } = draft;
    Plan { actions, status, wake_at, is_parallel, notes, whole_claims }
}

/// How a stage ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// Completely.
    Done,
    /// Waiting for a pod; later stages must not begin.
    Waits,
    /// With a full plan.
    Full,
}

/// The plan so far.
struct Draft<'a> {
    observed: &'a Observed<'a>,
    ordinals: Ordinals<'a>,
    policy: RetentionPolicy,
    is_parallel: bool,
    /// Whether the status makes the update revision the current one.
    is_complete: bool,
    actions: Vec<Action>,
    notes: Vec<Note>,
    whole_claims: Vec<i32>,
}

impl<'a> Draft<'a> {
    fn all(&mut self, roster: &Roster<'_>) -> End {
        let stages = [Self::replicas, Self::condemned_claims, Self::scale_down, Self::update];
        for stage in stages {
            match stage(self, roster) {
                End::Done => {}
                end => return end,
            }
        }
        End::Done
    }

    /// Lets claims follow their templates. What does not fit comes with the next plan.
    fn grow_claims(&mut self, roster: &Roster<'_>, status: &mut StatefulSetStatus, now: Timestamp) {
        let set = self.observed.set;
        let mut growth = growth::grow(set, &roster.replicas, self.observed.claims, self.observed.classes);
        let present = set.status.as_ref().and_then(|status| status.conditions.as_deref());
        status.conditions = Some(vec![growth.condition(present, now)]);
        growth.actions.truncate(ACTIONS_MAX);
        self.actions = growth.actions;
        self.notes = growth.notes;
    }

    /// Brings every wanted ordinal nearer to an available, correct pod.
    fn replicas(&mut self, roster: &Roster<'_>) -> End {
        let mut present = roster.replicas.iter().peekable();
        for ordinal in self.ordinals.iter() {
            if self.actions.len() >= ACTIONS_MAX {
                return End::Full;
            }
            let end = match present.next_if(|member| member.ordinal == ordinal) {
                Some(member) => self.replica(member),
                None => self.hole(ordinal),
            };
            if end == End::Waits && !self.is_parallel {
                return End::Waits;
            }
        }
        End::Done
    }

    fn hole(&mut self, ordinal: i32) -> End {
        let set = self.observed.set;
        let name = pod_name(name_of(&set.metadata), ordinal);
        let claims = self.claims_of(ordinal, &name, "", false);
        if !claims.is_stale() {
            let pod = Box::new(pod::new_pod(set, self.revision_for(ordinal), ordinal));
            let claims = claims.ensure();
            self.actions.push(Action::CreatePod { pod, claims });
        }
        End::Waits
    }

    /// The revision that a pod of this ordinal would be created from: that of Kubernetes, unless the next
    /// plan would delete the pod for it (see [`rollout`]).
    fn revision_for(&self, ordinal: i32) -> &'a TemplateRevision {
        let unstick = self.observed.settings.unstick;
        let waits_for_unready = !self.is_parallel && !unstick;
        // A status that completes the rollout leaves the next plan with one revision.
        let is_over = unstick && self.is_complete;
        let set = self.observed.set;
        let keeps_current = rollout::keeps_current(set, self.ordinals, ordinal, waits_for_unready);
        if keeps_current && !is_over { self.observed.current } else { self.observed.update }
    }

    fn replica(&mut self, member: &Member<'_>) -> End {
        if member.is_ended {
            if !member.is_terminating {
                self.delete(member, Cause::Ended);
            }
            return End::Waits;
        }
        let has_whole_claims = self.has_whole_claims(member);
        if member.is_pending && !has_whole_claims {
            // The scheduler or the node may be waiting for a claim that was deleted.
            self.keep_claims(member, self.claims_of_member(member, false).ensure(), false);
        }
        let is_settled = member.is_ready && member.is_available && !member.is_terminating;
        if !is_settled && !self.is_parallel {
            if self.is_abandoned(member) {
                self.delete(member, Cause::Abandoned);
            }
            return End::Waits;
        }
        if !(member.is_intact && has_whole_claims) {
            self.repair(member, member.is_pending);
        }
        End::Done
    }

    /// Whether the pod's claims need nothing. They are looked up only if they may have changed since
    /// they were found whole.
    fn has_whole_claims(&mut self, member: &Member<'_>) -> bool {
        if templates(self.observed.set).is_empty() || member.whole_claims == Some(self.policy) {
            return true;
        }
        let are_whole = self.claims_of_member(member, false).are_whole();
        if are_whole {
            self.whole_claims.push(member.ordinal);
        }
        are_whole
    }

    /// Whether waiting for the pod is pointless and the set opts out of it. Under Parallel the rolling
    /// update replaces such pods.
    fn is_abandoned(&self, member: &Member<'_>) -> bool {
        self.observed.settings.unstick
            && is_rolling(self.observed.set)
            && !member.is_ready
            && !member.is_terminating
            && *member.revision != *self.revision_for(member.ordinal).name
    }

    /// Repairs identity, volumes and the claims' owners.
    fn repair(&mut self, member: &Member<'_>, has_claim_steps: bool) {
        let set = self.observed.set;
        let claims = self.claims_of_member(member, false);
        let is_owned_right = has_claim_steps || claims.match_retention();
        if member.is_intact && is_owned_right {
            return;
        }
        let mut pod = Box::new(member.pod().clone());
        let is_identity_right = identity_matches(set, &pod, member.ordinal);
        let is_storage_right = storage_matches(set, &pod, member.ordinal);
        if !is_identity_right {
            pod::set_identity(set, &mut pod, member.ordinal);
        }
        if !is_storage_right {
            pod::set_volumes(set, &mut pod, member.ordinal);
        }
        let claims = match (has_claim_steps, is_storage_right) {
            (true, _) => Vec::new(),
            (false, true) => claims.reown(),
            (false, false) => claims.ensure(),
        };
        self.actions.push(Action::UpdatePod { pod, claims });
    }

    /// Sets the owners of all condemned pods' claims before any of these pods is deleted.
    fn condemned_claims(&mut self, roster: &Roster<'_>) -> End {
        for member in &roster.condemned {
            let steps = self.claims_of_member(member, true).reown();
            self.keep_claims(member, steps, true);
        }
        End::Done
    }

    fn scale_down(&mut self, roster: &Roster<'_>) -> End {
        if self.is_parallel {
            for member in roster.condemned.iter().filter(|member| !member.is_terminating) {
                self.delete(member, Cause::ScaledDown);
            }
            return End::Done;
        }
        let Some(highest) = roster.condemned.first() else { return End::Done };
        // The highest pod may be deleted although it is unavailable, unless a lower condemned pod is
        // unavailable too (Kubernetes' firstUnhealthyPod).
        let lowest_unavailable = roster.condemned.iter().rev().find(|member| member.is_unavailable());
        let is_sound = highest.is_ready && highest.is_available;
        let is_first_unavailable = lowest_unavailable.is_some_and(|member| member.ordinal == highest.ordinal);
        if !highest.is_terminating && (is_sound || is_first_unavailable) {
            self.delete(highest, Cause::ScaledDown);
        }
        End::Waits
    }

    fn update(&mut self, roster: &Roster<'_>) -> End {
        if is_rolling(self.observed.set) {
            let update = &self.observed.update.name;
            let rollout = Rollout::of(self.observed.set, self.ordinals, update, self.is_parallel);
            for member in rollout.outdated(&roster.replicas) {
                // An earlier stage deletes ended pods.
                if !member.is_ended {
                    self.delete(member, Cause::Outdated);
                }
            }
        }
        End::Done
    }

    fn delete(&mut self, member: &Member<'_>, cause: Cause) {
        let uid = member.uid().to_owned();
        self.actions.push(Action::DeletePod { pod: member.name().to_owned(), uid, cause });
    }

    fn keep_claims(&mut self, member: &Member<'_>, claims: Vec<ClaimStep>, is_condemned: bool) {
        if !claims.is_empty() {
            self.actions.push(Action::KeepClaims { pod: member.name().to_owned(), claims, is_condemned });
        }
    }

    fn claims_of_member<'b>(&self, member: &Member<'b>, is_condemned: bool) -> PodClaims<'b>
    where
        'a: 'b,
    {
        self.claims_of(member.ordinal, member.name(), member.uid(), is_condemned)
    }

    fn claims_of<'b>(
        &self,
        ordinal: i32,
        pod_name: &'b str,
        pod_uid: &'b str,
        is_condemned: bool,
    ) -> PodClaims<'b>
    where
        'a: 'b,
    {
        PodClaims {
            set: self.observed.set,
            policy: self.policy,
            ordinal,
            is_condemned,
            pod_name,
            pod_uid,
            lookup: self.observed.claims,
        }
    }
}

/// When the next ready pod becomes available.
fn next_available(set: &StatefulSet, roster: &Roster<'_>, now: Timestamp) -> Option<Timestamp> {
    let min_ready_s = min_ready_s(set);
    if min_ready_s == 0 {
        return None;
    }
    let waiting = roster.iter().filter(|member| member.is_ready && !member.is_available);
    waiting.filter_map(|member| member.available_at(min_ready_s)).filter(|at| *at > now).min()
}
