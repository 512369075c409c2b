//! Pods and pod templates.
//!
//! Only the fields that this server uses are checked: containers, volumes, names, policies, DNS,
//! placement, tolerations. Security contexts and devices are not checked, since nothing here acts on
//! them.

use k8s_openapi::api::core::v1::{HostAlias, Pod, PodDNSConfig, PodSpec, PodTemplateSpec, Toleration};

use super::value::{check_choice, check_form, items, text};
use super::volume::{self, Volumes};
use super::{container, labels, placement, resources, security};
use crate::objects::{FieldError, Path, names};

const RESTART_POLICIES: &[&str] = &["Always", "OnFailure", "Never"];
const DNS_POLICIES: &[&str] = &["ClusterFirstWithHostNet", "ClusterFirst", "Default", "None"];
const NAMESERVERS_MAX: usize = 3;
const SEARCHES_MAX: usize = 32;
const SEARCHES_LENGTH_MAX: usize = 2048;

pub(super) fn check(pod: &Pod, errors: &mut Vec<FieldError>) {
    let absent = PodSpec::default();
    check_spec(pod.spec.as_ref().unwrap_or(&absent), &[], &Path::root("spec"), errors);
}

/// A template whose pods get a volume for each of `claims`, in addition to their own.
pub(super) fn check_template(
    template: &PodTemplateSpec,
    claims: &[&str],
    path: &Path<'_>,
    errors: &mut Vec<FieldError>,
) {
    if let Some(meta) = &template.metadata {
        labels::check(meta.labels.as_ref(), &path.child("labels"), errors);
        labels::check_annotations(meta.annotations.as_ref(), &path.child("annotations"), errors);
    }
    let absent = PodSpec::default();
    let spec = template.spec.as_ref().unwrap_or(&absent);
    check_spec(spec, claims, &path.child("spec"), errors);
    if !items(&spec.ephemeral_containers).is_empty() {
        let rule = "ephemeral containers not allowed in pod template";
        errors.push(path.child("spec.ephemeralContainers").forbidden(rule));
    }
}

fn check_spec(spec: &PodSpec, claims: &[&str], path: &Path<'_>, errors: &mut Vec<FieldError>) {
    if spec.termination_grace_period_seconds.is_none() {
        errors.push(path.child("terminationGracePeriodSeconds").required(""));
    }
    volume::check(items(&spec.volumes), &path.child("volumes"), errors);
    let volumes = Volumes::new(items(&spec.volumes), claims);
    container::check_all(spec, &volumes, path, errors);
    check_choice(text(&spec.restart_policy), RESTART_POLICIES, &path.child("restartPolicy"), errors);
    check_choice(text(&spec.dns_policy), DNS_POLICIES, &path.child("dnsPolicy"), errors);
    labels::check(spec.node_selector.as_ref(), &path.child("nodeSelector"), errors);
    security::check_pod(spec, path, errors);
    check_dns_config(spec, &path.child("dnsConfig"), errors);
    for (index, gate) in items(&spec.readiness_gates).iter().enumerate() {
        let path = path.child("readinessGates");
        let path = path.index(index);
        let condition = &gate.condition_type;
        check_form(names::qualified_name(condition), condition, &path.child("conditionType"), errors);
    }
    check_names(spec, path, errors);
    check_deadline(spec.active_deadline_seconds, path, errors);
    placement::check(spec, path, errors);
    for (index, toleration) in items(&spec.tolerations).iter().enumerate() {
        check_toleration(toleration, &path.child("tolerations").index(index), errors);
    }
    for alias in items(&spec.host_aliases) {
        check_host_alias(alias, &path.child("hostAliases"), errors);
    }
    resources::check_list(spec.overhead.as_ref(), &path.child("overhead"), errors);
}

fn check_names(spec: &PodSpec, path: &Path<'_>, errors: &mut Vec<FieldError>) {
    let subdomains = [
        ("serviceAccountName", &spec.service_account_name),
        ("nodeName", &spec.node_name),
        ("priorityClassName", &spec.priority_class_name),
        ("runtimeClassName", &spec.runtime_class_name),
    ];
    for (name, value) in subdomains.iter().filter(|(_, value)| !text(value).is_empty()) {
        check_form(names::dns1123_subdomain(text(value)), text(value), &path.child(name), errors);
    }
    for (name, value) in [("hostname", &spec.hostname), ("subdomain", &spec.subdomain)] {
        if !text(value).is_empty() {
            check_form(names::dns1123_label(text(value)), text(value), &path.child(name), errors);
        }
    }
}

