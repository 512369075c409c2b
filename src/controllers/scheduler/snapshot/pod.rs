//! A pod as the scheduler sees it: what it asks of a node, parsed once.

use std::sync::Arc;

use k8s_openapi::api::core::v1::{Affinity, Pod, PodAffinityTerm, PodSpec, WeightedPodAffinityTerm};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use super::ports::{HostPort, host_ports};
use super::resources::{Resources, requested, scored};
use super::term::Term;
use crate::objects::{Kind, Object, ObjectKey, pod};

/// A pod and what it asks for.
#[derive(Clone, Debug)]
pub(in super::super) struct PodInfo {
    /// Its present version.
    pub(in super::super) object: Object,
    /// What its spec and labels mean. Versions that have the same share it.
    pub(in super::super) demand: Arc<Demand>,
}

/// What a pod asks of a node.
#[derive(Debug)]
pub(in super::super) struct Demand {
    /// How important it is.
    pub(in super::super) priority: i32,
    /// What it requests.
    pub(in super::super) requested: Resources,
    /// What it counts for in scores.
    pub(in super::super) scored: Resources,
    /// The ports of the node that it uses.
    pub(in super::super) ports: Vec<HostPort>,
    /// The claims that it mounts.
    pub(in super::super) claims: Vec<ObjectKey>,
    /// Its affinity to other pods, and theirs to it.
    pub(in super::super) terms: Terms,
}

/// The terms of pod affinity and anti-affinity; preferred ones with their weights.
#[derive(Debug, Default, PartialEq, Eq)]
pub(in super::super) struct Terms {
    pub(in super::super) affinity: Vec<Term>,
    pub(in super::super) anti_affinity: Vec<Term>,
    pub(in super::super) preferred_affinity: Vec<(Term, i64)>,
    pub(in super::super) preferred_anti_affinity: Vec<(Term, i64)>,
}

impl PodInfo {
    /// The pod; `None` if the object is none. What an earlier version asked for is taken over if it
    /// still does.
    pub(in super::super) fn new(object: &Object, before: Option<&PodInfo>) -> Option<Self> {
        let pod = object.get::<Pod>()?;
        let same = before.filter(|before| {
            before.object.get::<Pod>().is_some_and(|before| {
                before.spec == pod.spec && before.metadata.labels == pod.metadata.labels
            })
        });
        let demand = same.map_or_else(|| Arc::new(Demand::of(pod)), |before| before.demand.clone());
        Some(Self { object: object.clone(), demand })
    }

    /// The pod.
    pub(in super::super) fn pod(&self) -> &Pod {
        self.object.get().expect("only pods are made into one")
    }

    /// Its spec.
    pub(in super::super) fn spec(&self) -> Option<&PodSpec> {
        self.pod().spec.as_ref()
    }

    /// The node that it was nominated to when others had to make room for it.
    pub(in super::super) fn nominated_node(&self) -> Option<&str> {
        let nominated = self.pod().status.as_ref()?.nominated_node_name.as_deref();
        nominated.filter(|node| !node.is_empty())
    }
}

impl Demand {
    fn of(pod: &Pod) -> Self {
        let absent = PodSpec::default();
        let spec = pod.spec.as_ref().unwrap_or(&absent);
        let namespace = pod.metadata.namespace.as_deref().unwrap_or_default();
        let claim = |name: String| ObjectKey::new(Kind::PersistentVolumeClaim, namespace, &name);
        Self {
            priority: pod::priority(spec),
            requested: requested(spec),
            scored: scored(spec),
            ports: host_ports(spec),
            claims: claim_names(pod).into_iter().map(claim).collect(),
            terms: spec.affinity.as_ref().map_or_else(Terms::default, |one| Terms::of(one, &pod.metadata)),
        }
    }
}

impl Terms {
    fn of(affinity: &Affinity, meta: &ObjectMeta) -> Self {
        let required = |terms: &Option<Vec<PodAffinityTerm>>| {
            terms.iter().flatten().map(|term| Term::parse(term, meta)).collect()
        };
        let preferred = |terms: &Option<Vec<WeightedPodAffinityTerm>>| {
            let term = |term: &WeightedPodAffinityTerm| {
                (Term::parse(&term.pod_affinity_term, meta), i64::from(term.weight))
            };
            terms.iter().flatten().map(term).collect()
        };
        let mut terms = Self::default();
        if let Some(affinity) = &affinity.pod_affinity {
            terms.affinity = required(&affinity.required_during_scheduling_ignored_during_execution);
            terms.preferred_affinity =
                preferred(&affinity.preferred_during_scheduling_ignored_during_execution);
        }
        if let Some(affinity) = &affinity.pod_anti_affinity {
            terms.anti_affinity = required(&affinity.required_during_scheduling_ignored_during_execution);
            terms.preferred_anti_affinity =
                preferred(&affinity.preferred_during_scheduling_ignored_during_execution);
        }
        terms
    }
}

/// The names of the claims a pod mounts; those of generic ephemeral volumes are `pod-volume`.
pub(in super::super) fn claim_names(pod: &Pod) -> Vec<String> {
    let volumes = pod.spec.as_ref().and_then(|spec| spec.volumes.as_deref()).unwrap_or_default();
    let pod_name = pod.metadata.name.as_deref().unwrap_or_default();
    let name = |volume: &k8s_openapi::api::core::v1::Volume| match &volume.persistent_volume_claim {
        Some(source) => Some(source.claim_name.clone()),
        None => volume.ephemeral.as_ref().map(|_| format!("{pod_name}-{}", volume.name)),
    };
    volumes.iter().filter_map(name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn claims_of_ephemeral_volumes_are_named_after_the_pod() {
        let pod: Pod = serde_yaml::from_str(
            "{metadata: {name: web-0}, spec: {containers: [], volumes: [
               {name: data, persistentVolumeClaim: {claimName: data-web-0}},
               {name: tmp, ephemeral: {}}, {name: other}]}}",
        )
        .unwrap();
        assert_eq!(claim_names(&pod), ["data-web-0", "web-0-tmp"]);
    }

    #[test]
    fn a_change_of_the_status_alone_keeps_what_was_parsed() {
        let pod = |labels: &str, phase: &str| {
            let text = format!(
                "{{metadata: {{name: a, labels: {labels}}}, spec: {{containers: []}}, status: {{phase: {phase}}}}}"
            );
            Object::unversioned(serde_yaml::from_str::<Pod>(&text).unwrap().into())
        };
        let first = PodInfo::new(&pod("{a: b}", "Pending"), None).unwrap();
        let second = PodInfo::new(&pod("{a: b}", "Running"), Some(&first)).unwrap();
        assert!(Arc::ptr_eq(&first.demand, &second.demand));
        let third = PodInfo::new(&pod("{a: c}", "Running"), Some(&first)).unwrap();
        assert!(!Arc::ptr_eq(&first.demand, &third.demand));
    }
}
