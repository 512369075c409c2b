//! An estimate of the memory that an object takes.
//!
//! The history of the store is bounded by it. It is not exact, but it grows with everything that a
//! client can make large, and it is cheap: it only adds up lengths.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{Container, Pod, PodSpec, PodStatus};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use super::Typed;
use super::pod::containers;

/// An object without the parts that are counted separately.
const OBJECT_OCTETS: usize = 2_048;
/// A pod beyond other objects.
const POD_OCTETS: usize = 1_024;
/// A container, without its probes.
const CONTAINER_OCTETS: usize = 2_560;
/// The status of a container.
const CONTAINER_STATUS_OCTETS: usize = 1_024;
/// A condition with its type, reason and time.
const CONDITION_OCTETS: usize = 256;
/// An endpoint of a slice, with its conditions, its address and its target reference.
const ENDPOINT_OCTETS: usize = 512;
/// An entry of a map or of a list, beside its text.
const ENTRY_OCTETS: usize = 64;

impl Typed {
    /// About how many octets of memory this object takes.
    pub fn weight_octets(&self) -> usize {
        OBJECT_OCTETS + of_metadata(self.meta()) + self.payload_octets()
    }

    fn payload_octets(&self) -> usize {
        match self {
            Self::ConfigMap(map) => {
                of_texts(map.data.as_ref())
                    + of_octets(map.binary_data.iter().flatten().map(|(_, data)| &data.0))
            }
            Self::Secret(secret) => {
                of_octets(secret.data.iter().flatten().map(|(_, data)| &data.0))
                    + of_texts(secret.string_data.as_ref())
            }
            Self::EndpointSlice(slice) => slice.endpoints.iter().flatten().count() * ENDPOINT_OCTETS,
            Self::Endpoints(endpoints) => {
                let subsets = endpoints.subsets.iter().flatten();
                let addresses = subsets.map(|subset| {
                    subset.addresses.iter().flatten().count()
                        + subset.not_ready_addresses.iter().flatten().count()
                });
                addresses.sum::<usize>() * ENDPOINT_OCTETS
            }
            Self::Pod(pod) => of_pod(pod),
            Self::StatefulSet(set) => {
                let template = &set.spec.template;
                template.metadata.as_ref().map_or(0, of_metadata)
                    + template.spec.as_ref().map_or(0, of_pod_spec)
            }
            _ => 0,
        }
    }
}

fn of_metadata(metadata: &ObjectMeta) -> usize {
    of_texts(metadata.labels.as_ref())
        + of_texts(metadata.annotations.as_ref())
        + metadata.finalizers.iter().flatten().map(|text| ENTRY_OCTETS + text.len()).sum::<usize>()
}

fn of_texts(texts: Option<&BTreeMap<String, String>>) -> usize {
    texts.into_iter().flatten().map(|(key, text)| ENTRY_OCTETS + key.len() + text.len()).sum()
}

fn of_octets<'o>(values: impl Iterator<Item = &'o Vec<u8>>) -> usize {
    values.map(|octets| ENTRY_OCTETS + octets.len()).sum()
}

fn of_pod(pod: &Pod) -> usize {
    let status = pod.status.as_ref().map_or(0, of_pod_status);
    POD_OCTETS + pod.spec.as_ref().map_or(0, of_pod_spec) + status
}

fn of_pod_status(status: &PodStatus) -> usize {
    let lists = [&status.init_container_statuses, &status.container_statuses];
    lists.into_iter().flatten().flatten().count() * CONTAINER_STATUS_OCTETS
        + status.conditions.iter().flatten().count() * CONDITION_OCTETS
}

fn of_pod_spec(spec: &PodSpec) -> usize {
    containers(spec).map(of_container).sum()
}

fn of_container(container: &Container) -> usize {
    let words = container.command.iter().chain(&container.args).flatten().map(String::len);
    let variables = container.env.iter().flatten();
    let values = variables.map(|variable| variable.value.as_ref().map_or(0, String::len));
    CONTAINER_OCTETS + words.chain(values).map(|length| ENTRY_OCTETS + length).sum::<usize>()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::objects::Kind;
    use serde_json::{Value, json};

    #[test]
    fn whatever_a_client_makes_large_weighs() {
        const LARGE: usize = 100_000;
        let text = "x".repeat(LARGE);
        let container = json!({"containers": [{"name": "c", "args": [text]}]});
        let cases: [(Kind, Value); 8] = [
            (Kind::ConfigMap, json!({"data": {"a": text}})),
            (Kind::ConfigMap, json!({"binaryData": {"a": "QUFB".repeat(LARGE / 3)}})),
            (Kind::Secret, json!({"stringData": {"a": text}})),
            (Kind::Service, json!({"metadata": {"annotations": {"a": text}}})),
            (Kind::Pod, json!({"spec": container})),
            (
                Kind::Pod,
                json!({"spec": {"containers": [{"name": "c", "env": [{"name": "A", "value": text}]}]}}),
            ),
            (
                Kind::StatefulSet,
                json!({"spec": {"selector": {}, "serviceName": "s", "template": {"spec": container}}}),
            ),
            (
                Kind::EndpointSlice,
                json!({"addressType": "IPv4", "endpoints": vec![json!({"addresses": ["10.0.0.1"]}); 1_000]}),
            ),
        ];
        for (kind, form) in cases {
            let weight = Typed::from_value(kind, form).unwrap().weight_octets();
            assert!(weight > LARGE && weight < 6 * LARGE, "{kind}: {weight}");
        }
    }
}