fn check_deadline(deadline_s: Option<i64>, path: &Path<'_>, errors: &mut Vec<FieldError>) {
    if let Some(value) = deadline_s.filter(|value| !(1..=i64::from(i32::MAX)).contains(value)) {
        let rule = "must be between 1 and 2147483647, inclusive";
        errors.push(path.child("activeDeadlineSeconds").invalid(value, rule));
    }
}

fn check_dns_config(spec: &PodSpec, path: &Path<'_>, errors: &mut Vec<FieldError>) {
    let config = spec.dns_config.as_ref();
    if text(&spec.dns_policy) == "None" {
        let Some(config) = config else {
            return errors.push(path.required("must provide `dnsConfig` when `dnsPolicy` is None"));
        };
        if items(&config.nameservers).is_empty() {
            let rule = "must provide at least one DNS nameserver when `dnsPolicy` is None";
            return errors.push(path.child("nameservers").required(rule));
        }
    }
    if let Some(config) = config {
        check_resolver(config, path, errors);
    }
}

fn check_resolver(config: &PodDNSConfig, path: &Path<'_>, errors: &mut Vec<FieldError>) {
    let nameservers = items(&config.nameservers);
    let list = path.child("nameservers");
    if nameservers.len() > NAMESERVERS_MAX {
        let rule = format!("must not have more than {NAMESERVERS_MAX} nameservers");
        errors.push(list.invalid(nameservers, &rule));
    }
    for (index, address) in nameservers.iter().enumerate() {
        check_form(names::ip_address(address), address, &list.index(index), errors);
    }
    let searches = items(&config.searches);
    let list = path.child("searches");
    if searches.len() > SEARCHES_MAX {
        errors.push(list.invalid(searches, &format!("must not have more than {SEARCHES_MAX} search paths")));
    }
    if searches.join(" ").len() > SEARCHES_LENGTH_MAX {
        let rule = format!(
            "must not have more than {SEARCHES_LENGTH_MAX} characters (including spaces) in the search list"
        );
        errors.push(list.invalid(searches, &rule));
    }
    for (index, search) in searches.iter().enumerate().filter(|(_, search)| *search != ".") {
        let name = search.strip_suffix('.').unwrap_or(search);
        check_form(names::dns1123_subdomain(name), search, &list.index(index), errors);
    }
    for (index, option) in items(&config.options).iter().enumerate() {
        if text(&option.name).is_empty() {
            errors.push(path.child("options").index(index).required("must not be empty"));
        }
    }
}

fn check_toleration(toleration: &Toleration, path: &Path<'_>, errors: &mut Vec<FieldError>) {
    let (key, operator) = (text(&toleration.key), text(&toleration.operator));
    let effect = text(&toleration.effect);
    if !key.is_empty() {
        check_form(names::qualified_name(key), key, &path.child("key"), errors);
    } else if operator != "Exists" {
        let rule =
            "operator must be Exists when `key` is empty, which means \"match all values and all keys\"";
        errors.push(path.child("operator").invalid(operator, rule));
    }
    if toleration.toleration_seconds.is_some() && effect != "NoExecute" {
        let rule = "effect must be 'NoExecute' when `tolerationSeconds` is set";
        errors.push(path.child("effect").invalid(effect, rule));
    }
    match operator {
        "" | "Equal" => {
            let value = text(&toleration.value);
            check_form(names::label_value(value), value, &path.child("operator"), errors);
        }
        "Exists" if text(&toleration.value).is_empty() => {}
        "Exists" => {
            let value = text(&toleration.value);
            let rule = "value must be empty when `operator` is 'Exists'";
            errors.push(path.child("operator").invalid(value, rule));
        }
        "Lt" | "Gt" => {}
        other => errors.push(path.child("operator").not_supported(other, &["Equal", "Exists"])),
    }
    if !effect.is_empty() {
        let known = &["NoSchedule", "PreferNoSchedule", "NoExecute"];
        check_choice(effect, known, &path.child("effect"), errors);
    }
}

fn check_host_alias(alias: &HostAlias, path: &Path<'_>, errors: &mut Vec<FieldError>) {
    check_form(names::ip_address(&alias.ip), &alias.ip, &path.child("ip"), errors);
    for name in items(&alias.hostnames) {
        check_form(names::dns1123_subdomain(name), name, &path.child("hostnames"), errors);
    }
}
