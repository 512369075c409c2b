//! The quality of service class of a pod (Kubernetes document "Pod Quality of Service Classes").
//!
//! Pure. Quantities are compared as they are written: `1` and `1000m` count as different, which
//! makes such a pod Burstable.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{Container, PodSpec};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;

/// What the class depends on; other resources do not count.
const RESOURCES: [&str; 2] = ["cpu", "memory"];

/// The class of a pod with this spec.
pub(super) fn class(spec: &PodSpec) -> &'static str {
    let containers = || spec.init_containers.iter().flatten().chain(&spec.containers);
    if containers().all(|container| RESOURCES.iter().all(|name| asks(container, name) == (None, None))) {
        return "BestEffort";
    }
    let is_guaranteed = |container: &Container| {
        RESOURCES.iter().all(|name| match asks(container, name) {
            (request, Some(limit)) => request.is_none_or(|request| request == limit),
            (_, None) => false,
        })
    };
    if containers().all(is_guaranteed) { "Guaranteed" } else { "Burstable" }
}

/// The request and the limit of a container; zero is the same as none.
fn asks<'a>(container: &'a Container, name: &str) -> (Option<&'a str>, Option<&'a str>) {
    let find = |list: Option<&'a BTreeMap<String, Quantity>>| {
        let text = list.and_then(|list| list.get(name)).map(|quantity| quantity.0.as_str());
        text.filter(|text| text.bytes().any(|byte| matches!(byte, b'1'..=b'9')))
    };
    let resources = container.resources.as_ref();
    let requests = resources.and_then(|resources| resources.requests.as_ref());
    (find(requests), find(resources.and_then(|resources| resources.limits.as_ref())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use k8s_openapi::api::core::v1::ResourceRequirements;

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
            (vec![container(&both, &both), container(&[], &[])], "Burstable"),
        ];
        for (containers, expected) in cases {
            let spec = PodSpec { containers, ..Default::default() };
            assert_eq!(class(&spec), expected, "{spec:?}");
        }
    }
}
