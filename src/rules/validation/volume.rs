//! The volumes of a pod, and what its containers mount of them.
//!
//! A volume has exactly one source. The fields of sources of specific clouds and storage systems are
//! not checked, since nothing here can mount them.

use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::api::core::v1::{Container, KeyToPath, Volume, VolumeDevice, VolumeMount};

use super::claim;
use super::value::{check_form, check_quantity, items, text};
use crate::objects::{FieldError, Path, names};

/// Every source of a volume, in the order in which Kubernetes checks them.
const SOURCES: &[&str] = &[
    "emptyDir",
    "hostPath",
    "gitRepo",
    "gcePersistentDisk",
    "awsElasticBlockStore",
    "secret",
    "nfs",
    "iscsi",
    "glusterfs",
    "flocker",
    "persistentVolumeClaim",
    "rbd",
    "cinder",
    "cephfs",
    "quobyte",
    "downwardAPI",
    "fc",
    "flexVolume",
    "configMap",
    "azureFile",
    "vsphereVolume",
    "photonPersistentDisk",
    "portworxVolume",
    "azureDisk",
    "storageos",
    "scaleIO",
    "projected",
    "csi",
    "ephemeral",
    "image",
];

const HOST_PATH_TYPES: &[&str] =
    &["", "BlockDevice", "CharDevice", "Directory", "DirectoryOrCreate", "File", "FileOrCreate", "Socket"];
const FILE_MODE_MAX: i32 = 0o777;

pub(super) fn check(volumes: &[Volume], path: &Path<'_>, errors: &mut Vec<FieldError>) {
    let mut known = BTreeSet::new();
    for (index, volume) in volumes.iter().enumerate() {
        let path = path.index(index);
        check_source(volume, &path, errors);
        let name = path.child("name");
        if volume.name.is_empty() {
            errors.push(name.required(""));
        } else {
            check_form(names::dns1123_label(&volume.name), &volume.name, &name, errors);
            if !known.insert(&volume.name) {
                errors.push(name.duplicate(volume.name.as_str()));
            }
        }
    }
}

fn check_source(volume: &Volume, path: &Path<'_>, errors: &mut Vec<FieldError>) {
    let form = serde_json::to_value(volume).unwrap_or_default();
    let mut present = SOURCES.iter().filter(|source| form.get(**source).is_some());
    match present.next() {
        None => errors.push(path.required("must specify a volume type")),
        Some(source) => check_known_source(volume, &path.child(source), errors),
    }
    for source in present {
        errors.push(path.child(source).forbidden("may not specify more than 1 volume type"));
    }
}

/// Checks the source at `path`, if it is one that pods can use here.
fn check_known_source(volume: &Volume, path: &Path<'_>, errors: &mut Vec<FieldError>) {
    if let Some(source) = &volume.empty_dir {
        let limit = path.child("sizeLimit");
        if let Some(size) = &source.size_limit {
            check_quantity(size, &limit, errors);
        }
    } else if let Some(source) = &volume.host_path {
        check_host_path(&source.path, source.type_.as_deref(), path, errors);
    } else if let Some(source) = &volume.secret {
        check_required(text(&source.secret_name), &path.child("secretName"), errors);
        check_mode(source.default_mode, &path.child("defaultMode"), errors);
        check_items(items(&source.items), &path.child("items"), errors);
    } else if let Some(source) = &volume.persistent_volume_claim {
        check_required(&source.claim_name, &path.child("claimName"), errors);
    } else if let Some(source) = &volume.config_map {
        check_required(&source.name, &path.child("name"), errors);
        check_mode(source.default_mode, &path.child("defaultMode"), errors);
        check_items(items(&source.items), &path.child("items"), errors);
    } else if let Some(source) = &volume.projected {
        check_mode(source.default_mode, &path.child("defaultMode"), errors);
    } else if let Some(source) = &volume.downward_api {
        check_mode(source.default_mode, &path.child("defaultMode"), errors);
    } else if let Some(source) = &volume.ephemeral {
        match &source.volume_claim_template {
            Some(template) => {
                claim::check_spec(&template.spec, &path.child("volumeClaimTemplate.spec"), errors)
            }
            None => errors.push(path.child("volumeClaimTemplate").required("")),
        }
    }
}

fn check_required(name: &str, path: &Path<'_>, errors: &mut Vec<FieldError>) {
    if name.is_empty() {
        errors.push(path.required(""));
    }
}

fn check_mode(mode: Option<i32>, path: &Path<'_>, errors: &mut Vec<FieldError>) {
    if let Some(mode) = mode.filter(|mode| !(0..=FILE_MODE_MAX).contains(mode)) {
        errors.push(path.invalid(mode, "must be a number between 0 and 0777 (octal), both inclusive"));
    }
}

