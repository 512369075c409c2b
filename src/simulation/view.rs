//! What the checkers know: the objects as the events have left them.
//!
//! The predicates here are written anew from the StatefulSet documents, on purpose: if the checkers
//! shared `objects::pod` with the controller, a mistake in it would go unnoticed.

use std::collections::BTreeMap;
use std::time::Duration;

use k8s_openapi::api::apps::v1::StatefulSet;
use k8s_openapi::api::core::v1::{Pod, PodTemplateSpec};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use crate::clock::Timestamp;
use crate::objects::{Kind, Object, ObjectKey, controller_of};
use crate::store::{Change, Event};

/// The objects as the events have left them; only kinds that a checker asks for.
#[derive(Default)]
pub(super) struct View(BTreeMap<ObjectKey, Object>);

const KINDS: [Kind; 5] =
    [Kind::StatefulSet, Kind::Pod, Kind::PersistentVolumeClaim, Kind::ControllerRevision, Kind::Service];

/// The annotation that tells templates of one set apart.
pub(super) const TEMPLATE: &str = "simulation.dullahan.dev/template";

impl View {
    /// Applies an event.
    pub(super) fn take(&mut self, event: &Event) {
        let key = event.object.key();
        if !KINDS.contains(&key.kind) {
            return;
        }
        match event.change {
            Change::Deleted => self.0.remove(key),
            Change::Added | Change::Modified => self.0.insert(key.clone(), event.object.clone()),
        };
    }

    /// The object of a key.
    pub(super) fn get(&self, kind: Kind, namespace: &str, name: &str) -> Option<&Object> {
        self.0.get(&ObjectKey::new(kind, namespace, name))
    }

    /// The objects of a kind, ordered by key.
    pub(super) fn list(&self, kind: Kind) -> impl Iterator<Item = &Object> {
        let first = ObjectKey::new(kind, "", "");
        self.0.range(first..).take_while(move |(key, _)| key.kind == kind).map(|(_, object)| object)
    }

    /// The set that controls an object, if it still exists.
    pub(super) fn owner(&self, object: &Object) -> Option<&Object> {
        let owner = controller_of(object.meta()).filter(|owner| owner.kind == "StatefulSet")?;
        let set = self.get(Kind::StatefulSet, object.namespace(), &owner.name)?;
        (set.uid() == owner.uid).then_some(set)
    }

    /// The pods that the set controls, by ordinal.
    pub(super) fn members(&self, set: &Object, now: Timestamp) -> BTreeMap<i32, Member<'_>> {
        let min_ready_s = set.get::<StatefulSet>().and_then(|set| set.spec.min_ready_seconds).unwrap_or(0);
        let prefix = format!("{}-", set.name());
        let first = ObjectKey::new(Kind::Pod, set.namespace(), &prefix);
        let near = self.0.range(first..).take_while(|(key, _)| {
            key.kind == Kind::Pod && key.namespace == set.namespace() && key.name.starts_with(&prefix)
        });
        let is_owned =
            |object: &Object| controller_of(object.meta()).is_some_and(|owner| owner.uid == set.uid());
        near.filter(|(_, object)| is_owned(object))
            .filter_map(|(_, object)| {
                Some((ordinal_of(set, object)?, Member::look(object, min_ready_s, now)?))
            })
            .collect()
    }
}

/// The ordinal in the name of a pod of the set.
pub(super) fn ordinal_of(set: &Object, pod: &Object) -> Option<i32> {
    pod.name().strip_prefix(set.name())?.strip_prefix('-')?.parse().ok()
}

/// A pod with what the checkers read from it.
pub(super) struct Member<'a> {
    pub(super) object: &'a Object,
    pub(super) pod: &'a Pod,
    pub(super) phase: &'a str,
    pub(super) is_ready: bool,
    pub(super) is_available: bool,
    pub(super) is_terminating: bool,
}

