//! Containers, init containers and ephemeral containers.
//!
//! A name is unique among all of them, and a host port among those that run together.

use std::collections::BTreeSet;

use k8s_openapi::api::core::v1::{Container, ContainerPort, EphemeralContainer, PodSpec};

use super::port::{PROTOCOLS, check_port};
use super::value::{check_choice, check_form, items, text};
use super::volume::Volumes;
use super::{environment, handler, resources, security};
use crate::objects::{FieldError, Path, names};

const PULL_POLICIES: &[&str] = &["Always", "IfNotPresent", "Never"];
const TERMINATION_MESSAGE_POLICIES: &[&str] = &["File", "FallbackToLogsOnError"];
const RESTART_POLICIES: &[&str] = &["Always", "Never", "OnFailure"];
const ONLY_RESTARTED: &str = "may not be set for init containers without restartPolicy=Always";

/// Checks every container of a pod; names are unique among all of them.
pub(super) fn check_all(
    spec: &PodSpec,
    volumes: &Volumes<'_>,
    path: &Path<'_>,
    errors: &mut Vec<FieldError>,
) {
    let grace_s = spec.termination_grace_period_seconds;
    let mut known = BTreeSet::new();
    let list = path.child("containers");
    if spec.containers.is_empty() {
        errors.push(list.required(""));
    }
    for (index, container) in spec.containers.iter().enumerate() {
        let path = list.index(index);
        check_common(container, volumes, &path, errors);
        check_unique(&container.name, &mut known, &path, errors);
        handler::check_all(container, grace_s, &path, errors);
    }
    check_host_ports(&spec.containers, &list, errors);
    let list = path.child("initContainers");
    for (index, container) in items(&spec.init_containers).iter().enumerate() {
        let path = list.index(index);
        check_common(container, volumes, &path, errors);
        check_unique(&container.name, &mut known, &path, errors);
        check_host_ports(std::slice::from_ref(container), &list, errors);
        check_init(container, grace_s, &path, errors);
    }
    let list = path.child("ephemeralContainers");
    for (index, container) in items(&spec.ephemeral_containers).iter().enumerate() {
        check_ephemeral(container, volumes, &mut known, &list.index(index), errors);
    }
}

fn check_unique<'a>(
    name: &'a str,
    known: &mut BTreeSet<&'a str>,
    path: &Path<'_>,
    errors: &mut Vec<FieldError>,
) {
    if !name.is_empty() && !known.insert(name) {
        errors.push(path.child("name").duplicate(name));
    }
}

fn check_common(container: &Container, volumes: &Volumes<'_>, path: &Path<'_>, errors: &mut Vec<FieldError>) {
    if container.name.is_empty() {
        errors.push(path.child("name").required(""));
    } else {
        check_form(names::dns1123_label(&container.name), &container.name, &path.child("name"), errors);
    }
    if text(&container.image).is_empty() {
        errors.push(path.child("image").required(""));
    }
    let policy = text(&container.termination_message_policy);
    check_choice(policy, TERMINATION_MESSAGE_POLICIES, &path.child("terminationMessagePolicy"), errors);
    check_ports(items(&container.ports), &path.child("ports"), errors);
    environment::check(items(&container.env), &path.child("env"), errors);
    environment::check_sources(items(&container.env_from), &path.child("envFrom"), errors);
    volumes.check_mounts(container, path, errors);
    let policy = text(&container.image_pull_policy);
    check_choice(policy, PULL_POLICIES, &path.child("imagePullPolicy"), errors);
    if let Some(policy) = &container.restart_policy {
        check_choice(policy, RESTART_POLICIES, &path.child("restartPolicy"), errors);
    }
    if let Some(wanted) = &container.resources {
        resources::check(wanted, &path.child("resources"), errors);
    }
    if let Some(context) = &container.security_context {
        security::check(context, &path.child("securityContext"), errors);
    }
}

