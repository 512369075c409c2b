//! The objects in the files, each once, and how strictly files are read.
//!
//! Objects are as written; the store adds defaults and what others wrote.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::problem::Problem;
use crate::machinery::manifest::{Located, Source, Strictness};
use crate::objects::{ObjectKey, Typed};
use crate::rules::dry_run;

/// Whatever the API would refuse is a mistake in the file.
pub(super) const STRICT: Strictness = Strictness::Strict(dry_run::create);

/// The namespace of objects that do not name one.
pub(super) const NAMESPACE_DEFAULT: &str = "default";

/// One object of a file.
pub(super) struct Wanted {
    pub(super) key: ObjectKey,
    pub(super) typed: Typed,
    pub(super) source: Source,
}

impl Wanted {
    /// The object as it is in the file.
    pub(super) fn as_is(located: Located) -> Self {
        let Located { typed, source } = located;
        Self { key: ObjectKey::of(&typed), typed, source }
    }

    /// The object as a user wants it: without what a server has written into the file, for example
    /// by `kubectl get -o yaml`.
    pub(super) fn by_a_user(located: Located) -> Self {
        let mut wanted = Self::as_is(located);
        let meta = wanted.typed.meta_mut();
        if meta.uid.take().is_some() {
            wanted.forget_cluster();
        }
        let meta = wanted.typed.meta_mut();
        meta.resource_version = None;
        meta.generation = None;
        meta.creation_timestamp = None;
        meta.deletion_timestamp = None;
        meta.deletion_grace_period_seconds = None;
        meta.managed_fields = None;
        meta.self_link = None;
        wanted
    }

    /// Takes out what only the cluster that the object comes from has: owners, a pod's node and status.
    fn forget_cluster(&mut self) {
        self.typed.meta_mut().owner_references = None;
        if let Typed::Pod(pod) = &mut self.typed {
            pod.status = None;
            pod.spec.iter_mut().for_each(|spec| spec.node_name = None);
        }
    }
}

/// The objects of all files, each once.
pub(super) type WantedObjects = BTreeMap<ObjectKey, Arc<Wanted>>;

/// The objects by key. If one is in two places the first is used, and the second is a problem. Those
/// that are `leaving` count if they are in no other place.
pub(super) fn each_once(
    staying: impl IntoIterator<Item = Arc<Wanted>>,
    leaving: impl IntoIterator<Item = Arc<Wanted>>,
    problems: &mut Vec<Problem>,
) -> WantedObjects {
    let mut once = WantedObjects::new();
    for object in staying {
        match once.get(&object.key) {
            Some(first) => problems.push(Problem::twice(&object.key, &first.source, &object.source)),
            None => {
                once.insert(object.key.clone(), object);
            }
        }
    }
    for object in leaving {
        once.entry(object.key.clone()).or_insert(object);
    }
    once
}
