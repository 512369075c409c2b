//! StatefulSets (`pkg/apis/apps/validation`).
//!
//! The whole pod template is checked, with a volume for each claim template, so that a mistake in it
//! is reported here and not by an endless series of pods that fail.

use std::collections::BTreeSet;

use k8s_openapi::api::apps::v1::{
    StatefulSet, StatefulSetPersistentVolumeClaimRetentionPolicy, StatefulSetSpec, StatefulSetStatus,
    StatefulSetUpdateStrategy,
};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use serde_json::Value;

use super::rules::Rules;
use super::value::{NOT_NEGATIVE, check_form, check_not_negative, items, text};
use super::{claim, growth, labels, pod};
use crate::machinery::selector::Selector;
use crate::machinery::semantic;
use crate::objects::beyond::Wishes;
use crate::objects::{FieldError, Path, names};

const SPEC: Path<'_> = Path::root("spec");
const STATUS: Path<'_> = Path::root("status");

/// The 63 characters of a label value without a hyphen and a hash of ten.
const NAME_LENGTH_MAX: usize = 52;

const IMMUTABLE_SPEC: &str = "updates to statefulset spec for fields other than 'replicas', 'ordinals', \
     'template', 'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and \
     'minReadySeconds' are forbidden";

pub(super) fn check(set: &StatefulSet, errors: &mut Vec<FieldError>) {
    let spec = &set.spec;
    check_pod_management(text(&spec.pod_management_policy), errors);
    check_update_strategy(spec.update_strategy.as_ref(), errors);
    if let Some(policy) = &spec.persistent_volume_claim_retention_policy {
        check_retention(policy, errors);
    }
    check_not_negative(spec.replicas.unwrap_or_default(), &SPEC.child("replicas"), errors);
    check_not_negative(spec.min_ready_seconds.unwrap_or_default(), &SPEC.child("minReadySeconds"), errors);
    let start = spec.ordinals.as_ref().and_then(|ordinals| ordinals.start).unwrap_or_default();
    check_not_negative(start, &SPEC.child("ordinals.start"), errors);
    check_selector(spec, errors);
    check_template(spec, errors);
    check_claim_templates(spec, errors);
    let service = text(&spec.service_name);
    if !service.is_empty() {
        check_form(names::dns1123_label(service), service, &SPEC.child("serviceName"), errors);
    }
}

/// If that is wanted, refuses names for which no pod could be created: the revision label of a pod is
/// the name, a hyphen and a hash of up to ten characters (Kubernetes issue 64023).
pub(super) fn check_new_name(rules: Rules, set: &StatefulSet, errors: &mut Vec<FieldError>) {
    let name = text(&set.metadata.name);
    let is_strict = || Wishes::of(&set.metadata).strict_name.unwrap_or(rules.strict_names);
    if name.len() > NAME_LENGTH_MAX && is_strict() {
        let rule = "must be no more than 52 characters: no pod could be created, because the label \
                    controller-revision-hash would be longer than 63 characters";
        errors.push(Path::root("metadata").child("name").invalid(name, rule));
    }
}

/// The replicas, ordinals, template, update strategy, retention policy and revision limit can change.
pub(super) fn check_change(rules: Rules, new: &StatefulSet, old: &StatefulSet, errors: &mut Vec<FieldError>) {
    let may_grow = Wishes::of(&new.metadata).grow_claims.unwrap_or(rules.grow_claims);
    let is_grown = may_grow && growth::check(&new.spec, &old.spec, errors);
    let claim_templates = if is_grown { &old.spec } else { &new.spec }.volume_claim_templates.clone();
    let kept = StatefulSetSpec {
        volume_claim_templates: claim_templates,
        replicas: old.spec.replicas,
        ordinals: old.spec.ordinals.clone(),
        template: old.spec.template.clone(),
        update_strategy: old.spec.update_strategy.clone(),
        revision_history_limit: old.spec.revision_history_limit,
        persistent_volume_claim_retention_policy: old.spec.persistent_volume_claim_retention_policy.clone(),
        min_ready_seconds: old.spec.min_ready_seconds,
        ..new.spec.clone()
    };
    if !semantic::equal(&kept, &old.spec) {
        errors.push(SPEC.forbidden(IMMUTABLE_SPEC));
    }
}

