//! Metadata: the same for every kind, except for the syntax of the name.
//!
//! Names and namespaces, labels and annotations, owners and finalizers
//! (apimachinery's `pkg/api/validation`).

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference};

use super::labels;
use super::value::{check_form, check_not_negative, items, text};
use crate::objects::{FieldError, Kind, Path, Typed, names};

const METADATA: Path<'_> = Path::root("metadata");
/// Finalizers that need no domain (`pkg/apis/core/helper`).
const STANDARD_FINALIZERS: &[&str] = &["kubernetes", "orphan", "foregroundDeletion"];

pub(super) fn check(object: &Typed, errors: &mut Vec<FieldError>) {
    let meta = object.meta();
    check_name(object.kind(), meta, errors);
    check_namespace(object.kind(), meta, errors);
    check_not_negative(meta.generation.unwrap_or_default(), &METADATA.child("generation"), errors);
    labels::check(meta.labels.as_ref(), &METADATA.child("labels"), errors);
    labels::check_annotations(meta.annotations.as_ref(), &METADATA.child("annotations"), errors);
    check_owners(items(&meta.owner_references), errors);
    check_finalizers(items(&meta.finalizers), errors);
}

/// An object that is being deleted gets no more finalizers.
pub(super) fn check_change(new: &ObjectMeta, old: &ObjectMeta, errors: &mut Vec<FieldError>) {
    if old.deletion_timestamp.is_none() {
        return;
    }
    let known = items(&old.finalizers);
    let added: Vec<String> = items(&new.finalizers)
        .iter()
        .filter(|finalizer| !known.contains(finalizer))
        .map(|finalizer| format!("\"{finalizer}\""))
        .collect();
    if !added.is_empty() {
        let detail = format!(
            "no new finalizers can be added if the object is being deleted, found new finalizers []string{{{}}}",
            added.join(", ")
        );
        errors.push(METADATA.child("finalizers").forbidden(&detail));
    }
}

/// The syntax of the names of a kind.
fn name_rules(kind: Kind, name: &str) -> Vec<String> {
    match kind {
        Kind::Namespace | Kind::StatefulSet => names::dns1123_label(name),
        Kind::Service => names::dns1035_label(name),
        _ => names::dns1123_subdomain(name),
    }
}

fn check_name(kind: Kind, meta: &ObjectMeta, errors: &mut Vec<FieldError>) {
    let prefix = text(&meta.generate_name);
    if !prefix.is_empty() {
        // A generated name has a valid end, whatever the prefix ends with.
        let example = format!("{}a", prefix.trim_end_matches('-'));
        check_form(name_rules(kind, &example), prefix, &METADATA.child("generateName"), errors);
    }
    let name = text(&meta.name);
    let path = METADATA.child("name");
    if name.is_empty() {
        errors.push(path.required("name or generateName is required"));
    } else {
        check_form(name_rules(kind, name), name, &path, errors);
    }
}

fn check_namespace(kind: Kind, meta: &ObjectMeta, errors: &mut Vec<FieldError>) {
    let namespace = text(&meta.namespace);
    let path = METADATA.child("namespace");
    match (kind.info().is_namespaced, namespace.is_empty()) {
        (true, true) => errors.push(path.required("")),
        (true, false) => check_form(names::dns1123_label(namespace), namespace, &path, errors),
        (false, true) => {}
        (false, false) => errors.push(path.forbidden("not allowed on this type")),
    }
}

fn check_owners(owners: &[OwnerReference], errors: &mut Vec<FieldError>) {
    let list = METADATA.child("ownerReferences");
    for owner in owners {
        let fields = [
            ("apiVersion", &owner.api_version, "version must not be empty"),
            ("kind", &owner.kind, "must not be empty"),
            ("name", &owner.name, "must not be empty"),
            ("uid", &owner.uid, "must not be empty"),
        ];
        for (name, _, rule) in fields.iter().filter(|(_, value, _)| value.is_empty()) {
            errors.push(list.child(name).invalid("", rule));
        }
    }
    let mut controllers = owners.iter().filter(|owner| owner.controller == Some(true));
    if let (Some(first), Some(second)) = (controllers.next(), controllers.next()) {
        let detail = format!(
            "Only one reference can have Controller set to true. Found \"true\" in references for {}/{} and {}/{}",
            first.kind, first.name, second.kind, second.name
        );
        let value = serde_json::to_value(owners).unwrap_or_default();
        errors.push(list.invalid(value, &detail));
    }
}

fn check_finalizers(finalizers: &[String], errors: &mut Vec<FieldError>) {
    let list = METADATA.child("finalizers");
    for (index, finalizer) in finalizers.iter().enumerate() {
        let path = list.index(index);
        let rules = names::qualified_name(finalizer);
        if rules.is_empty() && !finalizer.contains('/') && !STANDARD_FINALIZERS.contains(&finalizer.as_str())
        {
            let rule = "name is neither a standard finalizer name nor is it fully qualified";
            errors.push(path.invalid(finalizer.as_str(), rule));
        }
        check_form(rules, finalizer, &path, errors);
    }
    let has = |wanted: &str| finalizers.iter().any(|finalizer| finalizer == wanted);
    if has("orphan") && has("foregroundDeletion") {
        let value = serde_json::Value::from(finalizers);
        let rule = "finalizer orphan and foregroundDeletion cannot be both set";
        errors.push(list.invalid(value, rule));
    }
}
