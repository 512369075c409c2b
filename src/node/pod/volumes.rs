//! The volumes of a pod that cannot be mounted, and why, in a kubelet's words.
//!
//! Pure: objects are looked up by the caller's function. Only volumes that a container mounts count,
//! as for a kubelet. What only a storage driver could say is not asked. The ConfigMap
//! `kube-root-ca.crt`, which Kubernetes puts into every namespace, counts as there: nothing makes it
//! here, and exported pods mount it.

use std::collections::BTreeSet;

use k8s_openapi::api::core::v1::{
    ConfigMap, Container, KeyToPath, PersistentVolumeClaim, Pod, Secret, Volume, VolumeProjection,
};

use crate::objects::{Kind, Object, ObjectKey, pod};

/// Looks up an object.
pub(super) type LookUp<'a> = &'a dyn Fn(&ObjectKey) -> Option<Object>;

/// The ConfigMap with the certificates of the cluster.
const ROOT_CERTIFICATES: &str = "kube-root-ca.crt";

/// What keeps the volumes of `pod` from being mounted, a sentence each; none if they can be.
pub(super) fn complaints(pod: &Pod, look_up: LookUp<'_>) -> Vec<String> {
    let Some(spec) = &pod.spec else { return Vec::new() };
    let mounted: BTreeSet<&str> = pod::containers(spec).flat_map(mounts).collect();
    let volumes = spec.volumes.iter().flatten().filter(|volume| mounted.contains(volume.name.as_str()));
    let sources = Sources { pod, look_up };
    let (mut complaints, mut unmounted, mut unbound) = (Vec::new(), Vec::new(), Vec::new());
    for volume in volumes {
        let name = volume.name.as_str();
        if let Some(why) = sources.of_objects(volume) {
            complaints.push(format!("MountVolume.SetUp failed for volume \"{name}\" : {why}"));
            unmounted.push(name);
        } else if let Some(why) = sources.of_claim(volume) {
            unmounted.push(name);
            unbound.push((name, why));
        }
    }
    if !unbound.is_empty() {
        let (failed, reasons): (Vec<&str>, Vec<String>) = unbound.into_iter().unzip();
        complaints.push(format!(
            "Unable to attach or mount volumes: unmounted volumes=[{}], unattached volumes=[], failed to \
             process volumes=[{}]: {}",
            unmounted.join(" "),
            failed.join(" "),
            reasons.join("; ")
        ));
    }
    complaints
}

/// The names of the volumes that a container mounts, or uses as devices.
fn mounts(container: &Container) -> impl Iterator<Item = &str> {
    let mounts = container.volume_mounts.iter().flatten().map(|mount| mount.name.as_str());
    mounts.chain(container.volume_devices.iter().flatten().map(|device| device.name.as_str()))
}

struct Sources<'a> {
    pod: &'a Pod,
    look_up: LookUp<'a>,
}

impl Sources<'_> {
    /// What is wrong with the Secrets and ConfigMaps of a volume.
    fn of_objects(&self, volume: &Volume) -> Option<String> {
        if let Some(secret) = &volume.secret {
            let name = secret.secret_name.as_deref().unwrap_or_default();
            return self.of_object(Kind::Secret, name, secret.items.as_deref(), secret.optional);
        }
        if let Some(map) = &volume.config_map {
            return self.of_object(Kind::ConfigMap, &map.name, map.items.as_deref(), map.optional);
        }
        let sources = volume.projected.as_ref()?.sources.iter().flatten();
        let mut reasons: Vec<String> = Vec::new();
        for reason in sources.filter_map(|source| self.of_projection(source)) {
            if !reasons.contains(&reason) {
                reasons.push(reason);
            }
        }
        match reasons.len() {
            0 | 1 => reasons.pop(),
            _ => Some(format!("[{}]", reasons.join(", "))),
        }
    }

    fn of_projection(&self, source: &VolumeProjection) -> Option<String> {
        if let Some(secret) = &source.secret {
            return self.of_object(Kind::Secret, &secret.name, secret.items.as_deref(), secret.optional);
        }
        let map = source.config_map.as_ref()?;
        self.of_object(Kind::ConfigMap, &map.name, map.items.as_deref(), map.optional)
    }

    fn of_object(
        &self,
        kind: Kind,
        name: &str,
        items: Option<&[KeyToPath]>,
        optional: Option<bool>,
    ) -> Option<String> {
        if optional == Some(true) || (kind, name) == (Kind::ConfigMap, ROOT_CERTIFICATES) {
            return None;
        }
        let Some(object) = self.find(kind, name) else {
            return Some(format!("{} \"{name}\" not found", kind.info().singular));
        };
        let missing = items.unwrap_or_default().iter().find(|item| !has_key(&object, &item.key))?;
        let what = if kind == Kind::Secret {
            "references non-existent secret key"
        } else {
            "configmap references non-existent config key"
        };
        Some(format!("{what}: {}", missing.key))
    }

    /// What is wrong with the claim of a volume.
    fn of_claim(&self, volume: &Volume) -> Option<String> {
        let pod_name = self.pod.metadata.name.as_deref().unwrap_or_default();
        let name = match (&volume.persistent_volume_claim, &volume.ephemeral) {
            (Some(source), _) => source.claim_name.clone(),
            (None, Some(_)) => format!("{pod_name}-{}", volume.name),
            (None, None) => return None,
        };
        let found = self.find(Kind::PersistentVolumeClaim, &name);
        let claim = found.as_ref().and_then(Object::get::<PersistentVolumeClaim>);
        let phase = claim.and_then(|claim| claim.status.as_ref()?.phase.as_deref());
        let why = match (claim, phase) {
            (_, Some("Bound")) => return None,
            (Some(_), _) => "PVC is not bound".to_owned(),
            (None, _) => {
                format!("failed to fetch PVC from API server: persistentvolumeclaims \"{name}\" not found")
            }
        };
        Some(format!("error processing PVC {}/{name}: {why}", self.namespace()))
    }

    fn find(&self, kind: Kind, name: &str) -> Option<Object> {
        (self.look_up)(&ObjectKey::new(kind, self.namespace(), name))
    }

    fn namespace(&self) -> &str {
        self.pod.metadata.namespace.as_deref().unwrap_or_default()
    }
}

fn has_key(object: &Object, key: &str) -> bool {
    if let Some(secret) = object.get::<Secret>() {
        return secret.data.as_ref().is_some_and(|data| data.contains_key(key));
    }
    let Some(map) = object.get::<ConfigMap>() else { return false };
    map.data.as_ref().is_some_and(|data| data.contains_key(key))
        || map.binary_data.as_ref().is_some_and(|data| data.contains_key(key))
}

#[cfg(test)]
mod tests;