pub(super) fn check_status_change(new: &StatefulSet, old: &StatefulSet, errors: &mut Vec<FieldError>) {
    let absent = StatefulSetStatus::default();
    let (new, old) = (new.status.as_ref().unwrap_or(&absent), old.status.as_ref().unwrap_or(&absent));
    let replicas = i64::from(new.replicas);
    let count = |field: Option<i32>| i64::from(field.unwrap_or_default());
    let ready = count(new.ready_replicas);
    let available = count(new.available_replicas);
    let parts = [
        ("readyReplicas", ready),
        ("currentReplicas", count(new.current_replicas)),
        ("updatedReplicas", count(new.updated_replicas)),
        ("availableReplicas", available),
    ];
    check_not_negative(replicas, &STATUS.child("replicas"), errors);
    for (name, value) in parts {
        check_not_negative(value, &STATUS.child(name), errors);
    }
    let observed = new.observed_generation.unwrap_or_default();
    check_not_negative(observed, &STATUS.child("observedGeneration"), errors);
    if let Some(collisions) = new.collision_count {
        check_not_negative(collisions, &STATUS.child("collisionCount"), errors);
    }
    for (name, value) in parts.into_iter().filter(|(_, value)| *value > replicas) {
        errors.push(STATUS.child(name).invalid(value, "cannot be greater than status.replicas"));
    }
    if available > ready {
        let rule = "cannot be greater than status.readyReplicas";
        errors.push(STATUS.child("availableReplicas").invalid(available, rule));
    }
    if old.collision_count.is_some_and(|old| new.collision_count.is_none_or(|new| new < old)) {
        let value = count(new.collision_count);
        errors.push(STATUS.child("collisionCount").invalid(value, "cannot be decremented"));
    }
}

fn check_pod_management(policy: &str, errors: &mut Vec<FieldError>) {
    let path = SPEC.child("podManagementPolicy");
    match policy {
        "" => errors.push(path.required("")),
        "OrderedReady" | "Parallel" => {}
        other => errors.push(path.invalid(other, "must be 'OrderedReady' or 'Parallel'")),
    }
}

fn check_update_strategy(strategy: Option<&StatefulSetUpdateStrategy>, errors: &mut Vec<FieldError>) {
    let path = SPEC.child("updateStrategy");
    let rolling = strategy.and_then(|strategy| strategy.rolling_update.as_ref());
    match strategy.and_then(|strategy| strategy.type_.as_deref()).unwrap_or_default() {
        "" => errors.push(path.required("")),
        "OnDelete" => {
            if let Some(rolling) = rolling {
                let value = serde_json::to_value(rolling).unwrap_or_default();
                let rule = "only allowed for updateStrategy 'RollingUpdate'";
                errors.push(path.child("rollingUpdate").invalid(value, rule));
            }
        }
        "RollingUpdate" => {
            let Some(rolling) = rolling else { return };
            let path = path.child("rollingUpdate");
            check_not_negative(rolling.partition.unwrap_or_default(), &path.child("partition"), errors);
            if let Some(max) = &rolling.max_unavailable {
                check_max_unavailable(max, &path.child("maxUnavailable"), errors);
            }
        }
        _ => {
            let value = serde_json::to_value(strategy).unwrap_or_default();
            errors.push(path.invalid(value, "must be 'RollingUpdate' or 'OnDelete'"));
        }
    }
}

