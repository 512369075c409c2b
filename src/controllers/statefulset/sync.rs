//! One sync: read, plan, act, write the status, delete old revisions.
//!
//! ```text
//!   set ─► claim revisions and pods ─► resolve the revision ─► plan ─► hold back ─► act ─► status ─► history
//!                                           ▲                                       │
//!                                           └───────── objects have changed ◄───────┘
//! ```
//!
//! The edge between the pure parts and the store. A sync may stop between any two writes: the next one
//! starts from what is there. It plans at most [`ATTEMPTS_MAX`] times; after that the key comes back
//! with a back-off.

use k8s_openapi::api::apps::v1::{ControllerRevision, StatefulSet, StatefulSetStatus};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;
use tracing::warn;

use super::act::{self, Halt};
use super::action::Plan;
use super::backoff::Backoffs;
use super::decide::plan::{self, Planner};
use super::decide::revision::{self, Resolution};
use super::decide::status;
use super::naming::{name_of, owner_reference, uid_of};
use super::note::Note;
use super::settings::{Options, Settings};
use super::world::{self, Census, Claimed, Observed, RetentionPolicy, TemplateRevision};
use crate::clock::{Timestamp, until};
use crate::controllers::controller::{Next, ReconcileError};
use crate::machinery::selector::Selector;
use crate::objects::{Kind, Object, ObjectKey, controller_of};
use crate::store::{Store, StoreError};

/// How often one sync plans at most.
const ATTEMPTS_MAX: usize = 8;
/// How many names are tried for a new revision before the sync gives up for now.
const COLLISIONS_MAX: i32 = 64;

/// Whether to look for orphans, which costs a listing of the namespace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Orphans {
    /// There may be some.
    Look,
    /// All of them have been seen.
    Skip,
}

/// What outlives a sync.
pub(crate) struct Context {
    /// What is done beyond Kubernetes for sets that do not say.
    pub(crate) options: Options,
    pub(crate) census: Census,
    /// Which identities' pods do not last.
    pub(crate) backoffs: Backoffs,
    /// Decides what a sync does.
    pub(crate) planner: Planner,
}

impl Default for Context {
    fn default() -> Self {
        Self {
            options: Options::default(),
            census: Census::default(),
            backoffs: Backoffs::default(),
            planner: Box::new(plan::plan),
        }
    }
}

/// What one sync did.
#[derive(Debug)]
pub(crate) struct Synced {
    /// When to sync again, or why it failed.
    pub(crate) result: Result<Next, ReconcileError>,
    /// What was done, as events.
    pub(crate) notes: Vec<Note>,
    /// What blocks the set until something changes, as events; to be recorded once.
    pub(crate) standing: Vec<Note>,
}

/// Brings the set of `key` nearer to its wanted state.
pub(crate) async fn sync(store: &Store, key: &ObjectKey, context: &mut Context, orphans: Orphans) -> Synced {
    let mut synced = Synced { result: Ok(Next::OnChange), notes: Vec::new(), standing: Vec::new() };
    for _ in 0..ATTEMPTS_MAX {
        synced.standing.clear();
        synced.result = attempt(store, key, context, orphans, &mut synced).await;
        if !matches!(&synced.result, Err(ReconcileError::Store(error)) if error.is_conflict()) {
            break;
        }
    }
    synced
}

