//! Cluster-scoped kinds: namespaces, nodes, volumes, storage classes, runtime classes.
//!
//! Only the quantities of a node are checked. A volume has exactly one source, which is immutable, a
//! capacity and an access mode.

use k8s_openapi::api::core::v1::{Namespace, Node, PersistentVolume, PersistentVolumeSpec};
use k8s_openapi::api::node::v1::RuntimeClass;
use k8s_openapi::api::storage::v1::StorageClass;
use serde_json::Value;

use super::claim::{ACCESS_MODES, VOLUME_MODES};
use super::value::{IMMUTABLE, POSITIVE, check_choice, check_form, check_quantity, items, text};
use super::{resources, volume};
use crate::machinery::semantic;
use crate::objects::quantity::Amount;
use crate::objects::{FieldError, Path, names};

const SPEC: Path<'_> = Path::root("spec");
const RECLAIM_POLICIES: &[&str] = &["Delete", "Recycle", "Retain"];

/// Every field that can be the source of a volume.
const SOURCES: &[&str] = &[
    "hostPath",
    "gcePersistentDisk",
    "awsElasticBlockStore",
    "glusterfs",
    "flocker",
    "nfs",
    "rbd",
    "quobyte",
    "cephfs",
    "iscsi",
    "cinder",
    "fc",
    "flexVolume",
    "azureFile",
    "vsphereVolume",
    "photonPersistentDisk",
    "portworxVolume",
    "azureDisk",
    "scaleIO",
    "local",
    "storageos",
    "csi",
];

pub(super) fn check_namespace(namespace: &Namespace, errors: &mut Vec<FieldError>) {
    let finalizers = namespace.spec.as_ref().map(|spec| items(&spec.finalizers)).unwrap_or_default();
    for finalizer in finalizers {
        check_form(names::qualified_name(finalizer), finalizer, &SPEC.child("finalizers"), errors);
    }
}

pub(super) fn check_node(node: &Node, errors: &mut Vec<FieldError>) {
    let Some(status) = &node.status else { return };
    let path = Path::root("status");
    resources::check_list(status.capacity.as_ref(), &path.child("capacity"), errors);
    resources::check_list(status.allocatable.as_ref(), &path.child("allocatable"), errors);
}

pub(super) fn check_class(class: &StorageClass, errors: &mut Vec<FieldError>) {
    let path = Path::root("provisioner");
    if class.provisioner.is_empty() {
        errors.push(path.required(""));
    } else {
        let name = class.provisioner.to_lowercase();
        check_form(names::qualified_name(&name), &class.provisioner, &path, errors);
    }
    for key in class.parameters.iter().flatten().map(|(key, _)| key).filter(|key| key.is_empty()) {
        errors.push(Path::root("parameters").invalid(key.as_str(), "field can not be empty."));
    }
    check_choice(text(&class.reclaim_policy), &["Delete", "Retain"], &Path::root("reclaimPolicy"), errors);
    let modes = &["Immediate", "WaitForFirstConsumer"];
    check_choice(text(&class.volume_binding_mode), modes, &Path::root("volumeBindingMode"), errors);
}

pub(super) fn check_class_change(new: &StorageClass, old: &StorageClass, errors: &mut Vec<FieldError>) {
    if !semantic::equal(&new.parameters, &old.parameters) {
        errors.push(Path::root("parameters").forbidden("updates to parameters are forbidden."));
    }
    if new.provisioner != old.provisioner {
        errors.push(Path::root("provisioner").forbidden("updates to provisioner are forbidden."));
    }
    let kept = [
        ("reclaimPolicy", &new.reclaim_policy, &old.reclaim_policy),
        ("volumeBindingMode", &new.volume_binding_mode, &old.volume_binding_mode),
    ];
    for (name, new, _) in kept.iter().filter(|(_, new, old)| new != old) {
        errors.push(Path::root(name).invalid(text(new), IMMUTABLE));
    }
}

/// The handler has the form of a DNS label (`pkg/apis/node/validation`).
pub(super) fn check_runtime_class(class: &RuntimeClass, errors: &mut Vec<FieldError>) {
    check_form(names::dns1123_label(&class.handler), &class.handler, &Path::root("handler"), errors);
}

pub(super) fn check_runtime_class_change(
    new: &RuntimeClass,
    old: &RuntimeClass,
    errors: &mut Vec<FieldError>,
) {
    if new.handler != old.handler {
        errors.push(Path::root("handler").invalid(new.handler.as_str(), IMMUTABLE));
    }
}

