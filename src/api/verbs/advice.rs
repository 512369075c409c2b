//! Lint warnings for written objects, as Warning headers.
//!
//! The object is written all the same. The rules look at the present objects, so a set that is
//! created before its service gets a warning that the service is missing.

use super::Api;
use crate::objects::{Object, Typed};
use crate::rules::lint::{RelatedObjects, lint};

/// The warnings about an object that was written.
pub(super) fn on(api: &Api, written: &Typed) -> Vec<String> {
    let kinds = RelatedObjects::kinds_of(written.kind());
    if kinds.is_empty() {
        return Vec::new();
    }
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
