//! One sync: read the world, plan, act, write the status, forget old revisions.
//!
//! ```text
//!   set ─► claim revisions and pods ─► resolve the revision ─► plan ─► act ─► status ─► history
//!                                           ▲                           │
//!                                           └──── the world changed ◄───┘
//! ```
//!
//! The edge between the pure parts and the store. It may stop between any two writes: the next
//! sync starts from what is there. A sync plans again at most [`ATTEMPTS_MAX`] times; after that
//! the key comes back with a back-off.

use k8s_openapi::api::apps::v1::{ControllerRevision, StatefulSet};
use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;
use tracing::warn;

use super::act::{self, Halt, Outcome};
use super::fault::{self, Fault};
use super::identity::{self, name_of, owner_reference, uid_of};
use super::note::Note;
use super::ownership::{self, Claimed};
use super::plan::{Plan, World};
use super::revision::{self, Resolution, Revision};
use super::status;
use crate::clock::until;
use crate::controllers::{Next, ReconcileError};
use crate::objects::{Kind, Object, ObjectKey, Selector, controller_of};
use crate::store::{Store, StoreError};

/// How often one sync plans.
const ATTEMPTS_MAX: usize = 8;
/// How many names are tried for a new revision before the sync gives up for now.
const COLLISIONS_MAX: i32 = 64;

/// Whether orphans must be looked for, which costs a listing of the namespace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Orphans {
    /// There may be some.
    Look,
    /// All there were have been seen.
    Skip,
}

/// What one sync did.
#[derive(Debug)]
pub(super) struct Synced {
    /// When to sync again, or why it failed.
    pub(super) result: Result<Next, ReconcileError>,
    /// What became of it, for people.
    pub(super) notes: Vec<Note>,
}

/// Brings the set of `key` nearer to what it wants.
pub(super) async fn sync(store: &Store, key: &ObjectKey, orphans: Orphans, fault: Option<Fault>) -> Synced {
    let mut notes = Vec::new();
    let mut result = Ok(Next::OnChange);
    for _ in 0..ATTEMPTS_MAX {
        result = attempt(store, key, orphans, fault, &mut notes).await;
        if !matches!(&result, Err(ReconcileError::Store(error)) if error.is_conflict()) {
            break;
        }
    }
    Synced { result, notes }
}

async fn attempt(
    store: &Store,
    key: &ObjectKey,
    orphans: Orphans,
    fault: Option<Fault>,
    notes: &mut Vec<Note>,
) -> Result<Next, ReconcileError> {
    let Some(object) = store.get(key) else { return Ok(Next::OnChange) };
    let Some(set) = object.get::<StatefulSet>() else { return Ok(Next::OnChange) };
    let selector = match Selector::from_label_selector(&set.spec.selector) {
        Ok(selector) => selector,
        Err(error) => {
            warn!(%key, %error, "the selector cannot be used; the set is left alone until it changes");
            return Ok(Next::OnChange);
        }
    };
    let sight = Sight::take(store, set, &selector, orphans).await?;
    let (plan, outcome) = sight.plan_and_act(store, set, fault).await?;
    notes.extend(outcome.notes);
    let failed = match outcome.halt {
        // What was done is there to be seen by the next attempt.
        Some(Halt::Outdated(error)) => return Err(conflict(key, error).into()),
        Some(Halt::Failed(error)) => Some(error),
        None => None,
    };
    let mut status = plan.status;
    status::subtract_current(&mut status, outcome.n_outdated_deleted);
    let written = write_status(store, key, set, status).await;
    let forgotten = sight.forget_revisions(store, set).await;
    match failed {
        Some(error) => Err(error),
        None => written.and(forgotten).map(|()| next(store, &plan.wake_at)).map_err(Into::into),
    }
}

/// What a sync sees of the world: the set's pods and revisions.
struct Sight {
    pods: Vec<Object>,
    revisions: Vec<Object>,
    current: Revision,
    update: Revision,
    collision_count: i32,
}

