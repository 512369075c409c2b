//! The objects that explanations look at: one immutable value, cheap to clone.
//!
//! The objects are shared with their source, not copied; the maps are persistent, so that a new
//! landscape costs only the change. `view` bounds how much of it one question looks at.

use std::sync::Arc;

use hickory_proto::rr::Name;
use k8s_openapi::api::core::v1::{Event, Pod};

use super::said::{Said, Sayings, mounts, pods_of_claim};
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
    /// What events say of pods that are not Ready, and of sets.
    sayings: Sayings,
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
            sayings: Sayings::default(),
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
                    self.sayings.forget_pod(&key.namespace, &key.name);
                }
                self.objects.insert(Arc::new(key.clone()), object);
            }
            (kind, None) => {
                match kind {
                    Kind::Pod => self.sayings.forget_pod(&key.namespace, &key.name),
                    Kind::StatefulSet => self.sayings.forget_set(&key.namespace, &key.name),
                    _ => {}
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
        let (Some(namespace), Some(name)) = (&about.namespace, &about.name) else { return };
        let is_set = about.kind.as_deref() == Some("StatefulSet");
        if is_set && event.reason.as_deref() == Some("SuccessfulCreate") {
            return self.sayings.forget_set(namespace, name);
        }
        let (Some(said), Some(message)) = (Said::of(event), event.message.as_deref()) else { return };
        let unready = |pod: &str| {
            let found = self.get(&ObjectKey::new(Kind::Pod, namespace, pod)).and_then(Object::get::<Pod>);
            found.filter(|pod| !pod::is_ready(pod))
        };
        let subject = match said {
            Said::Probe | Said::Mount => unready(name).map(|_| name.as_str()),
            Said::Claim => pods_of_claim(name).find(|pod| unready(pod).is_some_and(|pod| mounts(pod, name))),
            Said::Creation => {
                self.get(&ObjectKey::new(Kind::StatefulSet, namespace, name)).map(|_| name.as_str())
            }
        };
        let Some(subject) = subject else { return };
        match said {
            Said::Claim => {
                let message = format!("claim {name} is not bound: {message}");
                self.sayings.put(said, namespace, subject, &message);
            }
            _ => self.sayings.put(said, namespace, subject, message),
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

    /// What was last said of a pod or set.
    pub(super) fn said(&self, said: Said, namespace: &str, name: &str) -> Option<&str> {
        self.sayings.get(said, namespace, name)
    }
}

fn key_of(namespace: &str, name: &str) -> Key {
    (namespace.into(), name.into())
}

fn labels(name: &Name) -> Vec<String> {
    name.iter().map(|label| String::from_utf8_lossy(label).to_ascii_lowercase()).collect()
}
