//! The quality of service class of a pod, from what its containers ask for.
//!
//! The rule is that of the Kubernetes document "Pod Quality of Service Classes": only processor
//! time and memory count.

use k8s_openapi::api::core::v1::{PodSpec, ResourceRequirements};

use crate::objects::quantity::Amount;

const COUNTED: [&str; 2] = ["cpu", "memory"];

/// `Guaranteed`, `Burstable` or `BestEffort`.
pub(super) fn of(spec: &PodSpec) -> &'static str {
    let of_containers = spec.containers.iter().chain(spec.init_containers.iter().flatten());
    let wanted: Vec<Option<&ResourceRequirements>> = match &spec.resources {
        Some(resources) if asks(Some(resources)) => vec![Some(resources)],
        _ => of_containers.map(|container| container.resources.as_ref()).collect(),
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
    let amount = |list: Option<&std::collections::BTreeMap<String, _>>| {
        let quantity: Option<&k8s_openapi::apimachinery::pkg::api::resource::Quantity> =
            list.and_then(|list| list.get(name));
        quantity.and_then(|quantity| Amount::parse(&quantity.0).ok()).unwrap_or(Amount::ZERO)
    };
    let requests = resources.and_then(|resources| resources.requests.as_ref());
    let limits = resources.and_then(|resources| resources.limits.as_ref());
    (amount(requests), amount(limits))
}