async fn attempt(
    store: &Store,
    key: &ObjectKey,
    context: &mut Context,
    orphans: Orphans,
    synced: &mut Synced,
) -> Result<Next, ReconcileError> {
    let Some(object) = store.get(key) else { return Ok(Next::OnChange) };
    let Some(set) = object.get::<StatefulSet>() else { return Ok(Next::OnChange) };
    let selector = match Selector::from_label_selector(&set.spec.selector) {
        Ok(selector) => selector,
        Err(error) => {
            warn!(%key, %error, "invalid selector; the set is ignored until it changes");
            return Ok(Next::OnChange);
        }
    };
    let sight = Sight::take(store, context, set, &selector, orphans).await?;
    let (settings, unreadable) = Settings::of(set, context.options);
    let (mut plan, in_use) = sight.plan(store, context, set, &selector, &settings);
    let outcome = act::carry_out(store, set, &mut plan).await;
    context.backoffs.note(set, &outcome.writes, store.clock().now());
    synced.notes.extend(outcome.notes);
    synced.standing.extend(unreadable);
    synced.standing.extend(plan.notes);
    let failed = match outcome.halt {
        // The next attempt sees what was done.
        Some(Halt::Outdated(error)) => return Err(conflict(key, error).into()),
        Some(Halt::Failed(error)) => Some(error),
        None => None,
    };
    let mut status = plan.status;
    status::subtract_current(&mut status, outcome.n_outdated_deleted);
    let written = write_status(store, key, set, status).await;
    let forgotten = sight.forget_revisions(store, set, &in_use).await;
    match failed {
        Some(error) => Err(error),
        None => written.and(forgotten).map(|()| next(store, &plan.wake_at)).map_err(Into::into),
    }
}

/// The set's revisions, as one sync sees them.
struct Sight {
    revisions: Vec<Object>,
    current: TemplateRevision,
    update: TemplateRevision,
    collision_count: i32,
}

impl Sight {
    async fn take(
        store: &Store,
        context: &mut Context,
        set: &StatefulSet,
        selector: &Selector,
        orphans: Orphans,
    ) -> Result<Self, ReconcileError> {
        let (strays, revisions) = candidates(store, context, set, selector, orphans);
        let revisions = world::claim_revisions(set, selector, revisions);
        let mut revisions = take_in(store, set, revisions).await?;
        take_in(store, set, world::claim_pods(set, selector, strays)).await?;
        revision::sort(&mut revisions);
        let mut collision_count =
            set.status.as_ref().and_then(|status| status.collision_count).unwrap_or_default();
        let name = if set.metadata.deletion_timestamp.is_none() {
            match known(store, context, set, selector, &revisions) {
                Some(name) => name,
                None => {
                    let name = resolve(store, set, &mut revisions, &mut collision_count).await?;
                    remember(store, context, set, selector, (&revisions, &name));
                    name
                }
            }
        } else {
            intended(set, &revisions, collision_count)
        };
        let update = revision::of_set(set, &name);
        let current = current(set, &revisions, &update)?;
        Ok(Self { revisions, current, update, collision_count })
    }

    /// Plans for the set's pods as they are now. Also returns the revisions that pods use.
    fn plan(
        &self,
        store: &Store,
        context: &mut Context,
        set: &StatefulSet,
        selector: &Selector,
        settings: &Settings,
    ) -> (Plan, Vec<String>) {
        let family = context.census.family(store, set, selector);
        let namespace = set.metadata.namespace.as_deref().unwrap_or_default();
        let observed = Observed {
            set,
            settings,
            current: &self.current,
            update: &self.update,
            collision_count: self.collision_count,
            pods: family.records(),
            claims: &|name| store.get(&ObjectKey::new(Kind::PersistentVolumeClaim, namespace, name)),
            classes: &|name| store.get(&ObjectKey::new(Kind::StorageClass, "", name)),
        };
        let now = store.clock().now();
        let mut plan = (context.planner)(&observed, now);
        context.backoffs.hold_back(set, family.records(), &mut plan, now);
        family.found_whole(&plan.whole_claims, RetentionPolicy::of(set));
        (plan, family.revisions_in_use())
    }

    /// Deletes revisions beyond the limit that neither the set nor a pod uses.
    async fn forget_revisions(
        &self,
        store: &Store,
        set: &StatefulSet,
        in_use: &[String],
    ) -> Result<(), StoreError> {
        if set.metadata.deletion_timestamp.is_some() {
            return Ok(());
        }
        let own = [&self.current.name, &self.update.name];
        let is_live = |name: &str| own.into_iter().chain(in_use).any(|live| live == name);
        for revision in revision::superfluous(set, &self.revisions, is_live) {
            match store.delete(revision.key(), &Default::default()).await {
                Err(error) if !error.is_not_found() => return Err(error),
                _ => {}
            }
        }
        Ok(())
    }
}

