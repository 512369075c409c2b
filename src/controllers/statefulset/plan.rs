//! The planner: from what is to what one sync may do.
//!
//! ```text
//!   World ──► roster ──► growth of claims, if the set asks for it
//!                    ──► replicas, ascending: replace ended pods, fill holes, see to claims, repair
//!                    ──► condemned, descending: claims' owners, then scale down
//!                    ──► rolling update
//!                                                              ──► Plan { actions, status, wake_at }
//! ```
//!
//! Pure. Under OrderedReady the first pod that is not available ends the plan, so a sync creates or
//! deletes at most one pod and pod *i* is created only when all before it are available. Under
//! Parallel nothing waits. Actions that may be carried out together have one [`Phase`]; a phase
//! begins only if the one before it did not fail. A plan holds at most [`ACTIONS_MAX`] actions and
//! asks to be made again at once if that is not all.

use k8s_openapi::api::apps::v1::{StatefulSet, StatefulSetStatus};
use k8s_openapi::api::core::v1::{PersistentVolumeClaim, Pod};

use super::claims;
use super::claims::{ClaimStep, Lookup, PodClaims};
use super::growth;
use super::identity::{self, name_of};
use super::note::Note;
use super::record::Record;
use super::retention::Policy;
use super::revision::Revision;
use super::rollout::{self, Rollout};
use super::roster::{Member, Ordinals, Roster, min_ready_s};
use super::settings::Settings;
use super::status::{self, Stamp};
use crate::clock::Timestamp;

/// How many actions one plan may hold.
pub(super) const ACTIONS_MAX: usize = 4096;

/// All that a plan is made from.
pub(super) struct World<'a> {
    /// The set.
    pub(super) set: &'a StatefulSet,
    /// What it does beyond Kubernetes.
    pub(super) settings: &'a Settings,
    /// The revision that pods have that no update has reached.
    pub(super) current: &'a Revision,
    /// The revision of the set's template.
    pub(super) update: &'a Revision,
    /// How often revision names have collided.
    pub(super) collision_count: i32,
    /// The set's pods, in the order of their ordinals.
    pub(super) pods: &'a [Record],
    /// Finds claims.
    pub(super) claims: Lookup<'a>,
    /// Finds storage classes.
    pub(super) classes: Lookup<'a>,
}

/// What one sync does.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Plan {
    /// What to write, in this order.
    pub(super) actions: Vec<Action>,
    /// The set's status, before pods that the update deletes are taken off.
    pub(super) status: StatefulSetStatus,
    /// When to plan again although nothing has changed.
    pub(super) wake_at: Option<Timestamp>,
    /// Whether the actions of one phase may be carried out together.
    pub(super) is_parallel: bool,
    /// What stands in the way, for people; told once, not at every plan.
    pub(super) notes: Vec<Note>,
    /// The ordinals whose claims were looked up and found to be whole.
    pub(super) whole_claims: Vec<i32>,
}

/// One thing to do to one pod and its claims.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Action {
    /// Let a claim that exists ask for more storage.
    GrowClaim { pod: String, claim: Box<PersistentVolumeClaim>, from: String, to: String },
    /// See to the claims, then create the pod.
    CreatePod { pod: Box<Pod>, claims: Vec<ClaimStep> },
    /// See to the claims of a pod that exists.
    KeepClaims { pod: String, claims: Vec<ClaimStep>, is_condemned: bool },
    /// See to the claims, then write the pod as it should be.
    UpdatePod { pod: Box<Pod>, claims: Vec<ClaimStep> },
    /// Delete the pod of that uid.
    DeletePod { pod: String, uid: String, cause: Cause },
}

/// Why a pod is deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cause {
    /// It has failed or succeeded and is to be replaced.
    Ended,
    /// Its ordinal is no longer wanted.
    ScaledDown,
    /// It is of an old revision.
    Outdated,
    /// It is not ready, and of a revision that it would not be created from again.
    Abandoned,
}

/// The stages of a sync, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Phase {
    Growth,
    Replicas,
    CondemnedClaims,
    ScaleDown,
    Update,
}