fn check_ports(ports: &[ContainerPort], path: &Path<'_>, errors: &mut Vec<FieldError>) {
    let mut known = BTreeSet::new();
    for (index, port) in ports.iter().enumerate() {
        let path = path.index(index);
        let name = text(&port.name);
        let rules = if name.is_empty() { Vec::new() } else { names::port_name(name) };
        if !name.is_empty() && rules.is_empty() && !known.insert(name) {
            errors.push(path.child("name").duplicate(name));
        }
        check_form(rules, name, &path.child("name"), errors);
        let number = path.child("containerPort");
        if port.container_port == 0 {
            errors.push(number.required(""));
        } else {
            check_port(port.container_port, &number, errors);
        }
        if let Some(host_port) = port.host_port.filter(|host_port| *host_port != 0) {
            check_port(host_port, &path.child("hostPort"), errors);
        }
        check_choice(text(&port.protocol), PROTOCOLS, &path.child("protocol"), errors);
    }
}

/// A host port can be used once.
fn check_host_ports(containers: &[Container], path: &Path<'_>, errors: &mut Vec<FieldError>) {
    let mut taken = BTreeSet::new();
    for (index, container) in containers.iter().enumerate() {
        let container_path = path.index(index);
        let list = container_path.child("ports");
        for (index, port) in items(&container.ports).iter().enumerate() {
            let Some(host_port) = port.host_port.filter(|host_port| *host_port != 0) else { continue };
            let name = format!("{}/{}/{host_port}", text(&port.protocol), text(&port.host_ip));
            if !taken.insert(name.clone()) {
                errors.push(list.index(index).child("hostPort").duplicate(name));
            }
        }
    }
}

/// Only a container that keeps running can be probed: of the init containers those with
/// `restartPolicy: Always`.
fn check_init(container: &Container, grace_s: Option<i64>, path: &Path<'_>, errors: &mut Vec<FieldError>) {
    if container.restart_policy.as_deref() == Some("Always") {
        return handler::check_all(container, grace_s, path, errors);
    }
    let set = [
        ("lifecycle", container.lifecycle.is_some()),
        ("livenessProbe", container.liveness_probe.is_some()),
        ("readinessProbe", container.readiness_probe.is_some()),
        ("startupProbe", container.startup_probe.is_some()),
    ];
    for (name, _) in set.iter().filter(|(_, is_set)| *is_set) {
        errors.push(path.child(name).forbidden(ONLY_RESTARTED));
    }
}

fn check_ephemeral<'a>(
    container: &'a EphemeralContainer,
    volumes: &Volumes<'_>,
    known: &mut BTreeSet<&'a str>,
    path: &Path<'_>,
    errors: &mut Vec<FieldError>,
) {
    let target = text(&container.target_container_name);
    if !target.is_empty() && !known.contains(target) {
        errors.push(path.child("targetContainerName").not_found(target));
    }
    let same = Container {
        name: container.name.clone(),
        image: container.image.clone(),
        image_pull_policy: container.image_pull_policy.clone(),
        termination_message_policy: container.termination_message_policy.clone(),
        env: container.env.clone(),
        env_from: container.env_from.clone(),
        volume_mounts: container.volume_mounts.clone(),
        volume_devices: container.volume_devices.clone(),
        security_context: container.security_context.clone(),
        ..Container::default()
    };
    check_common(&same, volumes, path, errors);
    check_unique(&container.name, known, path, errors);
    let set = [
        ("lifecycle", container.lifecycle.is_some()),
        ("livenessProbe", container.liveness_probe.is_some()),
        ("readinessProbe", container.readiness_probe.is_some()),
        ("startupProbe", container.startup_probe.is_some()),
        ("ports", !items(&container.ports).is_empty()),
    ];
    for (name, _) in set.iter().filter(|(_, is_set)| *is_set) {
        errors.push(path.child(name).forbidden("cannot be set for an Ephemeral Container"));
    }
}
