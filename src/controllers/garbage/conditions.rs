//! The conditions by which a terminating namespace reports its remaining content.
//!
//! Pure. Types, reasons and messages are those of Kubernetes (`pkg/controller/namespace/deletion`).
//! Content is always known and always deletable here, so the first three never report a failure.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::NamespaceCondition;

use crate::clock::Timestamp;
use crate::objects::{Kind, Object, time};

/// Updates the conditions to what remains; a condition whose status is unchanged keeps its time.
pub(super) fn set(conditions: &mut Vec<NamespaceCondition>, remaining: &[Object], now: Timestamp) {
    for (type_, status, reason, message) in all(remaining) {
        set_one(conditions, type_, status, reason, message, now);
    }
}

type Report = (&'static str, bool, &'static str, String);

fn all(remaining: &[Object]) -> [Report; 5] {
    let fine = |type_, reason, message: &str| (type_, false, reason, message.to_owned());
    [
        fine(
            "NamespaceDeletionDiscoveryFailure",
            "ResourcesDiscovered",
            "All resources successfully discovered",
        ),
        fine(
            "NamespaceDeletionGroupVersionParsingFailure",
            "ParsedGroupVersions",
            "All legacy kube types successfully parsed",
        ),
        fine(
            "NamespaceDeletionContentFailure",
            "ContentDeleted",
            "All content successfully deleted, may be waiting on finalization",
        ),
        content(remaining),
        finalizers(remaining),
    ]
}

fn content(remaining: &[Object]) -> Report {
    let type_ = "NamespaceContentRemaining";
    if remaining.is_empty() {
        return (type_, false, "ContentRemoved", "All content successfully removed".into());
    }
    let counts = count(remaining.iter().map(|object| resource(object.kind())));
    let counts: Vec<String> =
        counts.iter().map(|(name, n)| format!("{name} has {n} resource instances")).collect();
    (type_, true, "SomeResourcesRemain", format!("Some resources are remaining: {}", counts.join(", ")))
}

fn finalizers(remaining: &[Object]) -> Report {
    let type_ = "NamespaceFinalizersRemaining";
    let held = remaining.iter().flat_map(|object| object.meta().finalizers.iter().flatten().cloned());
    let counts = count(held);
    if counts.is_empty() {
        let message = "All content-preserving finalizers finished";
        return (type_, false, "ContentHasNoFinalizers", message.into());
    }
    let counts: Vec<String> =
        counts.iter().map(|(name, n)| format!("{name} in {n} resource instances")).collect();
    let message = format!("Some content in the namespace has finalizers remaining: {}", counts.join(", "));
    (type_, true, "SomeFinalizersRemain", message)
}

fn set_one(
    conditions: &mut Vec<NamespaceCondition>,
    type_: &str,
    is_true: bool,
    reason: &str,
    message: String,
    now: Timestamp,
) {
    let status = if is_true { "True" } else { "False" };
    let present = conditions.iter_mut().find(|condition| condition.type_ == type_);
    let since = present.as_ref().filter(|condition| condition.status == status);
    let since = since.and_then(|condition| condition.last_transition_time.clone());
    let condition = NamespaceCondition {
        type_: type_.to_owned(),
        status: status.to_owned(),
        reason: Some(reason.to_owned()),
        message: Some(message),
        last_transition_time: since.or_else(|| Some(time(now))),
    };
    match present {
        Some(present) => *present = condition,
        None => conditions.push(condition),
    }
}

/// A resource's name with its group: `pods.`, `statefulsets.apps`.
fn resource(kind: Kind) -> String {
    format!("{}.{}", kind.info().plural, kind.info().group)
}

fn count(names: impl Iterator<Item = String>) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for name in names {
        *counts.entry(name).or_default() += 1;
    }
    counts
}
