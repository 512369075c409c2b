//! Reads what [`decide`](super::decide) needs, and carries out its verdict.
//!
//! Writes carry the resource version of the object that was decided about; after a conflict the object
//! is reconciled again.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference};

use super::decide::{Owner, Verdict, awaits_dependents, references};
use crate::objects::{Kind, Object, ObjectKey};
use crate::store::{
    DeleteOptions, FINALIZER_FOREGROUND, FINALIZER_ORPHAN, Propagation, Severity, Store, StoreError,
};

/// The component in events.
pub(super) const COMPONENT: &str = "garbage-collector-controller";

/// The key of an owner of `object`: in the object's own namespace if the owner's kind is namespaced.
/// `None` if it cannot be resolved.
pub(super) fn key_of(object: &Object, owner: &OwnerReference) -> Option<ObjectKey> {
    let kind = Kind::find(&owner.api_version, &owner.kind)?;
    let is_out_of_reach = kind.info().is_namespaced && object.namespace().is_empty();
    (!is_out_of_reach).then(|| ObjectKey::new(kind, object.namespace(), &owner.name))
}

/// The states of the owners of `object`, in the order of its references.
pub(super) fn owners(store: &Store, object: &Object) -> Vec<Owner> {
    let state = |owner: &OwnerReference| {
        let Some(key) = key_of(object, owner) else { return Owner::Unresolvable };
        match store.get(&key).filter(|found| found.uid() == owner.uid) {
            None => Owner::Dangling,
            Some(found) if awaits_dependents(&found) => Owner::Waiting,
            Some(_) => Owner::Solid,
        }
    };
    references(object).map(state).collect()
}

/// The objects that may have `object` as their owner and name it: those of its namespace, or all if it
/// has none.
pub(super) fn dependents(store: &Store, object: &Object) -> Vec<Object> {
    let mut dependents = store.owned_by(object.uid());
    let namespace = object.namespace();
    dependents.retain(|dependent| namespace.is_empty() || dependent.namespace() == namespace);
    dependents
}

/// Carries out the verdict about `object`.
pub(super) async fn carry_out(
    store: &Store,
    object: &Object,
    dependents: &[Object],
    verdict: Verdict,
) -> Result<(), StoreError> {
    match verdict {
        Verdict::Keep => report_misplaced_owners(store, object).await,
        Verdict::LoseOwners(uids) => change(store, object, |meta| lose_owners(meta, &uids)).await?,
        Verdict::Delete { propagation, unblocks } => {
            if unblocks {
                change(store, object, unblock).await?;
            }
            let object = store.get(object.key()).filter(|present| present.uid() == object.uid());
            if let Some(object) = object {
                delete(store, &object, propagation).await?;
            }
        }
        Verdict::Orphan => {
            let uid = [object.uid().to_owned()];
            for dependent in dependents {
                change(store, dependent, |meta| lose_owners(meta, &uid)).await?;
            }
            change(store, object, |meta| lose_finalizer(meta, FINALIZER_ORPHAN)).await?;
        }
        Verdict::Finish => delete(store, object, Propagation::Unspecified).await?,
        Verdict::Release => change(store, object, |meta| lose_finalizer(meta, FINALIZER_FOREGROUND)).await?,
    }
    Ok(())
}

async fn delete(store: &Store, object: &Object, propagation: Propagation) -> Result<(), StoreError> {
    let options = DeleteOptions {
        propagation,
        uid: Some(object.uid().to_owned()),
        resource_version: Some(object.revision().to_string()),
        ..Default::default()
    };
    tolerate_absence(store.delete(object.key(), &options).await.map(drop))
}

/// Writes `object` with changed metadata, unless it has changed since it was read.
async fn change(
    store: &Store,
    object: &Object,
    change: impl FnOnce(&mut ObjectMeta),
) -> Result<(), StoreError> {
    let mut typed = object.typed().clone();
    change(typed.meta_mut());
    tolerate_absence(store.update(typed).await.map(drop))
}

fn tolerate_absence(outcome: Result<(), StoreError>) -> Result<(), StoreError> {
    outcome.or_else(|error| if error.is_not_found() { Ok(()) } else { Err(error) })
}

fn lose_owners(meta: &mut ObjectMeta, uids: &[String]) {
    let mut owners = meta.owner_references.take().unwrap_or_default();
    owners.retain(|owner| !uids.contains(&owner.uid));
    meta.owner_references = (!owners.is_empty()).then_some(owners);
}

fn lose_finalizer(meta: &mut ObjectMeta, finalizer: &str) {
    let mut finalizers = meta.finalizers.take().unwrap_or_default();
    finalizers.retain(|present| present != finalizer);
    meta.finalizers = (!finalizers.is_empty()).then_some(finalizers);
}

fn unblock(meta: &mut ObjectMeta) {
    let owners = meta.owner_references.iter_mut().flatten();
    owners.filter(|owner| owner.block_owner_deletion == Some(true)).for_each(|owner| {
        owner.block_owner_deletion = Some(false);
    });
}

/// A cluster-scoped object cannot have a namespaced owner; an event asks for a correction.
async fn report_misplaced_owners(store: &Store, object: &Object) {
    for owner in references(object) {
        let is_served = Kind::find(&owner.api_version, &owner.kind).is_some();
        if is_served && key_of(object, owner).is_none() {
            let OwnerReference { api_version, kind, name, uid, .. } = owner;
            let message = format!(
                "ownerRef [{api_version}/{kind}, namespace: , name: {name}, uid: {uid}] does not exist in namespace \"\""
            );
            store.record(COMPONENT, object, Severity::Warning, "OwnerRefInvalidNamespace", &message).await;
        }
    }
}
