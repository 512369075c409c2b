//! Defaults of pods and of pod templates (`pkg/apis/core/v1/defaults.go`).
//!
//! A pod gets more defaults than a template: its requests follow from its limits, and service links
//! are on. With those, the revision of a template would not have the hash that Kubernetes gives it.

use k8s_openapi::api::core::v1::{Container, Pod, PodSpec, PodTemplateSpec};

use super::absent::{drop_zero, set};
use super::quantities::{amounts, canonicalize};
use super::{container, volume};
use crate::objects::pod::uses_host_network;

const TERMINATION_GRACE_S: i64 = 30;

pub(super) fn default(pod: &mut Pod) {
    let spec = pod.spec.get_or_insert_default();
    default_spec(spec);
    for container in spec.containers.iter_mut().chain(spec.init_containers.iter_mut().flatten()) {
        request_the_limits(container);
    }
    spec.enable_service_links.get_or_insert(true);
}

pub(super) fn default_template(template: &mut PodTemplateSpec) {
    default_spec(template.spec.get_or_insert_default());
}

fn default_spec(spec: &mut PodSpec) {
    set(&mut spec.dns_policy, "ClusterFirst");
    set(&mut spec.restart_policy, "Always");
    set(&mut spec.scheduler_name, "default-scheduler");
    spec.security_context.get_or_insert_default();
    spec.termination_grace_period_seconds.get_or_insert(TERMINATION_GRACE_S);
    for flag in [&mut spec.host_network, &mut spec.host_pid, &mut spec.host_ipc] {
        drop_zero(flag);
    }
    canonicalize(amounts(&mut spec.overhead));
    mirror_service_account(spec);
    let shares_host_network = uses_host_network(spec);
    for container in spec.containers.iter_mut().chain(spec.init_containers.iter_mut().flatten()) {
        container::default(container);
        if shares_host_network {
            use_host_ports(container);
        }
    }
    for container in spec.ephemeral_containers.iter_mut().flatten() {
        container::default_ephemeral(container);
    }
    for volume in spec.volumes.iter_mut().flatten() {
        volume::default(volume);
    }
}

/// `serviceAccount` is the old name of `serviceAccountName`; the API keeps both the same.
fn mirror_service_account(spec: &mut PodSpec) {
    if let Some(name) = spec.service_account_name.clone().or_else(|| spec.service_account.clone()) {
        spec.service_account_name = Some(name.clone());
        spec.service_account = Some(name);
    }
}

/// In the host's network a container's port is a port of the host.
fn use_host_ports(container: &mut Container) {
    for port in container.ports.iter_mut().flatten() {
        if port.host_port.is_none_or(|host_port| host_port == 0) {
            port.host_port = Some(port.container_port);
        }
    }
}

fn request_the_limits(container: &mut Container) {
    let Some(resources) = &mut container.resources else { return };
    let Some(limits) = &resources.limits else { return };
    let requests = resources.requests.get_or_insert_default();
    for (name, limit) in limits {
        requests.entry(name.clone()).or_insert_with(|| limit.clone());
    }
    if requests.is_empty() {
        resources.requests = None;
    }
}
