//! Carries a plan out through the store.
//!
//! It decides nothing. Actions are carried out in order, one at a time or, where the plan allows it, in
//! batches of 1, 2, 4 … [`BATCH_MAX`] (Kubernetes' slow start batch) within a phase, so that an error
//! that hits every pod is noticed after few. The first failure ends it. If objects have changed since
//! the plan was made, that is no failure but [`Halt::Outdated`]: plan again.

use futures_util::future::join_all;
use k8s_openapi::api::apps::v1::StatefulSet;
use k8s_openapi::api::core::v1::{PersistentVolumeClaim, Pod};

use super::action::{Action, Cause, ClaimStep, Plan, PodWrite};
use super::naming::name_of;
use super::note::{Note, Verb};
use crate::controllers::ReconcileError;
use crate::objects::{Kind, ObjectKey};
use crate::store::{DeleteOptions, Store, StoreError};

/// How many actions are carried out together at most.
const BATCH_MAX: usize = 500;

/// The outcome of a plan.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    /// The events to record, in order.
    pub(crate) notes: Vec<Note>,
    /// How many pods of old revisions were deleted.
    pub(crate) n_outdated_deleted: i32,
    /// The pods that were created or deleted.
    pub(crate) writes: Vec<PodWrite>,
    /// Why it ended early.
    pub(crate) halt: Option<Halt>,
}

/// Why a plan was not carried out to its end.
#[derive(Debug)]
pub(crate) enum Halt {
    /// An object has changed since; the plan no longer fits.
    Outdated(StoreError),
    /// An action failed.
    Failed(ReconcileError),
}

/// Carries out the plan for `set`; the actions are taken out of it.
pub(crate) async fn carry_out(store: &Store, set: &StatefulSet, plan: &mut Plan) -> Outcome {
    let hand = Hand {
        store,
        set_name: name_of(&set.metadata),
        namespace: set.metadata.namespace.as_deref().unwrap_or_default(),
    };
    let mut outcome = Outcome::default();
    let mut rest = std::mem::take(&mut plan.actions).into_iter().peekable();
    let (mut phase, mut size) = (None, 1);
    while let Some(next) = rest.peek().map(Action::phase) {
        size = if phase == Some(next) && plan.is_parallel { (size * 2).min(BATCH_MAX) } else { 1 };
        phase = Some(next);
        let batch = std::iter::from_fn(|| rest.next_if(|action| action.phase() == next)).take(size);
        let done = join_all(batch.map(|action| hand.act(action)).collect::<Vec<_>>()).await;
        done.into_iter().for_each(|done| outcome.add(done));
        if outcome.halt.is_some() {
            break;
        }
    }
    outcome
}

impl Outcome {
    /// Of several halts a failure wins, since it must be reported.
    fn add(&mut self, done: Done) {
        self.notes.extend(done.notes);
        match done.result {
            Ok(written) => {
                self.n_outdated_deleted += i32::from(done.is_outdated_pod);
                self.writes.extend(written);
            }
            Err(halt) => match (&self.halt, &halt) {
                (None, _) | (Some(Halt::Outdated(_)), Halt::Failed(_)) => self.halt = Some(halt),
                _ => {}
            },
        }
    }
}

/// The outcome of one action.
struct Done {
    notes: Vec<Note>,
    is_outdated_pod: bool,
    result: Result<Option<PodWrite>, Halt>,
}

/// Why one write failed.
enum Failure {
    Outdated(StoreError),
    Store(StoreError),
    Text(String),
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        if error.is_conflict() || error.is_not_found() { Self::Outdated(error) } else { Self::Store(error) }
    }
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Outdated(error) | Self::Store(error) => error.fmt(f),
            Self::Text(text) => text.fmt(f),
        }
    }
}

struct Hand<'a> {
    store: &'a Store,
    set_name: &'a str,
    namespace: &'a str,
}