fn check_max_unavailable(max: &IntOrString, path: &Path<'_>, errors: &mut Vec<FieldError>) {
    let value = serde_json::to_value(max).unwrap_or_default();
    let number = match max {
        IntOrString::Int(number) => i64::from(*number),
        IntOrString::String(text) => match percent(text) {
            Some(percent) => percent,
            None => return errors.push(path.invalid(
                value,
                "a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or '93%', \
                 regex used for validation is '[0-9]+%')",
            )),
        },
    };
    let is_percent = matches!(max, IntOrString::String(_));
    match number {
        0 => errors.push(path.invalid(value, "cannot be 0")),
        ..0 => errors.push(path.invalid(value, NOT_NEGATIVE)),
        101.. if is_percent => errors.push(path.invalid(value, "must not be greater than 100%")),
        _ => {}
    }
}

fn percent(text: &str) -> Option<i64> {
    let digits = text.strip_suffix('%').filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()))?;
    if digits.is_empty() { None } else { Some(digits.parse().unwrap_or(i64::MAX)) }
}

fn check_retention(policy: &StatefulSetPersistentVolumeClaimRetentionPolicy, errors: &mut Vec<FieldError>) {
    let path = SPEC.child("persistentVolumeClaimRetentionPolicy");
    for (name, value) in [("whenDeleted", &policy.when_deleted), ("whenScaled", &policy.when_scaled)] {
        let value = text(value);
        if !matches!(value, "Retain" | "Delete") {
            errors.push(path.child(name).not_supported(value, &["Retain", "Delete"]));
        }
    }
}

/// The Rust type does not distinguish an absent selector from `{}`: both are reported as required.
fn check_selector(spec: &StatefulSetSpec, errors: &mut Vec<FieldError>) {
    let path = SPEC.child("selector");
    let selector = &spec.selector;
    if selector.match_labels.is_none() && selector.match_expressions.is_none() {
        return errors.push(path.required(""));
    }
    labels::check_selector(selector, &path, errors);
    let n_labels = selector.match_labels.as_ref().map_or(0, |labels| labels.len());
    if n_labels + items(&selector.match_expressions).len() == 0 {
        let value = serde_json::to_value(selector).unwrap_or_default();
        errors.push(path.invalid(value, "empty selector is invalid for statefulset"));
    }
}

fn check_template(spec: &StatefulSetSpec, errors: &mut Vec<FieldError>) {
    let path = SPEC.child("template");
    let labels = spec.template.metadata.as_ref().and_then(|meta| meta.labels.as_ref());
    let selects = |selector: Selector| selector.matches(labels);
    if Selector::from_label_selector(&spec.selector).is_ok_and(|selector| !selects(selector)) {
        let value = serde_json::to_value(labels).unwrap_or(Value::Null);
        let rule = "`selector` does not match template `labels`";
        errors.push(path.child("metadata.labels").invalid(value, rule));
    }
    let claims: Vec<&str> = items(&spec.volume_claim_templates)
        .iter()
        .filter_map(|claim| claim.metadata.name.as_deref())
        .collect();
    pod::check_template(&spec.template, &claims, &path, errors);
    let Some(pod) = &spec.template.spec else { return };
    if text(&pod.restart_policy) != "Always" {
        let policy = path.child("spec.restartPolicy");
        errors.push(policy.not_supported(text(&pod.restart_policy), &["Always"]));
    }
    if pod.active_deadline_seconds.is_some() {
        let rule = "activeDeadlineSeconds in StatefulSet is not Supported";
        errors.push(path.child("spec.activeDeadlineSeconds").forbidden(rule));
    }
}

/// The name of a claim template is that of a volume in the pods.
fn check_claim_templates(spec: &StatefulSetSpec, errors: &mut Vec<FieldError>) {
    let list = SPEC.child("volumeClaimTemplates");
    let mut known = BTreeSet::new();
    for (index, template) in items(&spec.volume_claim_templates).iter().enumerate() {
        let path = list.index(index);
        let name = text(&template.metadata.name);
        let name_path = path.child("metadata.name");
        if name.is_empty() {
            errors.push(name_path.required(""));
        } else if !known.insert(name) {
            errors.push(name_path.duplicate(name));
        } else {
            check_form(names::dns1123_label(name), name, &name_path, errors);
        }
        if let Some(spec) = &template.spec {
            claim::check_spec(spec, &path.child("spec"), errors);
        }
    }
}