impl Action {
    /// The stage it belongs to.
    pub(super) fn phase(&self) -> Phase {
        match self {
            Self::GrowClaim { .. } => Phase::Growth,
            Self::KeepClaims { is_condemned: true, .. } => Phase::CondemnedClaims,
            Self::DeletePod { cause: Cause::ScaledDown, .. } => Phase::ScaleDown,
            Self::DeletePod { cause: Cause::Outdated, .. } => Phase::Update,
            _ => Phase::Replicas,
        }
    }
}

/// Decides what one sync does. A set that is being deleted only gets its status.
pub(super) fn plan(world: &World<'_>, now: Timestamp) -> Plan {
    let set = world.set;
    let ordinals = Ordinals::of(set, &world.settings.reserved_ordinals);
    let roster = Roster::of(set, ordinals, world.pods, now);
    let stamp = Stamp {
        current: &world.current.name,
        update: &world.update.name,
        collision_count: world.collision_count,
    };
    let is_going = set.metadata.deletion_timestamp.is_some();
    let mut status = if is_going {
        let min_ready_s = min_ready_s(set);
        // All owned pods count here, also those whose ordinal cannot be read.
        let members = world.pods.iter().filter(|record| record.is_ours);
        status::count(set, stamp, members.map(|record| (record, record.is_available(min_ready_s, now))))
    } else {
        status::count(set, stamp, roster.iter().map(|member| (&**member, member.is_available)))
    };
    status::complete_rolling_update(set, &mut status);
    let mut planner = Planner {
        world,
        ordinals,
        policy: Policy::of(set),
        is_parallel: is_parallel(set),
        actions: Vec::new(),
        notes: Vec::new(),
        whole_claims: Vec::new(),
    };
    if world.settings.grow_claims && !is_going {
        planner.grow_claims(&roster, &mut status, now);
    }
    let end = if is_going { End::Done } else { planner.all(&roster) };
    let wake_at = match end {
        End::Full => Some(now),
        _ => next_available(set, &roster, now),
    };
    let Planner { actions, notes, is_parallel, whole_claims, .. } = planner;
    Plan { actions, status, wake_at, is_parallel, notes, whole_claims }
}

/// How far a stage came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// To its end.
    Done,
    /// It waits for a pod; later stages must not begin.
    Waits,
    /// The plan holds as much as it may.
    Full,
}

struct Planner<'a> {
    world: &'a World<'a>,
    ordinals: Ordinals<'a>,
    policy: Policy,
    is_parallel: bool,
    actions: Vec<Action>,
    notes: Vec<Note>,
    whole_claims: Vec<i32>,
}

impl<'a> Planner<'a> {
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

    /// Lets claims follow their templates. What is left for lack of room comes with the next plan.
    fn grow_claims(&mut self, roster: &Roster<'_>, status: &mut StatefulSetStatus, now: Timestamp) {
        let set = self.world.set;
        let mut growth = growth::grow(set, &roster.replicas, self.world.claims, self.world.classes);
        let present = set.status.as_ref().and_then(|status| status.conditions.as_deref());
        status.conditions = Some(vec![growth.condition(present, now)]);
        growth.actions.truncate(ACTIONS_MAX);
        self.actions = growth.actions;
        self.notes = growth.notes;
    }

