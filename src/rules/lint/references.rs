//! Rules about what a pod names and needs: ConfigMaps, Secrets and their keys, its service account,
//! its priority class.
//!
//! What is optional is no matter. A pod waits for what is missing, so that it may as well be written
//! later: an object is warned of once, at the first field that names it.

use std::collections::BTreeSet;

use k8s_openapi::api::core::v1::PodSpec;

use super::mention::{Mention, Role, mentions};
use super::related::RelatedObjects;
use super::warning::{Warning, warn};
use crate::objects::Kind;

/// The account of pods that name none; it need not exist.
const DEFAULT_ACCOUNT: &str = "default";
/// The classes that every cluster has.
const KNOWN_PRIORITIES: [&str; 2] = ["system-cluster-critical", "system-node-critical"];

/// `path` is that of the pod's spec.
pub(super) fn check(
    pod: &PodSpec,
    namespace: &str,
    path: &str,
    related: &RelatedObjects<'_>,
    warnings: &mut Vec<Warning>,
) {
    let mut told = BTreeSet::new();
    for mention in mentions(pod, path) {
        check_mention(&mention, namespace, related, &mut told, warnings);
    }
    check_account(pod, namespace, path, related, warnings);
    check_priority(pod, path, warnings);
}

/// `told` are the kinds, names and keys that are warned of; the key is empty for the whole object.
fn check_mention(
    mention: &Mention,
    namespace: &str,
    related: &RelatedObjects<'_>,
    told: &mut BTreeSet<(Kind, String, String)>,
    warnings: &mut Vec<Warning>,
) {
    let Mention { kind, name, .. } = mention;
    let consequence = match mention.role {
        Role::Environment => "the container waits (CreateContainerConfigError)",
        Role::Volume => "its volume is not mounted and the pod does not start (FailedMount)",
    };
    let Some(known) = related.keys_of(*kind, namespace, name) else {
        if told.insert((*kind, name.clone(), String::new())) {
            let text = format!(
                "there is no {kind} \"{name}\" in namespace \"{namespace}\", and until there is, {consequence}; create \
                 it, or set optional: true"
            );
            warn(warnings, &mention.path, text);
        }
        return;
    };
    for key in mention.keys.iter().filter(|key| !known.contains(&key.as_str())) {
        if told.insert((*kind, name.clone(), key.clone())) {
            let there =
                if known.is_empty() { String::new() } else { format!(" (there are: {})", list(&known)) };
            let text = format!(
                "{kind} \"{name}\" has no key \"{key}\"{there}, and until it has, {consequence}; add the key, or set \
                 optional: true"
            );
            warn(warnings, &mention.path, text);
        }
    }
}

fn list(names: &[&str]) -> String {
    /// More names tell nobody anything.
    const SHOWN_MAX: usize = 8;
    let shown = names.iter().take(SHOWN_MAX).copied().collect::<Vec<_>>().join(", ");
    if names.len() > SHOWN_MAX { format!("{shown}, ...") } else { shown }
}

/// The admission plugin ServiceAccount refuses pods of an account that does not exist.
fn check_account(
    pod: &PodSpec,
    namespace: &str,
    path: &str,
    related: &RelatedObjects<'_>,
    warnings: &mut Vec<Warning>,
) {
    let named = pod.service_account_name.as_deref().filter(|name| !name.is_empty());
    let Some(name) = named.filter(|name| *name != DEFAULT_ACCOUNT) else { return };
    if !related.has_account(namespace, name) {
        let text = format!(
            "there is no ServiceAccount \"{name}\" in namespace \"{namespace}\", and until there is, every pod is \
             refused; create it, or remove the field"
        );
        warn(warnings, &format!("{path}.serviceAccountName"), text);
    }
}

/// Priority classes are not served.
fn check_priority(pod: &PodSpec, path: &str, warnings: &mut Vec<Warning>) {
    let named = pod.priority_class_name.as_deref().filter(|name| !name.is_empty());
    if let Some(name) = named.filter(|name| !KNOWN_PRIORITIES.contains(name)) {
        let text = format!(
            "PriorityClasses are not served here, so \"{name}\" has no effect, and a cluster without that class refuses \
             the pods; create the PriorityClass there first"
        );
        warn(warnings, &format!("{path}.priorityClassName"), text);
    }
}
