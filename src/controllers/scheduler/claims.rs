//! Reads from the store what the fate of a pod's claims depends on.

use k8s_openapi::api::apps::v1::StatefulSet;
use k8s_openapi::api::core::v1::{PersistentVolume, PersistentVolumeClaim};
use k8s_openapi::api::storage::v1::StorageClass;

use super::filter::{ANNOTATION_SELECTED_NODE, Mounted};
use super::snapshot::{PodInfo, Snapshot, parse};
use crate::machinery::selector::Selector;
use crate::objects::{Kind, KubeObject, ObjectKey, controller_of};
use crate::store::Store;

/// The claims that a pod mounts.
pub(super) fn mounted(store: &Store, pod: &PodInfo, snapshot: &Snapshot) -> Vec<Mounted> {
    let names = pod.spec().into_iter().flat_map(|spec| spec.volumes.iter().flatten());
    let named: Vec<&str> = names
        .filter_map(|volume| Some(volume.persistent_volume_claim.as_ref()?.claim_name.as_str()))
        .collect();
    let look_up = |key: &ObjectKey| mounted_claim(store, key, !named.contains(&key.name.as_str()), snapshot);
    pod.demand.claims.iter().map(look_up).collect()
}

fn mounted_claim(store: &Store, key: &ObjectKey, is_ephemeral: bool, snapshot: &Snapshot) -> Mounted {
    let claim = store.get(key).and_then(|object| object.get::<PersistentVolumeClaim>().cloned());
    let spec = claim.as_ref().and_then(|claim| claim.spec.as_ref());
    let volume = spec.and_then(|spec| spec.volume_name.as_deref()).filter(|name| !name.is_empty());
    let annotations = claim.as_ref().and_then(|claim| claim.metadata.annotations.as_ref());
    let selected = annotations.and_then(|annotations| annotations.get(ANNOTATION_SELECTED_NODE));
    let is_there =
        |name: &&String| snapshot.nodes.get(name.as_str()).is_some_and(|node| node.object.is_some());
    let mut mounted = Mounted {
        key: key.clone(),
        is_ephemeral,
        class: find(store, spec.and_then(|spec| spec.storage_class_name.as_deref()).unwrap_or_default()),
        volume: volume.and_then(|name| store.find::<PersistentVolume>("", name)),
        candidates: Vec::new(),
        selected_node: selected.filter(is_there).cloned(),
        claim,
    };
    if mounted.is_unbound() && mounted.volume.is_none() && mounted.waits_for_consumer() {
        mounted.candidates =
            snapshot.free_volumes.of(key).iter().filter_map(|volume| store.get(volume)).collect();
    }
    mounted
}

fn find(store: &Store, name: &str) -> Option<StorageClass> {
    StorageClass::take(store.find::<StorageClass>("", name)?.typed().clone())
}

/// The pods that one without spread constraints is spread with: those of its services and of its set.
/// `None` if it has neither.
pub(super) fn default_selector(store: &Store, pod: &PodInfo, snapshot: &Snapshot) -> Option<Selector> {
    let services = snapshot.service_selector(&pod.object);
    let owner = controller_of(pod.object.meta()).filter(|owner| owner.kind == Kind::StatefulSet.info().name);
    let set = owner.and_then(|owner| store.find::<StatefulSet>(pod.object.namespace(), &owner.name));
    let of_set = set.and_then(|set| parse(Some(&set.get::<StatefulSet>()?.spec.selector)));
    let selector = services.and(of_set.unwrap_or_default());
    (!selector.is_empty()).then_some(selector)
}