    /// Brings every wanted ordinal nearer to a pod that is available and as it should be.
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
        let set = self.world.set;
        let name = identity::pod_name(name_of(&set.metadata), ordinal);
        let claims = self.claims_of(ordinal, &name, "", false);
        if !claims.is_stale() {
            let pod = Box::new(identity::new_pod(set, self.revision_for(ordinal), ordinal));
            let claims = claims.ensure();
            self.actions.push(Action::CreatePod { pod, claims });
        }
        End::Waits
    }

    /// The revision that a pod of this ordinal would be created from. Where the strategy states no
    /// parameters the count of current pods decides in Kubernetes, which changes with each pod that
    /// goes; a set that replaces abandoned pods would create them again from what they were.
    fn revision_for(&self, ordinal: i32) -> &'a Revision {
        let set = self.world.set;
        let is_counted = self.world.settings.unstick && rollout::rolling_update(set).is_none();
        let keeps_current = !is_counted && rollout::keeps_current(set, self.ordinals, ordinal);
        if keeps_current { self.world.current } else { self.world.update }
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
            // The scheduler or the node may be waiting for a claim that somebody has deleted.
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

    /// Whether nothing is to be done about the pod's claims. They are looked up only if they may have
    /// changed since they were found whole.
    fn has_whole_claims(&mut self, member: &Member<'_>) -> bool {
        if claims::templates(self.world.set).is_empty() || member.whole_claims == Some(self.policy) {
            return true;
        }
        let are_whole = self.claims_of_member(member, false).are_whole();
        if are_whole {
            self.whole_claims.push(member.ordinal);
        }
        are_whole
    }

    /// Whether nothing is gained by waiting for the pod, and the set does not want to. Under Parallel
    /// the rolling update replaces such pods.
    fn is_abandoned(&self, member: &Member<'_>) -> bool {
        self.world.settings.unstick
            && rollout::is_rolling(self.world.set)
            && !member.is_ready
            && !member.is_terminating
            && *member.revision != *self.revision_for(member.ordinal).name
    }

    /// Puts identity, volumes and claims' owners right if they are not.
    fn repair(&mut self, member: &Member<'_>, has_claims_seen_to: bool) {
        let set = self.world.set;
        let claims = self.claims_of_member(member, false);
        let is_owned_right = has_claims_seen_to || claims.match_retention();
        if member.is_intact && is_owned_right {
            return;
        }
        let mut pod = Box::new(member.pod().clone());
        let is_identity_right = identity::matches(set, &pod, member.ordinal);
        let is_storage_right = claims::storage_matches(set, &pod, member.ordinal);
        if !is_identity_right {
            identity::set_identity(set, &mut pod, member.ordinal);
        }
        if !is_storage_right {
            claims::set_volumes(set, &mut pod, member.ordinal);
        }
        let claims = match (has_claims_seen_to, is_storage_right) {
            (true, _) => Vec::new(),
            (false, true) => claims.reown(),
            (false, false) => claims.ensure(),
        };
        self.actions.push(Action::UpdatePod { pod, claims });
    }

    /// Gives the claims of all condemned pods their owners before any of these pods goes.
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
        // A pod that is broken already may go, unless a lower one is broken too: then nobody knows
        // which of them the rest depends on.
        let lowest_unavailable = roster.condemned.iter().rev().find(|member| member.is_unavailable());
        let is_sound = highest.is_ready && highest.is_available;
        let is_first_unavailable = lowest_unavailable.is_some_and(|member| member.ordinal == highest.ordinal);
        if !highest.is_terminating && (is_sound || is_first_unavailable) {
            self.delete(highest, Cause::ScaledDown);
        }
        End::Waits
    }

    fn update(&mut self, roster: &Roster<'_>) -> End {
        if rollout::is_rolling(self.world.set) {
            let update = &self.world.update.name;
            let rollout = Rollout::of(self.world.set, self.ordinals, update, self.is_parallel);
            for member in rollout.outdated(&roster.replicas) {
                // An ended pod is deleted by an earlier stage already.
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
            set: self.world.set,
            policy: self.policy,
            ordinal,
            is_condemned,
            pod_name,
            pod_uid,
            lookup: self.world.claims,
        }
    }
}

/// Whether the set's pods do not wait for one another.
pub(super) fn is_parallel(set: &StatefulSet) -> bool {
    set.spec.pod_management_policy.as_deref() == Some("Parallel")
}

/// When the next pod that is ready becomes available.
fn next_available(set: &StatefulSet, roster: &Roster<'_>, now: Timestamp) -> Option<Timestamp> {
    let min_ready_s = min_ready_s(set);
    if min_ready_s == 0 {
        return None;
    }
    let waiting = roster.iter().filter(|member| member.is_ready && !member.is_available);
    waiting.filter_map(|member| member.available_at(min_ready_s)).filter(|at| *at > now).min()
}
