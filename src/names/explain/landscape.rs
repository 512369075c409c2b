//! The objects that explanations look at: one immutable value, cheap to clone, shared with the store.
//!
//! The objects are the store's own versions, not copies; the maps are persistent, so that a new
//! landscape costs the change. A walk over a namespace ends after [`OBJECTS_LOOKED_AT_MAX`] objects:
//! an explanation then knows less, and answering stays bounded.

use std::sync::Arc;

use hickory_proto::rr::Name;
use k8s_openapi::api::apps::v1::StatefulSet;
use k8s_openapi::api::core::v1::{Event, Pod, Service};
use k8s_openapi::api::discovery::v1::EndpointSlice;

use super::pod;
use crate::machinery::selector::Selector;
use crate::names::options::{PodNames, ZoneOptions};
use crate::objects::{Kind, KubeObject, Object, ObjectKey};

/// How many objects of a kind are walked over for one explanation.
pub const OBJECTS_LOOKED_AT_MAX: usize = 1000;

/// Namespace and name.
type Key = (Arc<str>, Arc<str>);

/// The objects that names are made of, and the options that decide which.
#[derive(Clone, Debug)]
pub struct Landscape {
    options: Arc<ZoneOptions>,
    domain: Arc<[String]>,
    objects: imbl::OrdMap<Arc<ObjectKey>, Object>,
    slices: imbl::HashMap<Key, Arc<[Object]>>,
    /// What a pod's readiness probe said last, as long as the pod is not Ready.
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

    /// The kinds it is made of.
    pub const KINDS: [Kind; 6] =
        [Kind::Namespace, Kind::Service, Kind::EndpointSlice, Kind::Pod, Kind::StatefulSet, Kind::Event];

    /// Takes up the present version of an object, `None` if it has gone. Slices come by service.
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

    /// The slices that carry a service's name.
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
        let pod = self.pod(namespace, name).filter(|pod| !pod::is_ready(pod));
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

    pub(super) fn exposes(&self, namespace: &str) -> bool {
        let exposed = &self.options.namespaces;
        exposed.is_empty() || exposed.iter().any(|name| name == namespace)
    }

    pub(super) fn has_namespace(&self, name: &str) -> bool {
        let has_pods = self.options.pods == PodNames::Verified;
        let kinds = [Some(Kind::Service), Some(Kind::Pod).filter(|_| has_pods)];
        let is_implied = || {
            self.options.implied_namespaces
                && kinds.iter().flatten().any(|kind| self.walk(*kind, name).next().is_some())
        };
        self.objects.contains_key(&ObjectKey::new(Kind::Namespace, "", name)) || is_implied()
    }

    /// The namespaces that are published and have an object.
    pub(super) fn namespaces(&self) -> impl Iterator<Item = &str> {
        self.walk(Kind::Namespace, "").map(Object::name).filter(|name| self.exposes(name))
    }

    pub(super) fn names(&self, kind: Kind, namespace: &str) -> impl Iterator<Item = &str> {
        self.walk(kind, namespace).map(Object::name)
    }

    pub(super) fn namespaces_with_service(&self, name: &str) -> impl Iterator<Item = &str> {
        self.namespaces().filter(move |namespace| self.service(namespace, name).is_some())
    }

    /// A StatefulSet that names a service.
    pub(super) fn set_with_service(&self, namespace: &str, service: &str) -> Option<&str> {
        let names_it = |set: &&Object| {
            set.get::<StatefulSet>().is_some_and(|set| set.spec.service_name.as_deref() == Some(service))
        };
        self.walk(Kind::StatefulSet, namespace).find(names_it).map(Object::name)
    }

    /// A StatefulSet whose pods have labels that a selector matches.
    pub(super) fn set_selected_by(&self, namespace: &str, selector: &Selector) -> Option<&StatefulSet> {
        let labels = |set: &StatefulSet| set.spec.template.metadata.as_ref()?.labels.clone();
        let mut sets = self.walk(Kind::StatefulSet, namespace).filter_map(Object::get::<StatefulSet>);
        sets.find(|set| selector.matches(labels(set).as_ref()))
    }

    pub(super) fn service(&self, namespace: &str, name: &str) -> Option<&Service> {
        self.find(namespace, name)
    }

    pub(super) fn pod(&self, namespace: &str, name: &str) -> Option<&Pod> {
        self.find(namespace, name)
    }

    pub(super) fn set(&self, namespace: &str, name: &str) -> Option<&StatefulSet> {
        self.find(namespace, name)
    }

    pub(super) fn pods(&self, namespace: &str) -> impl Iterator<Item = &Pod> {
        self.walk(Kind::Pod, namespace).filter_map(Object::get)
    }

    pub(super) fn slices(&self, namespace: &str, service: &str) -> impl Iterator<Item = &EndpointSlice> {
        let slices = self.slices.get(&key_of(namespace, service));
        let slices = slices.into_iter().flat_map(|slices| slices.iter());
        slices.take(OBJECTS_LOOKED_AT_MAX).filter_map(Object::get)
    }

    /// What the pod's readiness probe said last.
    pub(super) fn probe(&self, pod: &Pod) -> Option<&str> {
        let text = |value: &Option<String>| value.as_deref().unwrap_or_default().to_owned();
        let key = key_of(&text(&pod.metadata.namespace), &text(&pod.metadata.name));
        self.probes.get(&key).map(AsRef::as_ref)
    }

    fn find<T: KubeObject>(&self, namespace: &str, name: &str) -> Option<&T> {
        self.objects.get(&ObjectKey::new(T::KIND, namespace, name))?.get()
    }

    /// The first objects of a kind in a namespace, by name.
    fn walk(&self, kind: Kind, namespace: &str) -> impl Iterator<Item = &Object> {
        let start = Arc::new(ObjectKey::new(kind, namespace, ""));
        let first = start.clone();
        let is_here =
            move |object: &&Object| object.kind() == first.kind && object.namespace() == first.namespace;
        self.objects.range(start..).map(|(_, object)| object).take_while(is_here).take(OBJECTS_LOOKED_AT_MAX)
    }
}

fn key_of(namespace: &str, name: &str) -> Key {
    (namespace.into(), name.into())
}

fn labels(name: &Name) -> Vec<String> {
    name.iter().map(|label| String::from_utf8_lossy(label).to_ascii_lowercase()).collect()
}
