//! Sets, pods and claims to test with, in the form the API accepts.

use std::collections::BTreeMap;

use k8s_openapi::api::apps::v1::StatefulSet;
use k8s_openapi::api::core::v1::{PersistentVolumeClaim, Pod, PodCondition, PodStatus};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{OwnerReference, Time};
use serde_json::{Value, json};

use super::super::decide;
use super::super::world::{Record, TemplateRevision};
use crate::clock::Timestamp;
use crate::machinery::selector::Selector;
use crate::objects::Object;

/// The uid of [`set`] where no store gives one.
pub(crate) const SET_UID: &str = "set-uid";

/// The set of the scenarios, `default/foo`, with `spec` laid over its spec.
pub(crate) fn set(spec: Value) -> StatefulSet {
    let mut set = json!({
        "apiVersion": "apps/v1", "kind": "StatefulSet",
        "metadata": { "name": "foo", "namespace": "default" },
        "spec": {
            "replicas": 3,
            "serviceName": "governingsvc",
            "selector": { "matchLabels": { "foo": "bar" } },
            "updateStrategy": { "type": "RollingUpdate" },
            "revisionHistoryLimit": 2,
            "template": {
                "metadata": { "labels": { "foo": "bar" } },
                "spec": {
                    "containers": [{ "name": "nginx", "image": "nginx" }],
                    "volumes": [{ "name": "home", "hostPath": { "path": "/data/home" } }],
                },
            },
            "volumeClaimTemplates": [{
                "metadata": { "name": "datadir" },
                "spec": {
                    "accessModes": ["ReadWriteOnce"],
                    "resources": { "requests": { "storage": "1" } },
                },
            }],
        },
    });
    merge(&mut set["spec"], spec);
    serde_json::from_value(set).unwrap()
}

/// The set as a store would keep it, for the pure parts.
pub(crate) fn kept_set(spec: Value) -> StatefulSet {
    let mut set = set(spec);
    set.metadata.uid = Some(SET_UID.into());
    set.metadata.generation = Some(1);
    set
}

/// The set's template as a revision of that name.
pub(crate) fn revision(set: &StatefulSet, name: &str) -> TemplateRevision {
    TemplateRevision { name: name.into(), template: set.spec.template.clone() }
}

/// How a pod of a test is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Seen {
    Pending,
    Running,
    Ready,
    Failed,
    Succeeded,
    Terminating,
}

/// The set's pod of `ordinal`, of a revision, as it is seen at the epoch.
pub(crate) fn pod(set: &StatefulSet, ordinal: i32, revision_name: &str, seen: Seen) -> Pod {
    let mut pod = decide::pod::new_pod(set, &revision(set, revision_name), ordinal);
    pod.metadata.uid = Some(format!("{}-uid", pod.metadata.name.as_deref().unwrap()));
    let phase = match seen {
        Seen::Pending => "Pending",
        Seen::Failed => "Failed",
        Seen::Succeeded => "Succeeded",
        Seen::Running | Seen::Ready | Seen::Terminating => "Running",
    };
    pod.status = Some(PodStatus { phase: Some(phase.into()), ..Default::default() });
    if matches!(seen, Seen::Ready | Seen::Terminating) {
        set_ready(&mut pod, Some(Timestamp::UNIX_EPOCH));
    }
    if seen == Seen::Terminating {
        pod.metadata.deletion_timestamp = Some(Time(Timestamp::UNIX_EPOCH));
    }
    pod
}

/// The pods as a census keeps them.
pub(crate) fn records(set: &StatefulSet, pods: &[Pod]) -> Vec<Record> {
    let selector = Selector::from_label_selector(&set.spec.selector).unwrap();
    let object = |pod: &Pod| Object::at_revision(pod.clone().into(), 1);
    let mut names = Vec::new();
    let record = |pod: &Pod| Record::of(set, &selector, &object(pod), &mut names).unwrap();
    let mut records: Vec<Record> = pods.iter().map(record).collect();
    records.sort_by(|a, b| a.order(b.ordinal, b.object.key()));
    records
}

/// Makes a pod ready since an instant, or not ready.
pub(crate) fn set_ready(pod: &mut Pod, since: Option<Timestamp>) {
    let condition = PodCondition {
        type_: "Ready".into(),
        status: if since.is_some() { "True" } else { "False" }.into(),
        last_transition_time: since.map(crate::objects::time),
        ..Default::default()
    };
    pod.status.get_or_insert_default().conditions = Some(vec![condition]);
}

/// A claim of that name with these owners.
pub(crate) fn claim(name: &str, owners: &[OwnerReference]) -> PersistentVolumeClaim {
    let mut claim: PersistentVolumeClaim = serde_json::from_value(json!({
        "metadata": { "name": name, "namespace": "default" },
        "spec": { "accessModes": ["ReadWriteOnce"], "resources": { "requests": { "storage": "1" } } },
    }))
    .unwrap();
    claim.metadata.owner_references = (!owners.is_empty()).then(|| owners.to_vec());
    claim
}

/// Claims by name, for a lookup.
pub(crate) fn claims(claims: impl IntoIterator<Item = PersistentVolumeClaim>) -> BTreeMap<String, Object> {
    let object = |claim: PersistentVolumeClaim| {
        let name = claim.metadata.name.clone().unwrap();
        (name, Object::at_revision(claim.into(), 1))
    };
    claims.into_iter().map(object).collect()
}

/// Lays one JSON value over another; null removes.
pub(crate) fn merge(target: &mut Value, patch: Value) {
    match (target, patch) {
        (Value::Object(target), Value::Object(patch)) => {
            for (key, value) in patch {
                if value.is_null() {
                    target.remove(&key);
                } else {
                    merge(target.entry(key).or_insert(Value::Null), value);
                }
            }
        }
        (target, patch) => *target = patch,
    }
}