impl<'a> Member<'a> {
    /// A pod that is available once it has been ready for `min_ready_s`; `None` for other kinds.
    pub(super) fn look(object: &'a Object, min_ready_s: i32, now: Timestamp) -> Option<Self> {
        let pod = object.get::<Pod>()?;
        let status = pod.status.as_ref();
        let phase = status.and_then(|status| status.phase.as_deref()).unwrap_or_default();
        let conditions = status.and_then(|status| status.conditions.as_deref()).unwrap_or_default();
        let ready =
            conditions.iter().find(|condition| condition.type_ == "Ready" && condition.status == "True");
        let is_ready = phase == "Running" && ready.is_some();
        let since = ready.and_then(|ready| ready.last_transition_time.as_ref()).map(|time| time.0);
        let wait = Duration::from_secs(u64::try_from(min_ready_s).unwrap_or_default());
        let is_available = is_ready && (min_ready_s == 0 || since.is_some_and(|since| since + wait <= now));
        Some(Self { object, pod, phase, is_ready, is_available, is_terminating: object.is_terminating() })
    }

    /// Available and not terminating.
    pub(super) fn serves(&self) -> bool {
        self.is_available && !self.is_terminating
    }

    /// Whether it has ended.
    pub(super) fn has_ended(&self) -> bool {
        matches!(self.phase, "Failed" | "Succeeded")
    }

    /// Whether it was created from this template.
    pub(super) fn is_of(&self, template: &PodTemplateSpec) -> bool {
        template_of(self.pod) == version(template)
    }

    /// The revision on its label.
    pub(super) fn revision(&self) -> &'a str {
        let labels = self.pod.metadata.labels.as_ref();
        labels.and_then(|labels| labels.get("controller-revision-hash")).map_or("", String::as_str)
    }
}

fn template_of(pod: &Pod) -> &str {
    let annotations = pod.metadata.annotations.as_ref();
    annotations.and_then(|annotations| annotations.get(TEMPLATE)).map_or("", String::as_str)
}

fn version(template: &PodTemplateSpec) -> &str {
    let annotations = template.metadata.as_ref().and_then(|meta| meta.annotations.as_ref());
    annotations.and_then(|annotations| annotations.get(TEMPLATE)).map_or("", String::as_str)
}

/// What a set's spec asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Wish {
    pub(super) start: i32,
    pub(super) replicas: i32,
    pub(super) is_ordered: bool,
    /// `None` under OnDelete.
    pub(super) rolling: Option<Rolling>,
}

/// The limits of a rolling update.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Rolling {
    /// The lowest ordinal that it may replace.
    pub(super) first: i32,
    pub(super) n_unavailable_max: i32,
    /// Whether `rollingUpdate` is stated; if not, Kubernetes counts instead of using a partition.
    pub(super) is_stated: bool,
}

impl Wish {
    /// What `set` asks for.
    pub(super) fn of(set: &StatefulSet) -> Self {
        let spec = &set.spec;
        let start = spec.ordinals.as_ref().and_then(|ordinals| ordinals.start).unwrap_or(0);
        let replicas = spec.replicas.unwrap_or(1);
        let strategy = spec.update_strategy.as_ref();
        let is_on_delete = strategy.and_then(|strategy| strategy.type_.as_deref()) == Some("OnDelete");
        let stated = strategy.and_then(|strategy| strategy.rolling_update.as_ref());
        let n_unavailable_max = match stated.and_then(|stated| stated.max_unavailable.as_ref()) {
            None => 1,
            Some(IntOrString::Int(number)) => *number,
            Some(IntOrString::String(percent)) => {
                replicas * percent.trim_end_matches('%').parse::<i32>().unwrap_or(0) / 100
            }
        };
        let rolling = Rolling {
            first: start + stated.and_then(|stated| stated.partition).unwrap_or(0),
            n_unavailable_max: n_unavailable_max.max(1),
            is_stated: stated.is_some(),
        };
        Self {
            start,
            replicas,
            is_ordered: spec.pod_management_policy.as_deref() != Some("Parallel"),
            rolling: (!is_on_delete).then_some(rolling),
        }
    }

    /// The ordinals that are wanted.
    pub(super) fn ordinals(self) -> std::ops::Range<i32> {
        self.start..self.start + self.replicas
    }
}
