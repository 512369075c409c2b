//! Where a pod may be placed: node affinity, affinity between pods, topology spread constraints.
//!
//! Only what the scheduler reads is checked; a term that slips through selects nothing.

use k8s_openapi::api::core::v1::{
    Affinity, NodeAffinity, NodeSelectorRequirement, NodeSelectorTerm, PodAffinityTerm, PodSpec,
    TopologySpreadConstraint, WeightedPodAffinityTerm,
};

use super::labels;
use super::value::{POSITIVE, check_form, items};
use crate::objects::{FieldError, Path, names};

const REQUIRED: &str = "requiredDuringSchedulingIgnoredDuringExecution";
const PREFERRED: &str = "preferredDuringSchedulingIgnoredDuringExecution";
const NOT_EMPTY: &str = "can not be empty";
const NOT_AN_OPERATOR: &str = "not a valid selector operator";
const ACTIONS: &[&str] = &["DoNotSchedule", "ScheduleAnyway"];
const POLICIES: &[&str] = &["Honor", "Ignore"];

pub(super) fn check(spec: &PodSpec, path: &Path<'_>, errors: &mut Vec<FieldError>) {
    if let Some(affinity) = &spec.affinity {
        check_affinity(affinity, &path.child("affinity"), errors);
    }
    check_spread(items(&spec.topology_spread_constraints), &path.child("topologySpreadConstraints"), errors);
}

fn check_affinity(affinity: &Affinity, path: &Path<'_>, errors: &mut Vec<FieldError>) {
    if let Some(affinity) = &affinity.node_affinity {
        check_node_affinity(affinity, &path.child("nodeAffinity"), errors);
    }
    if let Some(affinity) = &affinity.pod_affinity {
        let path = path.child("podAffinity");
        let required = items(&affinity.required_during_scheduling_ignored_during_execution);
        let preferred = items(&affinity.preferred_during_scheduling_ignored_during_execution);
        check_pod_terms(required, preferred, &path, errors);
    }
    if let Some(affinity) = &affinity.pod_anti_affinity {
        let path = path.child("podAntiAffinity");
        let required = items(&affinity.required_during_scheduling_ignored_during_execution);
        let preferred = items(&affinity.preferred_during_scheduling_ignored_during_execution);
        check_pod_terms(required, preferred, &path, errors);
    }
}

fn check_node_affinity(affinity: &NodeAffinity, path: &Path<'_>, errors: &mut Vec<FieldError>) {
    if let Some(required) = &affinity.required_during_scheduling_ignored_during_execution {
        let path = path.child(REQUIRED);
        let path = path.child("nodeSelectorTerms");
        if required.node_selector_terms.is_empty() {
            errors.push(path.required("must have at least one node selector term"));
        }
        for (index, term) in required.node_selector_terms.iter().enumerate() {
            check_node_term(term, &path.index(index), errors);
        }
    }
    let path = path.child(PREFERRED);
    let preferred = items(&affinity.preferred_during_scheduling_ignored_during_execution);
    for (index, term) in preferred.iter().enumerate() {
        check_weight(term.weight, &path.index(index), errors);
        check_node_term(&term.preference, &path.index(index).child("preference"), errors);
    }
}

fn check_weight(weight: i32, path: &Path<'_>, errors: &mut Vec<FieldError>) {
    if !(1..=100).contains(&weight) {
        errors.push(path.child("weight").invalid(weight, "must be in the range 1-100"));
    }
}

fn check_node_term(term: &NodeSelectorTerm, path: &Path<'_>, errors: &mut Vec<FieldError>) {
    for (index, requirement) in items(&term.match_expressions).iter().enumerate() {
        check_node_labels(requirement, &path.child("matchExpressions").index(index), errors);
    }
    for (index, requirement) in items(&term.match_fields).iter().enumerate() {
        check_node_field(requirement, &path.child("matchFields").index(index), errors);
    }
}