fn check_items(list: &[KeyToPath], path: &Path<'_>, errors: &mut Vec<FieldError>) {
    for item in list {
        check_required(&item.key, &path.child("key"), errors);
        check_required(&item.path, &path.child("path"), errors);
        check_relative(&item.path, &path.child("path"), errors);
        check_mode(item.mode, &path.child("mode"), errors);
    }
}

pub(super) fn check_host_path(
    place: &str,
    kind: Option<&str>,
    path: &Path<'_>,
    errors: &mut Vec<FieldError>,
) {
    check_required(place, &path.child("path"), errors);
    if climbs(place) {
        errors.push(path.child("path").invalid(place, "must not contain '..'"));
    }
    let kind = kind.unwrap_or_default();
    if !HOST_PATH_TYPES.contains(&kind) {
        errors.push(path.child("type").not_supported(kind, HOST_PATH_TYPES));
    }
}

/// A relative path that stays below its start.
fn check_relative(place: &str, path: &Path<'_>, errors: &mut Vec<FieldError>) {
    if place.starts_with('/') {
        errors.push(path.invalid(place, "must be a relative path"));
    }
    if climbs(place) {
        errors.push(path.invalid(place, "must not contain '..'"));
    }
}

fn climbs(place: &str) -> bool {
    place.split('/').any(|part| part == "..")
}

/// The volumes that containers can mount, by name.
pub(super) struct Volumes<'a>(BTreeMap<&'a str, Mountable>);

#[derive(Clone, Copy)]
struct Mountable {
    /// Whether it may be used as a block device.
    is_claim: bool,
}

impl<'a> Volumes<'a> {
    /// The volumes of a pod, and one for each claim template.
    pub(super) fn new(volumes: &'a [Volume], claims: &[&'a str]) -> Self {
        let of_pod = volumes.iter().map(|volume| {
            let is_claim = volume.persistent_volume_claim.is_some() || volume.ephemeral.is_some();
            (volume.name.as_str(), Mountable { is_claim })
        });
        let of_templates = claims.iter().map(|name| (*name, Mountable { is_claim: true }));
        Self(of_pod.chain(of_templates).collect())
    }

    /// Checks the mounts of a container: each volume exists, each mount path is used once.
    pub(super) fn check_mounts(&self, container: &Container, path: &Path<'_>, errors: &mut Vec<FieldError>) {
        let mounts = items(&container.volume_mounts);
        let devices = items(&container.volume_devices);
        let list = path.child("volumeMounts");
        let mut places = BTreeSet::new();
        for (index, mount) in mounts.iter().enumerate() {
            let path = list.index(index);
            self.check_mount(mount, devices, &path, errors);
            if !places.insert(mount.mount_path.as_str()) {
                errors.push(path.child("mountPath").invalid(mount.mount_path.as_str(), "must be unique"));
            }
            for (name, place) in [("subPath", &mount.sub_path), ("subPathExpr", &mount.sub_path_expr)] {
                check_relative(text(place), &list.child(name), errors);
            }
        }
        let list = path.child("volumeDevices");
        for (index, device) in devices.iter().enumerate() {
            self.check_device(device, mounts, &list.index(index), errors);
        }
    }

    fn check_mount(
        &self,
        mount: &VolumeMount,
        devices: &[VolumeDevice],
        path: &Path<'_>,
        errors: &mut Vec<FieldError>,
    ) {
        check_required(&mount.name, &path.child("name"), errors);
        if !self.0.contains_key(mount.name.as_str()) {
            errors.push(path.child("name").not_found(&mount.name));
        }
        check_required(&mount.mount_path, &path.child("mountPath"), errors);
        if devices.iter().any(|device| device.name == mount.name) {
            let rule = "must not already exist in volumeDevices";
            errors.push(path.child("name").invalid(mount.name.as_str(), rule));
        }
        if !text(&mount.sub_path).is_empty() && !text(&mount.sub_path_expr).is_empty() {
            let rule = "subPathExpr and subPath are mutually exclusive";
            errors.push(path.child("subPathExpr").invalid(text(&mount.sub_path_expr), rule));
        }
    }

    fn check_device(
        &self,
        device: &VolumeDevice,
        mounts: &[VolumeMount],
        path: &Path<'_>,
        errors: &mut Vec<FieldError>,
    ) {
        check_required(&device.name, &path.child("name"), errors);
        match self.0.get(device.name.as_str()) {
            None => errors.push(path.child("name").not_found(&device.name)),
            Some(Mountable { is_claim: false }) => {
                let rule =
                    "can only use volume source type of PersistentVolumeClaim or Ephemeral for block mode";
                errors.push(path.child("name").invalid(device.name.as_str(), rule));
            }
            Some(_) => {}
        }
        check_required(&device.device_path, &path.child("devicePath"), errors);
        if mounts.iter().any(|mount| mount.name == device.name) {
            let rule = "must not already exist in volumeMounts";
            errors.push(path.child("name").invalid(device.name.as_str(), rule));
        }
    }
}