pub(super) fn check_volume(object: &PersistentVolume, errors: &mut Vec<FieldError>) {
    let absent = PersistentVolumeSpec::default();
    let spec = object.spec.as_ref().unwrap_or(&absent);
    check_access_modes(items(&spec.access_modes), errors);
    check_capacity(spec, errors);
    let policy = text(&spec.persistent_volume_reclaim_policy);
    if !policy.is_empty() && !RECLAIM_POLICIES.contains(&policy) {
        let path = SPEC.child("persistentVolumeReclaimPolicy");
        errors.push(path.not_supported(policy, RECLAIM_POLICIES));
    }
    check_volume_source(spec, errors);
    let class = text(&spec.storage_class_name);
    if !class.is_empty() {
        check_form(names::dns1123_subdomain(class), class, &SPEC.child("storageClassName"), errors);
    }
    if let Some(mode) = spec.volume_mode.as_deref().filter(|mode| !VOLUME_MODES.contains(mode)) {
        errors.push(SPEC.child("volumeMode").not_supported(mode, VOLUME_MODES));
    }
}

fn check_access_modes(modes: &[String], errors: &mut Vec<FieldError>) {
    let path = SPEC.child("accessModes");
    if modes.is_empty() {
        errors.push(path.required(""));
    }
    for mode in modes.iter().filter(|mode| !ACCESS_MODES.contains(&mode.as_str())) {
        errors.push(path.not_supported(mode, ACCESS_MODES));
    }
    if modes.len() > 1 && modes.iter().any(|mode| mode == "ReadWriteOncePod") {
        errors.push(path.forbidden("may not use ReadWriteOncePod with other access modes"));
    }
}

fn check_capacity(spec: &PersistentVolumeSpec, errors: &mut Vec<FieldError>) {
    let path = SPEC.child("capacity");
    let Some(capacity) = spec.capacity.as_ref().filter(|capacity| !capacity.is_empty()) else {
        return errors.push(path.required(""));
    };
    if !capacity.contains_key("storage") || capacity.len() > 1 {
        let value = serde_json::to_value(capacity).unwrap_or_default().to_string();
        errors.push(path.not_supported(&value, &["storage"]));
    }
    for (name, quantity) in capacity {
        let path = path.key(name);
        if check_quantity(quantity, &path, errors).is_some_and(|amount| amount <= Amount::ZERO) {
            errors.push(path.invalid(quantity.0.as_str(), POSITIVE));
        }
    }
}

fn check_volume_source(spec: &PersistentVolumeSpec, errors: &mut Vec<FieldError>) {
    let form = serde_json::to_value(spec).unwrap_or_default();
    let mut present = SOURCES.iter().filter(|source| form.get(**source).is_some());
    if present.next().is_none() {
        errors.push(SPEC.required("must specify a volume type"));
    }
    for source in present {
        errors.push(SPEC.child(source).forbidden("may not specify more than 1 volume type"));
    }
    if let Some(source) = &spec.host_path {
        let kind = source.type_.as_deref();
        volume::check_host_path(&source.path, kind, &SPEC.child("hostPath"), errors);
    }
    if let Some(source) = &spec.local {
        if source.path.is_empty() {
            errors.push(SPEC.child("local.path").required(""));
        }
        if spec.node_affinity.is_none() {
            errors.push(SPEC.child("nodeAffinity").required("Local volume requires node affinity"));
        }
    }
}

/// The source is immutable.
pub(super) fn check_volume_change(
    new: &PersistentVolume,
    old: &PersistentVolume,
    errors: &mut Vec<FieldError>,
) {
    let source = |object: &PersistentVolume| -> Vec<Value> {
        let form = serde_json::to_value(&object.spec).unwrap_or_default();
        SOURCES.iter().map(|source| form.get(*source).cloned().unwrap_or_default()).collect()
    };
    if !semantic::equal(&source(new), &source(old)) {
        let rule = "spec.persistentvolumesource is immutable after creation";
        errors.push(SPEC.child("persistentvolumesource").forbidden(rule));
    }
    let mode = |object: &PersistentVolume| object.spec.as_ref().and_then(|spec| spec.volume_mode.clone());
    if mode(new) != mode(old) {
        errors.push(Path::root("volumeMode").invalid(Value::from(mode(new)), IMMUTABLE));
    }
}