impl Sight {
    async fn take(
        store: &Store,
        set: &StatefulSet,
        selector: &Selector,
        orphans: Orphans,
    ) -> Result<Self, ReconcileError> {
        let (mut pods, mut revisions) = candidates(store, set, orphans);
        revisions = take_in(store, set, ownership::claim_revisions(set, selector, revisions)).await?;
        pods = take_in(store, set, ownership::claim_pods(set, selector, pods)).await?;
        revision::sort(&mut revisions);
        let mut collision_count =
            set.status.as_ref().and_then(|status| status.collision_count).unwrap_or_default();
        let name = if set.metadata.deletion_timestamp.is_none() {
            resolve(store, set, &mut revisions, &mut collision_count).await?
        } else {
            intended(set, &revisions, collision_count)
        };
        let update = revision::of_set(set, &name);
        let current = current(set, &revisions, &update)?;
        Ok(Self { pods, revisions, current, update, collision_count })
    }

    async fn plan_and_act(
        &self,
        store: &Store,
        set: &StatefulSet,
        fault: Option<Fault>,
    ) -> Result<(Plan, Outcome), ReconcileError> {
        let plan = self.plan(store, set, fault);
        let outcome = act::carry_out(store, set, &plan).await;
        Ok((plan, outcome))
    }

    fn plan(&self, store: &Store, set: &StatefulSet, fault: Option<Fault>) -> Plan {
        let pods: Vec<&Pod> = self.pods.iter().filter_map(Object::get::<Pod>).collect();
        let namespace = set.metadata.namespace.as_deref().unwrap_or_default();
        let world = World {
            set,
            current: &self.current,
            update: &self.update,
            collision_count: self.collision_count,
            pods: &pods,
            claims: &|name| store.get(&ObjectKey::new(Kind::PersistentVolumeClaim, namespace, name)),
        };
        fault::plan(fault, &world, store.clock().now())
    }

    /// Deletes revisions beyond the limit that neither the set nor a pod uses.
    async fn forget_revisions(&self, store: &Store, set: &StatefulSet) -> Result<(), StoreError> {
        if set.metadata.deletion_timestamp.is_some() {
            return Ok(());
        }
        let pods = self.pods.iter().filter_map(Object::get::<Pod>);
        let mut live: std::collections::HashSet<&str> = pods.map(identity::revision_of).collect();
        live.extend([self.current.name.as_str(), self.update.name.as_str()]);
        for revision in revision::superfluous(set, &self.revisions, |name| live.contains(name)) {
            match store.delete(revision.key(), &Default::default()).await {
                Err(error) if !error.is_not_found() => return Err(error),
                _ => {}
            }
        }
        Ok(())
    }
}

/// The pods and revisions that may be the set's.
fn candidates(store: &Store, set: &StatefulSet, orphans: Orphans) -> (Vec<Object>, Vec<Object>) {
    let mut owned = store.owned_by(uid_of(&set.metadata));
    owned.retain(|object| ownership::is_owned(set, object.meta()));
    if orphans == Orphans::Look && set.metadata.deletion_timestamp.is_none() {
        let is_orphan = |object: &Object| controller_of(object.meta()).is_none();
        for kind in [Kind::Pod, Kind::ControllerRevision] {
            let present = store.list(kind, set.metadata.namespace.as_deref()).objects;
            owned.extend(present.into_iter().filter(is_orphan));
        }
    }
    let revisions =
        owned.iter().filter(|object| object.kind() == Kind::ControllerRevision).cloned().collect();
    owned.retain(|object| object.kind() == Kind::Pod);
    (owned, revisions)
}

/// Adopts and releases; returns what is the set's afterwards.
async fn take_in(store: &Store, set: &StatefulSet, claimed: Claimed) -> Result<Vec<Object>, ReconcileError> {
    let mut kept = claimed.kept;
    if !claimed.adopted.is_empty() {
        let key = ObjectKey::new(
            Kind::StatefulSet,
            set.metadata.namespace.as_deref().unwrap_or_default(),
            name_of(&set.metadata),
        );
        if let Some(refusal) = ownership::refusal(set, store.get(&key).as_ref()) {
            return Err(ReconcileError::Blocked(refusal));
        }
    }
    for orphan in claimed.adopted {
        kept.extend(adopt(store, set, &orphan).await?);
    }
    for member in claimed.released {
        let mut references = member.meta().owner_references.clone().unwrap_or_default();
        references.retain(|reference| reference.uid != uid_of(&set.metadata));
        match write_owners(store, &member, references).await {
            Err(error) if !error.is_not_found() && !matches!(error, StoreError::Invalid { .. }) => {
                return Err(error.into());
            }
            _ => {}
        }
    }
    Ok(kept)
}

