//! Choosing a container of a pod, and checking that it runs, with Kubernetes' messages.

use k8s_openapi::api::core::v1::{Pod, PodSpec};

use crate::api::answer::status::Failure;
use crate::objects::pod;

/// The container that `asked` names; without a name, the only one there is.
pub(super) fn choose<'a>(pod: &'a Pod, asked: Option<&str>) -> Result<&'a str, Failure> {
    let name = pod.metadata.name.as_deref().unwrap_or_default();
    let Some(spec) = &pod.spec else {
        return Err(Failure::bad_request(format!("a container name must be specified for pod {name}")));
    };
    if let Some(asked) = asked {
        return names(spec)
            .find(|known| *known == asked)
            .ok_or_else(|| Failure::bad_request(format!("container {asked} is not valid for pod {name}")));
    }
    if let [only] = spec.containers.as_slice() {
        return Ok(&only.name);
    }
    let all = names(spec).collect::<Vec<_>>().join(" ");
    let message = format!("a container name must be specified for pod {name}, choose one of: [{all}]");
    Err(Failure::bad_request(message))
}

/// Every container, in the order in which they start.
fn names(spec: &PodSpec) -> impl Iterator<Item = &str> {
    let first = spec.init_containers.iter().flatten().map(|container| container.name.as_str());
    let ephemeral = spec.ephemeral_containers.iter().flatten().map(|container| container.name.as_str());
    first.chain(spec.containers.iter().map(|container| container.name.as_str())).chain(ephemeral)
}

/// Fails unless the container runs.
pub(super) fn check_running(pod: &Pod, container: &str) -> Result<(), Failure> {
    let state = pod::container_status(pod, container).and_then(|status| status.state.as_ref());
    if state.is_some_and(|state| state.running.is_some()) {
        return Ok(());
    }
    Err(Failure::bad_request(format!("container not found (\"{container}\")")))
}

/// Fails unless the pod has a node.
pub(super) fn check_scheduled(pod: &Pod) -> Result<(), Failure> {
    if pod::node_name(pod).is_some() {
        return Ok(());
    }
    let name = pod.metadata.name.as_deref().unwrap_or_default();
    Err(Failure::bad_request(format!("pod {name} does not have a host assigned")))
}
