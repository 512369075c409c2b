//! Kinds that carry data: ConfigMaps, Secrets, ControllerRevisions, Events.
//!
//! The size of data is bounded, and its keys can be file names. Of a revision only the number can
//! change. Of an event only the namespace is checked.

use k8s_openapi::api::apps::v1::ControllerRevision;
use k8s_openapi::api::core::v1::{ConfigMap, Event, Secret};
use serde_json::Value;

use super::value::{IMMUTABLE, check_form, check_not_negative, text};
use crate::machinery::semantic;
use crate::objects::{FieldError, Path, names};

/// All the data of a ConfigMap or a Secret together.
const DATA_LENGTH_MAX: usize = 1024 * 1024;

pub(super) fn check_config_map(map: &ConfigMap, errors: &mut Vec<FieldError>) {
    let (data, binary) = (Path::root("data"), Path::root("binaryData"));
    let mut length = 0;
    for (key, value) in map.data.iter().flatten() {
        check_form(names::config_key(key), key, &data.key(key), errors);
        if map.binary_data.as_ref().is_some_and(|binary| binary.contains_key(key)) {
            errors.push(data.key(key).invalid(key.as_str(), "duplicate of key present in binaryData"));
        }
        length += value.len();
    }
    for (key, value) in map.binary_data.iter().flatten() {
        check_form(names::config_key(key), key, &binary.key(key), errors);
        length += value.0.len();
    }
    check_length(length, &Path::root(""), errors);
}

pub(super) fn check_config_map_change(new: &ConfigMap, old: &ConfigMap, errors: &mut Vec<FieldError>) {
    if old.immutable != Some(true) {
        return;
    }
    check_immutable(new.immutable, errors);
    if !semantic::equal(&new.data, &old.data) {
        errors.push(Path::root("data").forbidden("field is immutable when `immutable` is set"));
    }
    if !semantic::equal(&new.binary_data, &old.binary_data) {
        errors.push(Path::root("binaryData").forbidden("field is immutable when `immutable` is set"));
    }
}

pub(super) fn check_secret(secret: &Secret, errors: &mut Vec<FieldError>) {
    let data = Path::root("data");
    let mut length = 0;
    for (key, value) in secret.data.iter().flatten() {
        check_form(names::config_key(key), key, &data.key(key), errors);
        length += value.0.len();
    }
    check_length(length, &data, errors);
    let required: &[&str] = match text(&secret.type_) {
        "kubernetes.io/dockerconfigjson" => &[".dockerconfigjson"],
        "kubernetes.io/dockercfg" => &[".dockercfg"],
        "kubernetes.io/ssh-auth" => &["ssh-privatekey"],
        "kubernetes.io/tls" => &["tls.crt", "tls.key"],
        _ => &[],
    };
    let has = |key: &str| secret.data.as_ref().is_some_and(|data| data.contains_key(key));
    for key in required.iter().filter(|key| !has(key)) {
        errors.push(data.key(key).required(""));
    }
}

pub(super) fn check_secret_change(new: &Secret, old: &Secret, errors: &mut Vec<FieldError>) {
    if new.type_ != old.type_ {
        errors.push(Path::root("type").invalid(text(&new.type_), IMMUTABLE));
    }
    if old.immutable == Some(true) {
        check_immutable(new.immutable, errors);
        if !semantic::equal(&new.data, &old.data) {
            errors.push(Path::root("data").forbidden("field is immutable when `immutable` is set"));
        }
    }
}

fn check_immutable(new: Option<bool>, errors: &mut Vec<FieldError>) {
    if new != Some(true) {
        errors.push(Path::root("immutable").forbidden("field is immutable when `immutable` is set"));
    }
}

fn check_length(length: usize, path: &Path<'_>, errors: &mut Vec<FieldError>) {
    if length > DATA_LENGTH_MAX {
        errors.push(path.too_long(DATA_LENGTH_MAX));
    }
}

pub(super) fn check_revision(revision: &ControllerRevision, errors: &mut Vec<FieldError>) {
    if revision.data.0.is_null() {
        errors.push(Path::root("data").required("data is mandatory"));
    }
    check_not_negative(revision.revision.unwrap_or_default(), &Path::root("revision"), errors);
}

pub(super) fn check_revision_change(
    new: &ControllerRevision,
    old: &ControllerRevision,
    errors: &mut Vec<FieldError>,
) {
    if new.data != old.data {
        errors.push(Path::root("data").invalid(Value::Null, IMMUTABLE));
    }
}

/// Events are for people to read: only their namespace must be that of the object.
pub(super) fn check_event(event: &Event, errors: &mut Vec<FieldError>) {
    let namespace = text(&event.metadata.namespace);
    let about = text(&event.involved_object.namespace);
    let fits = if about.is_empty() { namespace == "default" } else { namespace == about };
    if !fits {
        let path = Path::root("involvedObject.namespace");
        errors.push(path.invalid(about, "does not match event.namespace"));
    }
}
