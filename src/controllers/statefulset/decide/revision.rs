//! Revisions: every version of the template is kept as a ControllerRevision named by the hash of its
//! bytes.
//!
//! Pure. The bytes are those that Kubernetes writes (see [`encoding`](super::encoding)), so names
//! equal those of a real cluster, and a set that moves between the two is not rolled out again.
//! [`resolve`] finds the revision of the template; an earlier revision is renumbered instead of
//! written again, so a rollback gets its old name back.

use k8s_openapi::api::apps::v1::{ControllerRevision, StatefulSet};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use k8s_openapi::apimachinery::pkg::runtime::RawExtension;
use serde_json::{Value, json};

use super::encoding;
use crate::controllers::statefulset::naming::{name_of, owner_reference};
use crate::controllers::statefulset::world::TemplateRevision;
use crate::objects::{Object, Typed};
use crate::rules::defaulting;

/// The label that holds the hash alone.
pub(crate) const LABEL_HASH: &str = "controller.kubernetes.io/hash";
/// A name is cut so that hyphen and hash fit into an object name.
const NAME_PREFIX_OCTETS_MAX: usize = 223;
/// How many unused revisions are kept by default.
const HISTORY_LIMIT_DEFAULT: i32 = 10;

/// The ControllerRevision of the set's template.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Resolution {
    /// The newest one, with this name.
    Newest(String),
    /// An older one: it becomes the newest by taking this number.
    Renumber(String, i64),
    /// None: create this one.
    Create(Box<ControllerRevision>),
}

/// Why a stored revision cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("ControllerRevision {name} holds no pod template; delete it or restore it: {source}")]
pub(crate) struct Unreadable {
    name: String,
    source: serde_json::Error,
}

/// The hash of a revision's bytes, in letters that make no words (FNV-1, 32 bits).
pub(crate) fn hash(bytes: &str, collision_count: i32) -> String {
    const LETTERS: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";
    let counted = collision_count.to_string();
    let step = |hash: u32, octet: u8| hash.wrapping_mul(0x0100_0193) ^ u32::from(octet);
    let hash = bytes.bytes().chain(counted.bytes()).fold(0x811c_9dc5, step);
    hash.to_string().bytes().map(|digit| char::from(LETTERS[usize::from(digit) % LETTERS.len()])).collect()
}

/// The ControllerRevision that the set's template would be.
pub(crate) fn propose(set: &StatefulSet, number: i64, collision_count: i32) -> ControllerRevision {
    let data = data(set);
    let hash = hash(&encoding::encode(&data), collision_count);
    let mut prefix = name_of(&set.metadata);
    while prefix.len() > NAME_PREFIX_OCTETS_MAX {
        let (last, _) = prefix.char_indices().next_back().expect("a long name is not empty");
        prefix = &prefix[..last];
    }
    let mut labels =
        set.spec.template.metadata.as_ref().and_then(|meta| meta.labels.clone()).unwrap_or_default();
    labels.insert(LABEL_HASH.to_owned(), hash.clone());
    ControllerRevision {
        metadata: ObjectMeta {
            name: Some(format!("{prefix}-{hash}")),
            namespace: set.metadata.namespace.clone(),
            labels: Some(labels),
            annotations: set.metadata.annotations.clone(),
            owner_references: Some(vec![owner_reference(set)]),
            ..Default::default()
        },
        data: RawExtension(data),
        revision: Some(number),
    }
}

/// Puts revisions in their order: by number, then by age, then by name.
pub(crate) fn sort(revisions: &mut [Object]) {
    revisions.sort_by(|a, b| {
        let created = |object: &Object| object.meta().creation_timestamp.as_ref().map(|time| time.0);
        (number(a), created(a), a.name()).cmp(&(number(b), created(b), b.name()))
    });
}

/// Finds the revision of the set's template among `existing`, which are sorted.
pub(crate) fn resolve(set: &StatefulSet, existing: &[Object], collision_count: i32) -> Resolution {
    let next = existing.last().map_or(0, number) + 1;
    let proposal = propose(set, next, collision_count);
    let wanted = encoding::encode(&proposal.data.0);
    let equal = existing.iter().rev().find(|revision| bytes(revision) == wanted);
    match (equal, existing.last()) {
        (Some(equal), Some(newest)) if equal.name() == newest.name() => {
            Resolution::Newest(newest.name().to_owned())
        }
        (Some(equal), _) => Resolution::Renumber(equal.name().to_owned(), next),
        (None, Some(newest)) if means_the_same(set, newest, &wanted) => {
            Resolution::Newest(newest.name().to_owned())
        }
        (None, _) => Resolution::Create(Box::new(proposal)),
    }
}

/// Whether two revisions hold the same bytes.
pub(crate) fn is_same(present: &Object, proposal: &ControllerRevision) -> bool {
    bytes(present) == encoding::encode(&proposal.data.0)
}

/// The template that a stored revision holds.
pub(crate) fn read(revision: &Object) -> Result<TemplateRevision, Unreadable> {
    let data = revision.get::<ControllerRevision>().map(|revision| revision.data.0.clone());
    let template = data.as_ref().and_then(|data| data.pointer("/spec/template")).cloned();
    let template = serde_json::from_value(template.unwrap_or_default());
    let name = revision.name().to_owned();
    match template {
        Ok(template) => Ok(TemplateRevision { name, template }),
        Err(source) => Err(Unreadable { name, source }),
    }
}

/// The set's template as the revision of that name.
pub(crate) fn of_set(set: &StatefulSet, name: &str) -> TemplateRevision {
    TemplateRevision { name: name.to_owned(), template: set.spec.template.clone() }
}

/// The revisions to delete, oldest first, so that no more unused ones remain than the set's limit. A
/// negative limit keeps all.
pub(crate) fn superfluous<'a>(
    set: &StatefulSet,
    existing: &'a [Object],
    is_live: impl Fn(&str) -> bool,
) -> Vec<&'a Object> {
    let limit = set.spec.revision_history_limit.unwrap_or(HISTORY_LIMIT_DEFAULT);
    let Ok(limit) = usize::try_from(limit) else { return Vec::new() };
    let idle: Vec<&Object> = existing.iter().filter(|revision| !is_live(revision.name())).collect();
    let n_excess = idle.len().saturating_sub(limit);
    idle.into_iter().take(n_excess).collect()
}

/// A stored revision's number.
pub(crate) fn number(revision: &Object) -> i64 {
    revision.get::<ControllerRevision>().and_then(|revision| revision.revision).unwrap_or_default()
}

fn data(set: &StatefulSet) -> Value {
    let mut template = encoding::template(&set.spec.template);
    template["$patch"] = json!("replace");
    json!({ "spec": { "template": template } })
}

fn bytes(revision: &Object) -> String {
    let data = revision.get::<ControllerRevision>().map(|revision| &revision.data.0);
    data.map(encoding::encode).unwrap_or_default()
}

/// Whether a revision differs from `wanted` only in its encoding: an earlier release wrote empty
/// fields or knew fewer defaults. Rolling out again for that would be wrong.
fn means_the_same(set: &StatefulSet, revision: &Object, wanted: &str) -> bool {
    let Ok(read) = read(revision) else { return false };
    let mut applied = set.clone();
    applied.spec.template = read.template;
    let mut typed = Typed::from(applied);
    defaulting::default(&mut typed);
    matches!(&typed, Typed::StatefulSet(applied) if encoding::encode(&data(applied)) == wanted)
}
