//! Environment variables and where their values come from.
//!
//! Whether the ConfigMap or Secret that a variable refers to exists is not checked: it may be created
//! later, and the node waits for it.

use k8s_openapi::api::core::v1::{EnvFromSource, EnvVar, ObjectFieldSelector, ResourceFieldSelector};

use super::value::{check_form, text};
use crate::objects::{FieldError, Path, names};

/// The fields of a pod that variables can have as values.
const FIELDS: &[&str] = &[
    "metadata.name",
    "metadata.namespace",
    "metadata.uid",
    "spec.nodeName",
    "spec.serviceAccountName",
    "status.hostIP",
    "status.hostIPs",
    "status.podIP",
    "status.podIPs",
];

const RESOURCES: &[&str] = &[
    "limits.cpu",
    "limits.ephemeral-storage",
    "limits.memory",
    "requests.cpu",
    "requests.ephemeral-storage",
    "requests.memory",
];

pub(super) fn check(variables: &[EnvVar], path: &Path<'_>, errors: &mut Vec<FieldError>) {
    for (index, variable) in variables.iter().enumerate() {
        let path = path.index(index);
        if variable.name.is_empty() {
            errors.push(path.child("name").required(""));
        } else {
            check_form(names::environment_name(&variable.name), &variable.name, &path.child("name"), errors);
        }
        check_source(variable, &path.child("valueFrom"), errors);
    }
}

/// Whole ConfigMaps and Secrets as variables.
pub(super) fn check_sources(sources: &[EnvFromSource], path: &Path<'_>, errors: &mut Vec<FieldError>) {
    for (index, source) in sources.iter().enumerate() {
        let item = path.index(index);
        let prefix = text(&source.prefix);
        if !prefix.is_empty() {
            check_form(names::environment_name(prefix), prefix, &item.child("prefix"), errors);
        }
        let map = source.config_map_ref.as_ref().map(|map| ("configMapRef", map.name.as_str()));
        let secret = source.secret_ref.as_ref().map(|secret| ("secretRef", secret.name.as_str()));
        for (field, name) in map.iter().chain(&secret) {
            check_object_name(name, &item.child(field).child("name"), errors);
        }
        match (map, secret) {
            (None, None) => {
                errors.push(path.invalid("", "must specify one of: `configMapRef` or `secretRef`"));
            }
            (Some(_), Some(_)) => {
                errors.push(path.invalid("", "may not have more than one field specified at a time"));
            }
            _ => {}
        }
    }
}

fn check_object_name(name: &str, path: &Path<'_>, errors: &mut Vec<FieldError>) {
    if name.is_empty() {
        errors.push(path.required(""));
    } else {
        check_form(names::dns1123_subdomain(name), name, path, errors);
    }
}

fn check_source(variable: &EnvVar, path: &Path<'_>, errors: &mut Vec<FieldError>) {
    let Some(source) = &variable.value_from else { return };
    if let Some(field) = &source.field_ref {
        check_field(field, FIELDS, &path.child("fieldRef"), errors);
    }
    if let Some(resource) = &source.resource_field_ref {
        check_resource(resource, &path.child("resourceFieldRef"), errors);
    }
    if let Some(map) = &source.config_map_key_ref {
        check_key(&map.name, &map.key, &path.child("configMapKeyRef"), errors);
    }
    if let Some(secret) = &source.secret_key_ref {
        check_key(&secret.name, &secret.key, &path.child("secretKeyRef"), errors);
    }
    let sources = [
        source.field_ref.is_some(),
        source.resource_field_ref.is_some(),
        source.config_map_key_ref.is_some(),
        source.secret_key_ref.is_some(),
        source.file_key_ref.is_some(),
    ];
    let n_sources = sources.iter().filter(|is_set| **is_set).count();
    if n_sources == 0 {
        let rule = "must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef` or `secretKeyRef`";
        errors.push(path.invalid("", rule));
    } else if !text(&variable.value).is_empty() {
        errors.push(path.invalid("", "may not be specified when `value` is not empty"));
    } else if n_sources > 1 {
        errors.push(path.invalid("", "may not have more than one field specified at a time"));
    }
}

fn check_key(name: &str, key: &str, path: &Path<'_>, errors: &mut Vec<FieldError>) {
    check_form(names::dns1123_subdomain(name), name, &path.child("name"), errors);
    if key.is_empty() {
        errors.push(path.child("key").required(""));
    } else {
        check_form(names::config_key(key), key, &path.child("key"), errors);
    }
}

/// A reference to one of `known` fields of the pod, or to one of its labels or annotations.
pub(super) fn check_field(
    field: &ObjectFieldSelector,
    known: &[&str],
    path: &Path<'_>,
    errors: &mut Vec<FieldError>,
) {
    if text(&field.api_version).is_empty() {
        return errors.push(path.child("apiVersion").required(""));
    }
    let wanted = field.field_path.as_str();
    if wanted.is_empty() {
        return errors.push(path.child("fieldPath").required(""));
    }
    match wanted.strip_suffix("']").and_then(|rest| rest.split_once("['")) {
        Some(("metadata.labels", key)) => check_form(names::qualified_name(key), key, path, errors),
        Some(("metadata.annotations", key)) => {
            check_form(names::qualified_name(&key.to_lowercase()), key, path, errors);
        }
        Some((parent, _)) => errors.push(path.invalid(parent, "does not support subscript")),
        None if known.contains(&wanted) => {}
        None => errors.push(path.child("fieldPath").not_supported(wanted, known)),
    }
}

fn check_resource(resource: &ResourceFieldSelector, path: &Path<'_>, errors: &mut Vec<FieldError>) {
    let wanted = resource.resource.as_str();
    let is_huge_pages = wanted.starts_with("requests.hugepages-") || wanted.starts_with("limits.hugepages-");
    if wanted.is_empty() {
        errors.push(path.child("resource").required(""));
    } else if !RESOURCES.contains(&wanted) && !is_huge_pages {
        errors.push(path.child("resource").not_supported(wanted, RESOURCES));
    }
}