impl Hand<'_> {
    async fn act(&self, action: Action) -> Done {
        let mut notes = Vec::new();
        let is_outdated_pod = matches!(action, Action::DeletePod { cause: Cause::Outdated, .. });
        let result = match action {
            Action::GrowClaim { pod, claim, from, to } => {
                self.grow(&pod, *claim, (&from, &to), &mut notes).await.map(|()| None)
            }
            Action::CreatePod { pod, claims } => self.create(*pod, claims, &mut notes).await.map(Some),
            Action::KeepClaims { pod, claims, .. } => {
                self.apply_claims(&pod, claims, &mut notes).await.map(|()| None)
            }
            Action::UpdatePod { pod, claims } => self.update(*pod, claims, &mut notes).await.map(|()| None),
            Action::DeletePod { pod, uid, .. } => self.delete(pod, uid, &mut notes).await.map(Some),
        };
        let result = result.map_err(|failure| match failure {
            Failure::Outdated(error) => Halt::Outdated(error),
            Failure::Store(error) => Halt::Failed(error.into()),
            Failure::Text(text) => Halt::Failed(ReconcileError::Blocked(text)),
        });
        Done { notes, is_outdated_pod, result }
    }

    async fn create(
        &self,
        pod: Pod,
        claims: Vec<ClaimStep>,
        notes: &mut Vec<Note>,
    ) -> Result<PodWrite, Failure> {
        let name = name_of(&pod.metadata).to_owned();
        let result = match self.apply_claims(&name, claims, notes).await {
            Ok(()) => self.store.create(pod).await.map_err(Failure::Store),
            Err(failure) => Err(failure),
        };
        match &result {
            // A foreign pod has the name: no event at every retry.
            Err(Failure::Store(StoreError::AlreadyExists(_))) => {}
            _ => self.note_pod(Verb::Create, &name, &result, notes),
        }
        result.map(|created| PodWrite::Created { pod: name, uid: created.uid().to_owned() })
    }

    async fn update(&self, pod: Pod, claims: Vec<ClaimStep>, notes: &mut Vec<Note>) -> Result<(), Failure> {
        let name = name_of(&pod.metadata).to_owned();
        let result = match self.apply_claims(&name, claims, notes).await {
            Ok(()) => match self.store.update(pod).await {
                Ok(_) => Ok(()),
                Err(error) if error.is_conflict() => Err(Failure::Outdated(error)),
                // The repaired name belongs to no pod: only deleting the misnamed pod helps.
                Err(error) => Err(Failure::Store(error)),
            },
            failed => failed,
        };
        self.note_pod(Verb::Update, &name, &result, notes);
        result
    }

    async fn delete(&self, pod: String, uid: String, notes: &mut Vec<Note>) -> Result<PodWrite, Failure> {
        let key = ObjectKey::new(Kind::Pod, self.namespace, &pod);
        // The uid keeps a pod that has replaced this one from being deleted.
        let options = DeleteOptions { uid: Some(uid.clone()), ..Default::default() };
        let result = self.store.delete(&key, &options).await.map_err(Failure::from);
        self.note_pod(Verb::Delete, &pod, &result, notes);
        result.map(|_| PodWrite::Deleted { pod, uid })
    }

    /// A refusal is recorded and blocks nothing else.
    async fn grow(
        &self,
        pod: &str,
        claim: PersistentVolumeClaim,
        sizes: (&str, &str),
        notes: &mut Vec<Note>,
    ) -> Result<(), Failure> {
        let name = name_of(&claim.metadata).to_owned();
        let written = self.store.update(claim).await.map(drop);
        if let Err(error) = &written
            && (error.is_conflict() || error.is_not_found())
        {
            return written.map_err(Failure::from);
        }
        notes.push(Note::growth(&name, pod, self.set_name, sizes, &written));
        Ok(())
    }

    /// Tries every claim; failures are reported together.
    async fn apply_claims(
        &self,
        pod: &str,
        claims: Vec<ClaimStep>,
        notes: &mut Vec<Note>,
    ) -> Result<(), Failure> {
        let mut failures = Vec::new();
        for step in claims {
            match self.apply_claim(pod, step, notes).await {
                Ok(()) => {}
                Err(Failure::Outdated(error)) => return Err(Failure::Outdated(error)),
                Err(failure) => failures.push(failure.to_string()),
            }
        }
        match failures.as_slice() {
            [] => Ok(()),
            [only] => Err(Failure::Text(only.clone())),
            all => Err(Failure::Text(format!("[{}]", all.join(", ")))),
        }
    }

    async fn apply_claim(&self, pod: &str, step: ClaimStep, notes: &mut Vec<Note>) -> Result<(), Failure> {
        match step {
            ClaimStep::Create(claim) => self.create_claim(pod, *claim, notes).await,
            ClaimStep::Own(claim) => self.store.update(*claim).await.map(drop).map_err(Failure::from),
            ClaimStep::Conflicting(claim) => {
                notes.push(Note::conflicting(&claim));
                Ok(())
            }
            ClaimStep::Leaving(claim) => Err(Failure::Text(format!("pvc {claim} is being deleted"))),
        }
    }

    async fn create_claim(
        &self,
        pod: &str,
        claim: PersistentVolumeClaim,
        notes: &mut Vec<Note>,
    ) -> Result<(), Failure> {
        let name = name_of(&claim.metadata).to_owned();
        let created = self.store.create(claim).await;
        match created {
            Err(error) if error.is_already_exists() => return Err(Failure::Outdated(error)),
            _ => notes.push(Note::claim(&name, pod, self.set_name, &created)),
        }
        match created {
            Ok(_) => Ok(()),
            Err(error) => Err(Failure::Text(format!("failed to create PVC {name}: {error}"))),
        }
    }

    /// No event for writes that are retried at once.
    fn note_pod<T>(&self, verb: Verb, pod: &str, result: &Result<T, Failure>, notes: &mut Vec<Note>) {
        if !matches!(result, Err(Failure::Outdated(_))) {
            let result = result.as_ref().map_err(ToString::to_string);
            notes.push(Note::pod(verb, pod, self.set_name, &result));
        }
    }
}
