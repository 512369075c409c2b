//! What the containers of a pod share, resolved for the runtime: the host name.
//!
//! Pure. A host name is the spec's, else the pod's name, cut to what a host name may be
//! (`truncatePodHostnameIfNeeded`); on the node's network it is the node's.

use k8s_openapi::api::core::v1::Pod;

use crate::objects::pod;

/// The longest host name that Linux takes, less one as the kubelet has it.
const HOSTNAME_LENGTH_MAX: usize = 63;

/// The host name of a pod on the node of this name.
pub(super) fn hostname(pod: &Pod, node: &str) -> String {
    let spec = pod.spec.as_ref();
    if spec.is_some_and(pod::uses_host_network) {
        return node.to_owned();
    }
    let stated = spec.and_then(|spec| spec.hostname.as_deref()).filter(|name| !name.is_empty());
    let name = stated.or(pod.metadata.name.as_deref()).unwrap_or_default();
    let end = (0..=name.len().min(HOSTNAME_LENGTH_MAX)).rev().find(|end| name.is_char_boundary(*end));
    name[..end.unwrap_or_default()].trim_end_matches(['-', '.']).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use k8s_openapi::api::core::v1::PodSpec;

    #[test]
    fn a_host_name_is_the_specs_or_the_pods_or_the_nodes() {
        let mut pod = Pod { spec: Some(PodSpec::default()), ..Default::default() };
        pod.metadata.name = Some(format!("{}-0", "a".repeat(62)));
        assert_eq!(hostname(&pod, "node"), "a".repeat(62), "cut, without a hyphen at its end");
        pod.metadata.name = Some("web-0".into());
        assert_eq!(hostname(&pod, "node"), "web-0");
        pod.spec.get_or_insert_default().hostname = Some("db".into());
        assert_eq!(hostname(&pod, "node"), "db");
        pod.spec.get_or_insert_default().host_network = Some(true);
        assert_eq!(hostname(&pod, "node"), "node");
    }
}
