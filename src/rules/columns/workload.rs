//! Rows of StatefulSets and their revisions.
//!
//! A set shows its ready pods against the wanted ones, a revision its controller and number.

use k8s_openapi::api::apps::v1::{ControllerRevision, StatefulSet};
use k8s_openapi::api::core::v1::Container;
use serde_json::Value;

use super::age::since;
use super::cell::NONE;
use super::column::{AGE, Column, NAME, number, text, wide};
use crate::clock::Timestamp;
use crate::objects::controller_of;

pub(super) const STATEFUL_SET: &[Column] = &[
    NAME,
    text("Ready", "The number of ready pods and of wanted pods."),
    AGE,
    wide("Containers", "The names of the template's containers."),
    wide("Images", "The images of the template's containers."),
];

pub(super) const REVISION: &[Column] = &[
    NAME,
    text("Controller", "The controller of the revision."),
    number("Revision", "The number of the revision."),
    AGE,
];

pub(super) fn stateful_set(set: &StatefulSet, now: Timestamp) -> Vec<Value> {
    let containers =
        set.spec.template.spec.as_ref().map(|spec| spec.containers.as_slice()).unwrap_or_default();
    let n_ready = set.status.as_ref().and_then(|status| status.ready_replicas).unwrap_or_default();
    let n_wanted = set.spec.replicas.unwrap_or_default();
    let joined = |text: fn(&Container) -> &str| containers.iter().map(text).collect::<Vec<_>>().join(",");
    vec![
        set.metadata.name.clone().into(),
        format!("{n_ready}/{n_wanted}").into(),
        since(set.metadata.creation_timestamp.as_ref(), now).into(),
        joined(|container| &container.name).into(),
        joined(|container| container.image.as_deref().unwrap_or_default()).into(),
    ]
}

pub(super) fn revision(revision: &ControllerRevision, now: Timestamp) -> Vec<Value> {
    let controller = controller_of(&revision.metadata).map(|owner| {
        let group = owner.api_version.split_once('/').map(|(group, _)| format!(".{group}"));
        format!("{}{}/{}", owner.kind.to_lowercase(), group.unwrap_or_default(), owner.name)
    });
    vec![
        revision.metadata.name.clone().into(),
        controller.unwrap_or_else(|| NONE.into()).into(),
        revision.revision.into(),
        since(revision.metadata.creation_timestamp.as_ref(), now).into(),
    ]
}