fn check_node_labels(wanted: &NodeSelectorRequirement, path: &Path<'_>, errors: &mut Vec<FieldError>) {
    let values = items(&wanted.values);
    let values_path = path.child("values");
    match wanted.operator.as_str() {
        "In" | "NotIn" if values.is_empty() => {
            errors.push(values_path.required("must be specified when `operator` is 'In' or 'NotIn'"));
        }
        "Exists" | "DoesNotExist" if !values.is_empty() => {
            let rule = "may not be specified when `operator` is 'Exists' or 'DoesNotExist'";
            errors.push(values_path.forbidden(rule));
        }
        "Gt" | "Lt" if values.len() != 1 => {
            errors
                .push(values_path.required("must be specified single value when `operator` is 'Lt' or 'Gt'"));
        }
        "In" | "NotIn" | "Exists" | "DoesNotExist" | "Gt" | "Lt" => {}
        other => errors.push(path.child("operator").invalid(other, NOT_AN_OPERATOR)),
    }
    check_form(names::qualified_name(&wanted.key), &wanted.key, &path.child("key"), errors);
}

fn check_node_field(wanted: &NodeSelectorRequirement, path: &Path<'_>, errors: &mut Vec<FieldError>) {
    match wanted.operator.as_str() {
        "In" | "NotIn" if items(&wanted.values).len() != 1 => {
            let rule = "must be only one value when `operator` is 'In' or 'NotIn' for node field selector";
            errors.push(path.child("values").required(rule));
        }
        "In" | "NotIn" => {}
        other => errors.push(path.child("operator").invalid(other, NOT_AN_OPERATOR)),
    }
    if wanted.key != "metadata.name" {
        errors.push(path.child("key").invalid(wanted.key.as_str(), "not a valid field selector key"));
    }
}

fn check_pod_terms(
    required: &[PodAffinityTerm],
    preferred: &[WeightedPodAffinityTerm],
    path: &Path<'_>,
    errors: &mut Vec<FieldError>,
) {
    for (index, term) in required.iter().enumerate() {
        check_pod_term(term, &path.child(REQUIRED).index(index), errors);
    }
    let path = path.child(PREFERRED);
    for (index, term) in preferred.iter().enumerate() {
        check_weight(term.weight, &path.index(index), errors);
        check_pod_term(&term.pod_affinity_term, &path.index(index).child("podAffinityTerm"), errors);
    }
}

fn check_pod_term(term: &PodAffinityTerm, path: &Path<'_>, errors: &mut Vec<FieldError>) {
    let selectors =
        [("labelSelector", &term.label_selector), ("namespaceSelector", &term.namespace_selector)];
    for (name, selector) in selectors {
        if let Some(selector) = selector {
            labels::check_selector(selector, &path.child(name), errors);
        }
    }
    let path = path.child("topologyKey");
    if term.topology_key.is_empty() {
        errors.push(path.required(NOT_EMPTY));
    }
    check_form(names::qualified_name(&term.topology_key), &term.topology_key, &path, errors);
}

fn check_spread(constraints: &[TopologySpreadConstraint], path: &Path<'_>, errors: &mut Vec<FieldError>) {
    for (index, constraint) in constraints.iter().enumerate() {
        let path = path.index(index);
        if constraint.max_skew <= 0 {
            errors.push(path.child("maxSkew").invalid(constraint.max_skew, POSITIVE));
        }
        let key = path.child("topologyKey");
        match constraint.topology_key.as_str() {
            "" => errors.push(key.required(NOT_EMPTY)),
            name => check_form(names::qualified_name(name), name, &key, errors),
        }
        let action = constraint.when_unsatisfiable.as_str();
        if !ACTIONS.contains(&action) {
            errors.push(path.child("whenUnsatisfiable").not_supported(action, ACTIONS));
        }
        let is_same = |other: &TopologySpreadConstraint| {
            other.topology_key == constraint.topology_key && other.when_unsatisfiable == action
        };
        if constraints[index + 1..].iter().any(is_same) {
            let pair = format!("{{{}, {action}}}", constraint.topology_key);
            errors.push(path.child("{topologyKey, whenUnsatisfiable}").duplicate(pair));
        }
        check_spread_options(constraint, &path, errors);
    }
}

