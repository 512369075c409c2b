//! The objects that explanations look at: one immutable value, cheap to clone.
//!
//! The objects are shared with their source, not copied; the maps are persistent, so that a new
//! landscape costs only the change. `view` bounds how much of it one question looks at.

use std::sync::Arc;

use hickory_proto::rr::Name;
use k8s_openapi::api::core::v1::{Event, Pod};

use crate::names::options::ZoneOptions;
use crate::objects::{Kind, Object, ObjectKey, pod};

/// Namespace and name.
type Key = (Arc<str>, Arc<str>);

/// The objects that names come from, and the options.
#[derive(Clone, Debug)]
pub struct Landscape {
    options: Arc<ZoneOptions>,
    domain: Arc<[String]>,
    objects: imbl::OrdMap<Arc<ObjectKey>, Object>,
    slices: imbl::HashMap<Key, Arc<[Object]>>,
    /// The last message of a pod's probe, while the pod is not Ready.
    probes: imbl::HashMap<Key, Arc<str>>,
}

impl Landscape {
    /// No objects yet.
    pub fn new(options: ZoneOptions) -> Self {
        let domain = labels(&options.cluster_domain);
        Self {
            options: options.into(),
            domain: domain.into(),
            objects: imbl::OrdMap::new(),
            slices: imbl::HashMap::new(),
            probes: imbl::HashMap::new(),
        }
    }

    /// The kinds of its objects.
    pub const KINDS: [Kind; 6] =
        [Kind::Namespace, Kind::Service, Kind::EndpointSlice, Kind::Pod, Kind::StatefulSet, Kind::Event];

    /// Puts the present version of an object, `None` if it was deleted. Slices are put by service.
    pub fn put(&mut self, key: &ObjectKey, object: Option<Object>) {
        match (key.kind, object) {
            (Kind::EndpointSlice, _) | (Kind::Event, None) => {}
            (Kind::Event, Some(object)) => self.put_event(&object),
            (_, Some(object)) => {
                if object.get::<Pod>().is_some_and(pod::is_ready) {
                    self.probes.remove(&key_of(&key.namespace, &key.name));
                }
                self.objects.insert(Arc::new(key.clone()), object);
            }
            (kind, None) => {
                if kind == Kind::Pod {
                    self.probes.remove(&key_of(&key.namespace, &key.name));
                }
                self.objects.remove(key);
            }
        }
    }

    /// Puts the slices that carry a service's name.
    pub fn put_slices(&mut self, namespace: &str, service: &str, slices: Vec<Object>) {
        let key = key_of(namespace, service);
        if slices.is_empty() {
            self.slices.remove(&key)
        } else {
            self.slices.insert(key, slices.into())
        };
    }

    fn put_event(&mut self, object: &Object) {
        let Some(event) = object.get::<Event>() else { return };
        let about = &event.involved_object;
        let is_probe = about.kind.as_deref() == Some("Pod") && event.reason.as_deref() == Some("Unhealthy");
        let (Some(namespace), Some(name)) = (&about.namespace, &about.name) else { return };
        let message = event.message.as_deref().filter(|_| is_probe);
        let pod = self.get(&ObjectKey::new(Kind::Pod, namespace, name)).and_then(Object::get::<Pod>);
        let pod = pod.filter(|pod| !pod::is_ready(pod));
        if let (Some(message), Some(_)) = (message, pod) {
            self.probes.insert(key_of(namespace, name), message.into());
        }
    }

    /// The labels of `name` below the cluster's zone, lower-cased; `None` outside of it.
    pub(super) fn labels_below(&self, name: &Name) -> Option<Vec<String>> {
        let mut labels = labels(name);
        let n_below = labels.len().checked_sub(self.domain.len())?;
        (labels.split_off(n_below) == *self.domain).then_some(labels)
    }

    pub(super) fn options(&self) -> &ZoneOptions {
        &self.options
    }

    pub(super) fn domain(&self) -> String {
        self.domain.join(".")
    }

    /// The present version of an object.
    pub(super) fn get(&self, key: &ObjectKey) -> Option<&Object> {
        self.objects.get(key)
    }

    /// The objects of a kind in a namespace, by name.
    pub(super) fn range(&self, kind: Kind, namespace: &str) -> impl Iterator<Item = &Object> {
        let start = Arc::new(ObjectKey::new(kind, namespace, ""));
        let first = start.clone();
        let is_here =
            move |object: &&Object| object.kind() == first.kind && object.namespace() == first.namespace;
        self.objects.range(start..).map(|(_, object)| object).take_while(is_here)
    }

    /// The slices that carry a service's name.
    pub(super) fn slices(&self, namespace: &str, service: &str) -> &[Object] {
        self.slices.get(&key_of(namespace, service)).map_or(&[], |slices| slices)
    }

    /// The last message of the pod's probe.
    pub(super) fn probe(&self, pod: &Pod) -> Option<&str> {
        let text = |value: &Option<String>| value.as_deref().unwrap_or_default().to_owned();
        let key = key_of(&text(&pod.metadata.namespace), &text(&pod.metadata.name));
        self.probes.get(&key).map(AsRef::as_ref)
    }
}

fn key_of(namespace: &str, name: &str) -> Key {
    (namespace.into(), name.into())
}

fn labels(name: &Name) -> Vec<String> {
    name.iter().map(|label| String::from_utf8_lossy(label).to_ascii_lowercase()).collect()
}