/// Pods to adopt or release, and revisions that may belong to the set.
fn candidates(
    store: &Store,
    context: &mut Context,
    set: &StatefulSet,
    selector: &Selector,
    orphans: Orphans,
) -> (Vec<Object>, Vec<Object>) {
    let family = context.census.family(store, set, selector);
    let (mut strays, mut revisions) = (family.strays(), family.revisions());
    if orphans == Orphans::Look && set.metadata.deletion_timestamp.is_none() {
        let is_orphan = |object: &Object| controller_of(object.meta()).is_none();
        let present = |kind| store.list(kind, set.metadata.namespace.as_deref()).objects.into_iter();
        strays.extend(present(Kind::Pod).filter(is_orphan));
        revisions.extend(present(Kind::ControllerRevision).filter(is_orphan));
    }
    (strays, revisions)
}

/// Adopts and releases; returns what belongs to the set afterwards.
async fn take_in(store: &Store, set: &StatefulSet, claimed: Claimed) -> Result<Vec<Object>, ReconcileError> {
    let mut kept = claimed.kept;
    if !claimed.adopted.is_empty() {
        let key = ObjectKey::new(
            Kind::StatefulSet,
            set.metadata.namespace.as_deref().unwrap_or_default(),
            name_of(&set.metadata),
        );
        if let Some(refusal) = world::refusal(set, store.get(&key).as_ref()) {
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

/// Writes owner references onto the version that was read; a newer version is a conflict.
async fn write_owners(
    store: &Store,
    object: &Object,
    references: Vec<OwnerReference>,
) -> Result<Object, StoreError> {
    let mut typed = object.typed().clone();
    typed.meta_mut().owner_references = (!references.is_empty()).then_some(references);
    store.update(typed).await
}

/// The name of the set's revision, if an earlier sync resolved it and nothing it depends on has changed.
fn known(
    store: &Store,
    context: &mut Context,
    set: &StatefulSet,
    selector: &Selector,
    revisions: &[Object],
) -> Option<String> {
    context.census.family(store, set, selector).newest(&set.spec.template, revisions)
}

fn remember(
    store: &Store,
    context: &mut Context,
    set: &StatefulSet,
    selector: &Selector,
    (revisions, name): (&[Object], &str),
) {
    // The last one is the newest, also if it was renumbered or created just now.
    if revisions.last().is_some_and(|newest| newest.name() == name) {
        context.census.family(store, set, selector).found_newest(&set.spec.template, revisions, name);
    }
}

/// Makes the set's template its newest revision; returns the revision's name.
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

/// `None` if a revision with other content has the name.
async fn create_revision(store: &Store, proposal: &ControllerRevision) -> Result<Option<Object>, StoreError> {
    match store.create(proposal.clone()).await {
        Err(StoreError::AlreadyExists(key)) => {
            Ok(store.get(&key).filter(|present| revision::is_same(present, proposal)))
        }
        created => created.map(Some),
    }
}

/// The name of the revision that the template is or would be, without writing anything.
fn intended(set: &StatefulSet, revisions: &[Object], collision_count: i32) -> String {
    match revision::resolve(set, revisions, collision_count) {
        Resolution::Newest(name) | Resolution::Renumber(name, _) => name,
        Resolution::Create(proposal) => name_of(&proposal.metadata).to_owned(),
    }
}

/// The revision that `status.currentRevision` names; the update revision if there is none.
fn current(
    set: &StatefulSet,
    revisions: &[Object],
    update: &TemplateRevision,
) -> Result<TemplateRevision, ReconcileError> {
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
    status: StatefulSetStatus,
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

fn next(store: &Store, wake_at: &Option<Timestamp>) -> Next {
    let now = store.clock().now();
    wake_at.map_or(Next::OnChange, |instant| Next::After(until(now, instant)))
}

/// For a plan, an object that is gone is the same as one that has changed.
fn conflict(key: &ObjectKey, error: StoreError) -> StoreError {
    if error.is_conflict() {
        return error;
    }
    StoreError::Conflict { key: key.clone(), reason: error.to_string() }
}
