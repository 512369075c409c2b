//! What is likely not meant, told at the door: the rules for manifests as Warning headers.
//!
//! An object that breaks one is taken all the same. The rules look at what is in the store at this
//! moment, so whoever writes a set before its service is told that there is none yet.

use super::Api;
use crate::objects::{Kind, Object, Typed};
use crate::rules::lint::{RelatedObjects, lint};

/// What to tell the writer of an object, besides that it is written.
pub(super) fn on(api: &Api, written: &Typed) -> Vec<String> {
    let kinds: &[Kind] = match written.kind() {
        Kind::StatefulSet => &[Kind::Service, Kind::StorageClass],
        Kind::Service => &[Kind::Service, Kind::StatefulSet, Kind::Pod],
        Kind::Pod => &[Kind::Service],
        Kind::PersistentVolumeClaim => &[Kind::StorageClass],
        _ => return Vec::new(),
    };
    let namespace = written.meta().namespace.as_deref();
    let around: Vec<Object> = kinds
        .iter()
        .flat_map(|kind| {
            let namespace = namespace.filter(|_| kind.info().is_namespaced);
            api.store.list(*kind, namespace).objects
        })
        .collect();
    let related = RelatedObjects::of(around.iter().map(Object::typed));
    lint(written, &related).iter().map(ToString::to_string).collect()
}