async fn adopt(store: &Store, set: &StatefulSet, orphan: &Object) -> Result<Option<Object>, StoreError> {
    let mut references = orphan.meta().owner_references.clone().unwrap_or_default();
    references.retain(|reference| reference.uid != uid_of(&set.metadata));
    references.push(owner_reference(set));
    match write_owners(store, orphan, references).await {
        Err(error) if error.is_not_found() => Ok(None),
        written => written.map(Some),
    }
}

/// Writes owner references onto the version that was read; that it has changed is a conflict.
async fn write_owners(
    store: &Store,
    object: &Object,
    references: Vec<OwnerReference>,
) -> Result<Object, StoreError> {
    let mut typed = object.typed().clone();
    typed.meta_mut().owner_references = (!references.is_empty()).then_some(references);
    store.update(typed).await
}

/// Makes the set's template the newest of its revisions; returns that one's name.
async fn resolve(
    store: &Store,
    set: &StatefulSet,
    revisions: &mut Vec<Object>,
    collision_count: &mut i32,
) -> Result<String, ReconcileError> {
    for _ in 0..COLLISIONS_MAX {
        match revision::resolve(set, revisions, *collision_count) {
            Resolution::Newest(name) => return Ok(name),
            Resolution::Renumber(name, number) => {
                renumber(store, revisions, &name, number).await?;
                return Ok(name);
            }
            Resolution::Create(proposal) => {
                if let Some(created) = create_revision(store, &proposal).await? {
                    let name = created.name().to_owned();
                    revisions.push(created);
                    return Ok(name);
                }
                *collision_count += 1;
            }
        }
    }
    let name = name_of(&set.metadata);
    Err(ReconcileError::Blocked(format!("{COLLISIONS_MAX} revision names of StatefulSet {name} are taken")))
}

async fn renumber(
    store: &Store,
    revisions: &mut [Object],
    name: &str,
    number: i64,
) -> Result<(), StoreError> {
    for present in revisions.iter_mut().filter(|revision| revision.name() == name) {
        let set_number = |revision: &mut ControllerRevision| revision.revision = Some(number);
        *present = store.modify(&present.key().clone(), set_number).await?;
    }
    revision::sort(revisions);
    Ok(())
}

/// `None` if the name is taken by a revision with other bytes.
async fn create_revision(store: &Store, proposal: &ControllerRevision) -> Result<Option<Object>, StoreError> {
    match store.create(proposal.clone()).await {
        Err(StoreError::AlreadyExists(key)) => {
            Ok(store.get(&key).filter(|present| revision::is_same(present, proposal)))
        }
        created => created.map(Some),
    }
}

/// The name the set's template has or would have, without writing anything.
fn intended(set: &StatefulSet, revisions: &[Object], collision_count: i32) -> String {
    match revision::resolve(set, revisions, collision_count) {
        Resolution::Newest(name) | Resolution::Renumber(name, _) => name,
        Resolution::Create(proposal) => name_of(&proposal.metadata).to_owned(),
    }
}

/// The revision that `status.currentRevision` names; the update revision if there is none.
fn current(set: &StatefulSet, revisions: &[Object], update: &Revision) -> Result<Revision, ReconcileError> {
    let named = set.status.as_ref().and_then(|status| status.current_revision.as_deref()).unwrap_or_default();
    match revisions.iter().find(|revision| revision.name() == named) {
        Some(revision) if named != update.name => {
            revision::read(revision).map_err(|error| ReconcileError::Blocked(error.to_string()))
        }
        _ => Ok(update.clone()),
    }
}

async fn write_status(
    store: &Store,
    key: &ObjectKey,
    set: &StatefulSet,
    status: k8s_openapi::api::apps::v1::StatefulSetStatus,
) -> Result<(), StoreError> {
    if !status::is_news(set, &status) {
        return Ok(());
    }
    let write = |present: &mut StatefulSet| {
        if present.metadata.uid == set.metadata.uid {
            present.status = Some(status.clone());
        }
    };
    match store.modify_status(key, write).await {
        Err(error) if error.is_not_found() => Ok(()),
        written => written.map(drop),
    }
}

fn next(store: &Store, wake_at: &Option<crate::clock::Timestamp>) -> Next {
    let now = store.clock().now();
    wake_at.map_or(Next::OnChange, |instant| Next::After(until(now, instant)))
}

/// That something is gone is, for a plan, the same as that it has changed.
fn conflict(key: &ObjectKey, error: StoreError) -> StoreError {
    if error.is_conflict() {
        return error;
    }
    StoreError::Conflict { key: key.clone(), reason: error.to_string() }
}
