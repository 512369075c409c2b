//! Amounts of resources: what a node has, and what a pod requests of it.
//!
//! A pod requests what its containers do together, sidecars included, or what one of its init
//! containers needs beside the sidecars before it, if that is more (`PodRequests` of
//! `component-helpers/resource`). What running pods report of themselves is not asked: nothing here
//! resizes pods.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{Container, PodSpec};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;

use crate::objects::pod::is_sidecar;
use crate::objects::quantity::Amount;

/// What a container counts for in scores that requests no CPU, in thousandths of a core.
const MILLI_CPU_DEFAULT: i128 = 100;
/// What a container counts for in scores that requests no memory, in octets.
const MEMORY_DEFAULT: i128 = 200 * 1024 * 1024;

/// Amounts of resources. Wider than any quantity, so that sums of all pods are exact.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in super::super) struct Resources {
    /// CPU, in thousandths of a core.
    pub(in super::super) milli_cpu: i128,
    /// Memory, in octets.
    pub(in super::super) memory: i128,
    /// Ephemeral storage, in octets.
    pub(in super::super) ephemeral_storage: i128,
    /// Extended resources and huge pages.
    pub(in super::super) scalars: BTreeMap<String, i128>,
}

type Quantities = BTreeMap<String, Quantity>;

impl Resources {
    /// The amounts in a list; names that are not resources of nodes are left out.
    pub(in super::super) fn of(list: Option<&Quantities>) -> Self {
        let mut resources = Self::default();
        for (name, quantity) in list.into_iter().flatten() {
            resources.set(name, quantity);
        }
        resources
    }

    /// Adds `other`, `sign` times.
    pub(in super::super) fn add(&mut self, other: &Self, sign: i128) {
        self.milli_cpu += sign * other.milli_cpu;
        self.memory += sign * other.memory;
        self.ephemeral_storage += sign * other.ephemeral_storage;
        for (name, amount) in &other.scalars {
            *self.scalars.entry(name.clone()).or_default() += sign * amount;
        }
    }

    /// The amount of an extended resource.
    pub(in super::super) fn scalar(&self, name: &str) -> i128 {
        self.scalars.get(name).copied().unwrap_or_default()
    }

    fn set(&mut self, name: &str, quantity: &Quantity) {
        let amount = Amount::parse(&quantity.0).unwrap_or(Amount::ZERO);
        match name {
            "cpu" => self.milli_cpu = amount.ceil_milli(),
            "memory" => self.memory = amount.ceil().into(),
            "ephemeral-storage" => self.ephemeral_storage = amount.ceil().into(),
            _ if is_scalar(name) => drop(self.scalars.insert(name.to_owned(), amount.ceil().into())),
            _ => {}
        }
    }

    fn raise_to(&mut self, other: &Self) {
        self.milli_cpu = self.milli_cpu.max(other.milli_cpu);
        self.memory = self.memory.max(other.memory);
        self.ephemeral_storage = self.ephemeral_storage.max(other.ephemeral_storage);
        for (name, amount) in &other.scalars {
            let present = self.scalars.entry(name.clone()).or_default();
            *present = (*present).max(*amount);
        }
    }
}

/// Whether a name is that of an extended resource or of huge pages.
fn is_scalar(name: &str) -> bool {
    name.contains('/') || is_huge_pages(name)
}

fn is_huge_pages(name: &str) -> bool {
    name.starts_with("hugepages-")
}

/// What the pod requests, overhead included.
pub(in super::super) fn requested(spec: &PodSpec) -> Resources {
    total(spec, |_| false)
}

/// What the pod counts for in scores: containers that request no CPU or memory count for a little,
/// so that pods without requests are spread too.
pub(in super::super) fn scored(spec: &PodSpec) -> Resources {
    let is_given =
        |list: &Option<Quantities>, name: &str| list.as_ref().is_some_and(|list| list.contains_key(name));
    let has_own = of_pod(spec).is_some();
    let asked = |name: &'static str| {
        let containers = crate::objects::pod::containers(spec);
        let mut resources = containers.filter_map(|container| container.resources.as_ref());
        is_given(&spec.resources.as_ref().and_then(|own| own.requests.clone()), name)
            || resources.any(|resources| is_given(&resources.requests, name))
    };
    total(spec, |name| !has_own || !asked(name))
}

/// The requests of the pod as a whole, which stand for those of its containers.
fn of_pod(spec: &PodSpec) -> Option<&Quantities> {
    let requests = spec.resources.as_ref()?.requests.as_ref()?;
    requests.keys().any(|name| is_of_pods(name)).then_some(requests)
}

fn is_of_pods(name: &str) -> bool {
    matches!(name, "cpu" | "memory") || is_huge_pages(name)
}

