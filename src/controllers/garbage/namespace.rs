//! Deletes the content of a terminating namespace.
//!
//! Pods go first and everything else after them, so that nothing that a pod relies on disappears while
//! it runs (Kubernetes' ordered namespace deletion, KEP 5080). What remains is reported in the
//! namespace's conditions; once it is empty the finalizer `kubernetes` is removed and the namespace
//! goes.

use k8s_openapi::api::core::v1::Namespace;

use super::conditions;
use crate::objects::namespace::FINALIZER;
use crate::objects::{Kind, Object};
use crate::store::{DeleteOptions, Propagation, Store, StoreError};

/// Deletes what is in a terminating namespace; removes its finalizer when nothing is left.
pub(super) async fn empty(store: &Store, namespace: &Object) -> Result<(), StoreError> {
    if !is_awaiting(namespace) {
        return Ok(());
    }
    let pods = store.list(Kind::Pod, Some(namespace.name())).objects;
    delete_all(store, &pods).await?;
    if content(store, namespace, &[Kind::Pod]).is_empty() {
        delete_all(store, &content(store, namespace, Kind::ALL)).await?;
    }
    let remaining = content(store, namespace, Kind::ALL);
    if remaining.is_empty() {
        return finalize(store, namespace).await;
    }
    let now = store.clock().now();
    let reported = store.modify_status::<Namespace>(namespace.key(), |namespace| {
        let status = namespace.status.get_or_insert_default();
        conditions::set(status.conditions.get_or_insert_default(), &remaining, now);
    });
    reported.await.map(drop)
}

fn is_awaiting(namespace: &Object) -> bool {
    let finalizers = namespace.get::<Namespace>().and_then(|namespace| namespace.spec.as_ref());
    let mut finalizers = finalizers.and_then(|spec| spec.finalizers.as_ref()).into_iter().flatten();
    finalizers.any(|finalizer| finalizer == FINALIZER)
}

fn content(store: &Store, namespace: &Object, kinds: &[Kind]) -> Vec<Object> {
    let namespaced = kinds.iter().filter(|kind| kind.info().is_namespaced);
    namespaced.flat_map(|kind| store.list(*kind, Some(namespace.name())).objects).collect()
}

async fn delete_all(store: &Store, objects: &[Object]) -> Result<(), StoreError> {
    for object in objects {
        let options = DeleteOptions {
            propagation: Propagation::Background,
            uid: Some(object.uid().to_owned()),
            ..Default::default()
        };
        match store.delete(object.key(), &options).await {
            Err(error) if !error.is_not_found() && !error.is_conflict() => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

async fn finalize(store: &Store, namespace: &Object) -> Result<(), StoreError> {
    let Some(present) = store.get(namespace.key()).filter(|present| present.uid() == namespace.uid()) else {
        return Ok(());
    };
    let Some(mut typed) = present.get::<Namespace>().cloned() else { return Ok(()) };
    let finalizers = typed.spec.get_or_insert_default().finalizers.get_or_insert_default();
    finalizers.retain(|finalizer| finalizer != FINALIZER);
    match store.update_finalizers(typed).await {
        Err(error) if !error.is_not_found() => Err(error),
        _ => Ok(()),
    }
}
