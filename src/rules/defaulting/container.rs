//! Defaults of containers: image pull policy, termination message, ports, probes, environment.
//!
//! They are the same for containers of templates and of pods; [`pod`](super::pod) has the defaults of
//! pods alone. A zero in a probe counts as absent, as in `pkg/apis/core/v1/defaults.go`.

use k8s_openapi::api::core::v1::{
    Container, ContainerPort, EnvVar, EphemeralContainer, HTTPGetAction, Lifecycle, Probe, VolumeMount,
};

use super::absent::{drop_zero, set, set_number};
use super::image::pull_policy;
use super::quantities::{amounts, canonicalize};
use super::reference::{default_field_ref, default_resource_ref};

const TERMINATION_MESSAGE_PATH: &str = "/dev/termination-log";
const TERMINATION_MESSAGE_POLICY: &str = "File";

pub(super) fn default(container: &mut Container) {
    set(&mut container.image_pull_policy, pull_policy(container.image.as_deref()));
    set(&mut container.termination_message_path, TERMINATION_MESSAGE_PATH);
    set(&mut container.termination_message_policy, TERMINATION_MESSAGE_POLICY);
    let resources = container.resources.get_or_insert_default();
    canonicalize(amounts(&mut resources.limits).chain(amounts(&mut resources.requests)));
    for flag in [&mut container.stdin, &mut container.stdin_once, &mut container.tty] {
        drop_zero(flag);
    }
    default_ports(&mut container.ports);
    default_env(&mut container.env);
    default_mounts(&mut container.volume_mounts);
    let probes =
        [&mut container.liveness_probe, &mut container.readiness_probe, &mut container.startup_probe];
    probes.into_iter().flatten().for_each(default_probe);
    default_lifecycle(container.lifecycle.as_mut());
}

/// An ephemeral container has the fields of a container except probes, hooks and resources.
pub(super) fn default_ephemeral(container: &mut EphemeralContainer) {
    set(&mut container.image_pull_policy, pull_policy(container.image.as_deref()));
    set(&mut container.termination_message_path, TERMINATION_MESSAGE_PATH);
    set(&mut container.termination_message_policy, TERMINATION_MESSAGE_POLICY);
    container.resources.get_or_insert_default();
    for flag in [&mut container.stdin, &mut container.stdin_once, &mut container.tty] {
        drop_zero(flag);
    }
    default_ports(&mut container.ports);
    default_env(&mut container.env);
    default_mounts(&mut container.volume_mounts);
}

fn default_ports(ports: &mut Option<Vec<ContainerPort>>) {
    for port in ports.iter_mut().flatten() {
        set(&mut port.protocol, "TCP");
        drop_zero(&mut port.host_port);
    }
}

fn default_env(env: &mut Option<Vec<EnvVar>>) {
    for variable in env.iter_mut().flatten() {
        drop_zero(&mut variable.value);
        if let Some(source) = &mut variable.value_from {
            source.field_ref.iter_mut().for_each(default_field_ref);
            source.resource_field_ref.iter_mut().for_each(default_resource_ref);
        }
    }
}

fn default_mounts(mounts: &mut Option<Vec<VolumeMount>>) {
    for mount in mounts.iter_mut().flatten() {
        drop_zero(&mut mount.read_only);
        drop_zero(&mut mount.sub_path);
        drop_zero(&mut mount.sub_path_expr);
    }
}

fn default_probe(probe: &mut Probe) {
    set_number(&mut probe.timeout_seconds, 1);
    set_number(&mut probe.period_seconds, 10);
    set_number(&mut probe.success_threshold, 1);
    set_number(&mut probe.failure_threshold, 3);
    drop_zero(&mut probe.initial_delay_seconds);
    probe.http_get.iter_mut().for_each(default_http_get);
    if let Some(grpc) = &mut probe.grpc {
        grpc.service.get_or_insert_default();
    }
}

fn default_lifecycle(lifecycle: Option<&mut Lifecycle>) {
    let Some(lifecycle) = lifecycle else { return };
    for handler in [&mut lifecycle.post_start, &mut lifecycle.pre_stop].into_iter().flatten() {
        handler.http_get.iter_mut().for_each(default_http_get);
    }
}

fn default_http_get(action: &mut HTTPGetAction) {
    set(&mut action.path, "/");
    set(&mut action.scheme, "HTTP");
}
