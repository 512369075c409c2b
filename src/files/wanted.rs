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

impl From<Located> for Wanted {
    fn from(located: Located) -> Self {
        let Located { typed, source } = located;
        Self { key: ObjectKey::of(&typed), typed, source }
    }
}

/// The objects of all files, each once.
pub(super) type WantedObjects = BTreeMap<ObjectKey, Arc<Wanted>>;

/// The objects by key. If one is in two places the first is used, and the second is a problem.
pub(super) fn each_once(
    objects: impl IntoIterator<Item = Arc<Wanted>>,
    problems: &mut Vec<Problem>,
) -> WantedObjects {
    let mut once = WantedObjects::new();
    for object in objects {
        match once.get(&object.key) {
            Some(first) => problems.push(Problem::twice(&object.key, &first.source, &object.source)),
            None => {
                once.insert(object.key.clone(), object);
            }
        }
    }
    once
}
