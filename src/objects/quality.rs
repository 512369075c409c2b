//! The quality of service class of a pod, from what its containers ask for.
//!
//! The rule is that of the Kubernetes document "Pod Quality of Service Classes": only CPU and memory
//! count, and quantities are compared by their value, so `1` and `1000m` are the same.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{PodSpec, ResourceRequirements};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;

use super::pod::containers;
use super::quantity::Amount;

const COUNTED: [&str; 2] = ["cpu", "memory"];

/// `Guaranteed`, `Burstable` or `BestEffort`.
pub fn of(spec: &PodSpec) -> &'static str {
    let wanted: Vec<Option<&ResourceRequirements>> = match &spec.resources {
        Some(resources) if asks(Some(resources)) => vec![Some(resources)],
        _ => containers(spec).map(|container| container.resources.as_ref()).collect(),
    };
    if !wanted.iter().any(|resources| asks(*resources)) {
        "BestEffort"
    } else if wanted.iter().all(|resources| is_guaranteed(*resources)) {
        "Guaranteed"
    } else {
        "Burstable"
    }
}

fn asks(resources: Option<&ResourceRequirements>) -> bool {
    COUNTED.iter().any(|name| {
        let (request, limit) = amounts(resources, name);
        request > Amount::ZERO || limit > Amount::ZERO
    })
}

/// Limited in both, and not less requested than the limit.
fn is_guaranteed(resources: Option<&ResourceRequirements>) -> bool {
    COUNTED.iter().all(|name| {
        let (request, limit) = amounts(resources, name);
        limit > Amount::ZERO && (request == limit || request == Amount::ZERO)
    })
}

fn amounts(resources: Option<&ResourceRequirements>, name: &str) -> (Amount, Amount) {
    let amount = |list: Option<&BTreeMap<String, Quantity>>| {
        let quantity = list.and_then(|list| list.get(name));
        quantity.and_then(|quantity| Amount::parse(&quantity.0).ok()).unwrap_or(Amount::ZERO)
    };
    let requests = resources.and_then(|resources| resources.requests.as_ref());
    let limits = resources.and_then(|resources| resources.limits.as_ref());
    (amount(requests), amount(limits))
}

#[cfg(test)]
mod tests {
    use super::*;
    use k8s_openapi::api::core::v1::Container;

    fn container(requests: &[(&str, &str)], limits: &[(&str, &str)]) -> Container {
        let map = |pairs: &[(&str, &str)]| {
            Some(
                pairs.iter().map(|(name, text)| ((*name).to_owned(), Quantity((*text).to_owned()))).collect(),
            )
        };
        let resources =
            ResourceRequirements { requests: map(requests), limits: map(limits), ..Default::default() };
        Container { resources: Some(resources), ..Default::default() }
    }

    #[test]
    fn the_class_follows_from_requests_and_limits_of_cpu_and_memory() {
        let both = [("cpu", "1"), ("memory", "1Gi")];
        let cases = [
            (vec![container(&[], &[])], "BestEffort"),
            (vec![container(&[("cpu", "0"), ("storage", "1Gi")], &[])], "BestEffort"),
            (vec![container(&[("cpu", "100m")], &[])], "Burstable"),
            (vec![container(&[("cpu", "1")], &[("cpu", "1")])], "Burstable"),
            (vec![container(&[("cpu", "1"), ("memory", "1Mi")], &both)], "Burstable"),
            (vec![container(&both, &both)], "Guaranteed"),
            (vec![container(&[], &both)], "Guaranteed"),
            (vec![container(&[("cpu", "1000m"), ("memory", "1024Mi")], &both)], "Guaranteed"),
            (vec![container(&both, &both), container(&[], &[])], "Burstable"),
        ];
        for (containers, expected) in cases {
            let spec = PodSpec { containers, ..Default::default() };
            assert_eq!(of(&spec), expected, "{spec:?}");
        }
    }
}
