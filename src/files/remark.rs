//! Warnings about objects of files: valid ones that likely do not do what their writer wants.
//!
//! They are the warnings that the API gives to whoever writes these objects, with one difference:
//! they are given once everything is applied, so that an object is not said to be missing that comes
//! next, and what is wrong with two objects is told of one of them.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::wanted::Wanted;
use crate::machinery::manifest::Source;
use crate::objects::{Object, ObjectKey};
use crate::rules::lint::{RelatedObjects, Warning, lint};
use crate::store::Store;

/// A warning about an object of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remark {
    /// Where the object is.
    pub source: Source,
    /// The object.
    pub key: ObjectKey,
    /// The warning.
    pub warning: Warning,
}

impl std::fmt::Display for Remark {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Source { file, line, .. } = &self.source;
        write!(f, "{file}:{line}: warning: {}", self.message())
    }
}

impl Remark {
    /// The warning without its place.
    pub fn message(&self) -> String {
        format!("{}: {}", self.key, self.warning)
    }

    /// What it says, wherever it stands. The same of another object is another fact, unless both
    /// objects are named in it.
    pub(super) fn fact(&self) -> String {
        match self.warning.is_mutual {
            true => format!("{}: {}", self.key.namespace, self.warning.text),
            false => self.message(),
        }
    }
}

/// The most objects that are looked at: the rules compare the objects of a namespace with each other.
const OBJECTS_MAX: usize = 5_000;

/// The warnings about objects that are in the store, in the order of the files.
pub(super) fn remarks<'w>(store: &Store, wanted: impl Iterator<Item = &'w Arc<Wanted>>) -> Vec<Remark> {
    let kinds = RelatedObjects::KINDS.iter();
    let around: Vec<Object> = kinds.flat_map(|kind| store.list(*kind, None).objects).collect();
    if around.len() > OBJECTS_MAX {
        tracing::debug!("more than {OBJECTS_MAX} objects; there are no warnings about those of files");
        return Vec::new();
    }
    let related = RelatedObjects::of(around.iter().map(Object::typed));
    let mut remarks = Vec::new();
    for wanted in wanted {
        let Some(live) = store.get(&wanted.key) else { continue };
        let remark = |warning| Remark { source: wanted.source.clone(), key: wanted.key.clone(), warning };
        remarks.extend(lint(live.typed(), &related).into_iter().map(remark));
    }
    let order = |remark: &Remark| (remark.source.file.clone(), remark.source.line);
    remarks.sort_by_key(order);
    let mut facts = BTreeSet::new();
    remarks.retain(|remark| facts.insert(remark.fact()));
    remarks
}
