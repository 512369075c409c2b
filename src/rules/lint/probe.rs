//! Rules about probes: whether the port that a probe names is one of its container.
//!
//! A kubelet resolves the name among the ports of the container itself; a probe without a port finds
//! nothing out, so what it decides about stays as it was at the start.

use k8s_openapi::api::core::v1::{Container, PodSpec};

use super::warning::{Warning, warn};
use crate::objects::probe::missing_port;

/// `path` is that of the pod's spec.
pub(super) fn check(pod: &PodSpec, path: &str, warnings: &mut Vec<Warning>) {
    let lists = [
        ("initContainers", pod.init_containers.as_deref().unwrap_or_default()),
        ("containers", pod.containers.as_slice()),
    ];
    for (list, containers) in lists {
        for (index, container) in containers.iter().enumerate() {
            check_container(container, &format!("{path}.{list}[{index}]"), warnings);
        }
    }
}

fn check_container(container: &Container, path: &str, warnings: &mut Vec<Warning>) {
    let probes = [
        (
            "startupProbe",
            &container.startup_probe,
            "never succeeds and the container never counts as started",
        ),
        ("readinessProbe", &container.readiness_probe, "never succeeds and the pod never becomes ready"),
        ("livenessProbe", &container.liveness_probe, "finds nothing out and never restarts the container"),
    ];
    for (field, probe, consequence) in probes {
        let Some((handler, name)) = probe.as_ref().and_then(|probe| missing_port(container, probe)) else {
            continue;
        };
        let names: Vec<&str> =
            container.ports.iter().flatten().filter_map(|port| port.name.as_deref()).collect();
        let known =
            if names.is_empty() { String::new() } else { format!(" (there are: {})", names.join(", ")) };
        let text = format!(
            "container \"{}\" has no port named \"{name}\"{known}, so the probe {consequence}; give a containerPort \
             this name, or use its number",
            container.name
        );
        warn(warnings, &format!("{path}.{field}.{handler}.port"), text);
    }
}