fn check_spread_options(
    constraint: &TopologySpreadConstraint,
    path: &Path<'_>,
    errors: &mut Vec<FieldError>,
) {
    let action = constraint.when_unsatisfiable.as_str();
    if let Some(domains) = constraint.min_domains {
        let path = path.child("minDomains");
        if domains <= 0 {
            errors.push(path.invalid(domains, POSITIVE));
        }
        if action != "DoNotSchedule" {
            let rule = format!("can only use minDomains if whenUnsatisfiable=DoNotSchedule, not {action}");
            errors.push(path.invalid(domains, &rule));
        }
    }
    let policies = [
        ("nodeAffinityPolicy", &constraint.node_affinity_policy),
        ("nodeTaintsPolicy", &constraint.node_taints_policy),
    ];
    for (name, policy) in policies {
        if let Some(policy) = policy.as_deref().filter(|policy| !POLICIES.contains(policy)) {
            errors.push(path.child(name).not_supported(policy, POLICIES));
        }
    }
    if let Some(selector) = &constraint.label_selector {
        labels::check_selector(selector, &path.child("labelSelector"), errors);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_spec(spec: &str, expected: &[&str]) {
        let spec: PodSpec = serde_yaml::from_str(&format!("{{containers: [], {spec}}}")).unwrap();
        let mut errors = Vec::new();
        check(&spec, &Path::root("spec"), &mut errors);
        let found: Vec<String> = errors.iter().map(ToString::to_string).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn terms_must_mean_something() {
        let term = "labelSelector: {matchLabels: {a: b}}, topologyKey: zone";
        check_spec(&format!("affinity: {{podAffinity: {{{REQUIRED}: [{{{term}}}]}}}}"), &[]);
        check_spec(
            &format!(
                "affinity: {{podAntiAffinity: {{{PREFERRED}: [{{weight: 0, podAffinityTerm: {{{term}}}}}]}}}}"
            ),
            &[&format!(
                "spec.affinity.podAntiAffinity.{PREFERRED}[0].weight: Invalid value: 0: must be in the range 1-100"
            )],
        );
        let empty = format!("affinity: {{nodeAffinity: {{{REQUIRED}: {{nodeSelectorTerms: []}}}}}}");
        let path = format!("spec.affinity.nodeAffinity.{REQUIRED}.nodeSelectorTerms");
        check_spec(&empty, &[&format!("{path}: Required value: must have at least one node selector term")]);
        let wrong = "{key: cpus, operator: Gt, values: ['1', '2']}, {key: cpus, operator: Like}";
        let wrong = format!(
            "affinity: {{nodeAffinity: {{{REQUIRED}: {{nodeSelectorTerms: [{{matchExpressions: [{wrong}]}}]}}}}}}"
        );
        let path = format!("{path}[0].matchExpressions");
        check_spec(
            &wrong,
            &[
                &format!(
                    "{path}[0].values: Required value: must be specified single value when `operator` is 'Lt' or 'Gt'"
                ),
                &format!("{path}[1].operator: Invalid value: \"Like\": not a valid selector operator"),
            ],
        );
    }

    #[test]
    fn constraints_name_a_key_a_skew_and_what_to_do() {
        let one = "{maxSkew: 1, topologyKey: zone, whenUnsatisfiable: DoNotSchedule, minDomains: 2}";
        check_spec(&format!("topologySpreadConstraints: [{one}]"), &[]);
        let path = "spec.topologySpreadConstraints[0]";
        check_spec(
            &format!("topologySpreadConstraints: [{one}, {one}]"),
            &[&format!(
                "{path}.{{topologyKey, whenUnsatisfiable}}: Duplicate value: \"{{zone, DoNotSchedule}}\""
            )],
        );
        let soft = "{maxSkew: 0, topologyKey: '', whenUnsatisfiable: ScheduleAnyway, minDomains: 2,
            nodeTaintsPolicy: Obey}";
        check_spec(
            &format!("topologySpreadConstraints: [{soft}]"),
            &[
                &format!("{path}.maxSkew: Invalid value: 0: must be greater than zero"),
                &format!("{path}.topologyKey: Required value: can not be empty"),
                &format!(
                    "{path}.minDomains: Invalid value: 2: can only use minDomains if \
                     whenUnsatisfiable=DoNotSchedule, not ScheduleAnyway"
                ),
                &format!(
                    "{path}.nodeTaintsPolicy: Unsupported value: \"Obey\": supported values: \"Honor\", \"Ignore\""
                ),
            ],
        );
    }
}