fn total(spec: &PodSpec, is_defaulted: impl Fn(&'static str) -> bool) -> Resources {
    let (is_cpu_defaulted, is_memory_defaulted) = (is_defaulted("cpu"), is_defaulted("memory"));
    let of = |container: &Container| {
        let requests = container.resources.as_ref().and_then(|resources| resources.requests.as_ref());
        let mut wanted = Resources::of(requests);
        let is_absent = |name| requests.is_none_or(|requests| !requests.contains_key(name));
        if is_cpu_defaulted && is_absent("cpu") {
            wanted.milli_cpu = MILLI_CPU_DEFAULT;
        }
        if is_memory_defaulted && is_absent("memory") {
            wanted.memory = MEMORY_DEFAULT;
        }
        wanted
    };
    let mut total = Resources::default();
    spec.containers.iter().for_each(|container| total.add(&of(container), 1));
    let (mut sidecars, mut start) = (Resources::default(), Resources::default());
    for container in spec.init_containers.iter().flatten() {
        let mut wanted = of(container);
        if is_sidecar(container) {
            total.add(&wanted, 1);
            sidecars.add(&wanted, 1);
            start.raise_to(&sidecars);
        } else {
            wanted.add(&sidecars, 1);
            start.raise_to(&wanted);
        }
    }
    total.raise_to(&start);
    for (name, quantity) in of_pod(spec).into_iter().flatten().filter(|(name, _)| is_of_pods(name)) {
        total.set(name, quantity);
    }
    total.add(&Resources::of(spec.overhead.as_ref()), 1);
    total
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec(yaml: &str) -> PodSpec {
        serde_yaml::from_str(yaml).unwrap()
    }

    #[track_caller]
    fn check(yaml: &str, milli_cpu: i128, memory: i128) {
        let found = requested(&spec(yaml));
        assert_eq!((found.milli_cpu, found.memory), (milli_cpu, memory), "{yaml}");
    }

    const REQUEST: &str = "resources: {requests: {cpu: 100m, memory: 1Ki}}";

    #[test]
    fn a_pod_requests_what_its_containers_need_together_or_an_init_container_alone() {
        check("{containers: [{name: a}]}", 0, 0);
        check(&format!("{{containers: [{{name: a, {REQUEST}}}, {{name: b, {REQUEST}}}]}}"), 200, 2048);
        let init = |request: &str, policy: &str| {
            format!("{{name: i, restartPolicy: {policy}, resources: {{requests: {{cpu: {request}}}}}}}")
        };
        let (small, large) = (init("50m", "null"), init("1", "null"));
        let (side, late) = (init("200m", "Always"), init("250m", "null"));
        let pod = |inits: &[&String]| {
            let inits = inits.iter().map(|one| one.as_str()).collect::<Vec<_>>().join(", ");
            format!("{{containers: [{{name: a, {REQUEST}}}], initContainers: [{inits}]}}")
        };
        check(&pod(&[&small]), 100, 1024);
        check(&pod(&[&large]), 1000, 1024);
        check(&pod(&[&side]), 300, 1024);
        check(&pod(&[&side, &late]), 450, 1024);
        check(&pod(&[&late, &side]), 300, 1024);
    }

    #[test]
    fn requests_of_the_pod_replace_those_of_its_containers_and_overhead_is_added() {
        let own = "resources: {requests: {cpu: 1}}, overhead: {cpu: 10m, memory: 1}";
        check(&format!("{{containers: [{{name: a, {REQUEST}}}], {own}}}"), 1010, 1025);
    }

    #[test]
    fn extended_resources_count_and_unknown_ones_do_not() {
        let requests = "{example.com/gpu: 2, hugepages-2Mi: 4Mi, storage: 1Gi, ephemeral-storage: 1Ki}";
        let found =
            requested(&spec(&format!("{{containers: [{{name: a, resources: {{requests: {requests}}}}}]}}")));
        assert_eq!((found.scalar("example.com/gpu"), found.scalar("hugepages-2Mi")), (2, 4 << 20));
        assert_eq!((found.scalars.len(), found.ephemeral_storage), (2, 1024));
    }

    #[test]
    fn containers_without_requests_count_a_little_in_scores() {
        let of = |yaml: &str| {
            let found = scored(&spec(yaml));
            (found.milli_cpu, found.memory)
        };
        assert_eq!(of("{containers: [{name: a}, {name: b}]}"), (200, 2 * MEMORY_DEFAULT));
        assert_eq!(of(&format!("{{containers: [{{name: a, {REQUEST}}}]}}")), (100, 1024));
        let own = "resources: {requests: {cpu: 1}}";
        assert_eq!(of(&format!("{{containers: [{{name: a}}], {own}}}")), (1000, MEMORY_DEFAULT));
    }
}
