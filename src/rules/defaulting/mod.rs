//! Defaults, as the Kubernetes API sets them before it validates.
//!
//! Each file has the defaults of what it is named after. Two rules hold for all: a field that is set
//! stays as it is, and a field that Kubernetes keeps as a plain number or boolean is unset when it is
//! zero or false, since the API cannot distinguish that from absent. The store sets what depends on
//! other objects (addresses, node ports, the storage class), [`strategy`](super::strategy) what is
//! set only at creation (status, generation, finalizers of namespaces).

mod absent;
mod claim;
mod container;
mod image;
mod pod;
mod quantities;
mod reference;
mod service;
mod statefulset;
mod storage;
mod volume;

use std::ops::Deref;

use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::{Endpoints, Namespace, Node, Secret};
use k8s_openapi::api::discovery::v1::EndpointSlice;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use crate::objects::Typed;
use absent::{drop_zero, set};
use quantities::{amounts, canonicalize};

/// The label of every namespace, with its name as the value.
const NAMESPACE_NAME_LABEL: &str = "kubernetes.io/metadata.name";

/// Sets every default that the Kubernetes API sets for this kind. Applying it twice changes
/// nothing more.
pub fn default(typed: &mut Typed) {
    drop_empty(typed.meta_mut());
    match typed {
        Typed::StatefulSet(set) => statefulset::default(set),
        Typed::Pod(pod) => pod::default(pod),
        Typed::Service(service) => service::default(service),
        Typed::PersistentVolumeClaim(claim) => claim::default(claim),
        Typed::PersistentVolume(volume) => storage::default_volume(volume),
        Typed::StorageClass(class) => storage::default_class(class),
        Typed::Namespace(namespace) => default_namespace(namespace),
        Typed::Node(node) => default_node(node),
        Typed::Secret(secret) => default_secret(secret),
        Typed::EndpointSlice(slice) => default_slice(slice),
        Typed::Endpoints(endpoints) => default_endpoints(endpoints),
        Typed::ConfigMap(map) => {
            drop_zero(&mut map.data);
            drop_zero(&mut map.binary_data);
        }
        Typed::ControllerRevision(_)
        | Typed::Event(_)
        | Typed::Lease(_)
        | Typed::RuntimeClass(_)
        | Typed::ServiceAccount(_) => {}
    }
}

/// An object that has every default of its kind, so that nothing sets them again.
///
/// What takes `impl Into<Defaulted>` takes any object, and sets the defaults of those that are not
/// known to have them.
#[derive(Clone, Debug, PartialEq)]
pub struct Defaulted(Typed);

impl<T: Into<Typed>> From<T> for Defaulted {
    fn from(object: T) -> Self {
        let mut typed = object.into();
        default(&mut typed);
        Self(typed)
    }
}

impl Deref for Defaulted {
    type Target = Typed;

    fn deref(&self) -> &Typed {
        &self.0
    }
}

impl Defaulted {
    /// The metadata, to be changed. Only one default depends on it, the label of a namespace, and a
    /// creation sets that again.
    pub fn meta_mut(&mut self) -> &mut ObjectMeta {
        self.0.meta_mut()
    }

    /// The object, to be changed in any way.
    pub fn into_typed(self) -> Typed {
        self.0
    }
}

/// The API omits empty lists and maps; `kubectl apply` sends `annotations: {}` and does not
/// expect it back.
fn drop_empty(meta: &mut ObjectMeta) {
    drop_zero(&mut meta.annotations);
    drop_zero(&mut meta.labels);
    drop_zero(&mut meta.finalizers);
    drop_zero(&mut meta.owner_references);
}

fn default_namespace(namespace: &mut Namespace) {
    label_namespace(namespace);
    let status = namespace.status.get_or_insert_default();
    set(&mut status.phase, "Active");
}

/// Labels a namespace with its name. One whose name is generated gets the label with the name, after
/// its other defaults (`Canonicalize` of `pkg/registry/core/namespace`).
pub(super) fn label_namespace(namespace: &mut Namespace) {
    if let Some(name) = namespace.metadata.name.clone().filter(|name| !name.is_empty()) {
        namespace.metadata.labels.get_or_insert_default().insert(NAMESPACE_NAME_LABEL.into(), name);
    }
}

fn default_node(node: &mut Node) {
    let Some(status) = &mut node.status else { return };
    canonicalize(amounts(&mut status.capacity).chain(amounts(&mut status.allocatable)));
    if status.allocatable.is_none() {
        status.allocatable = status.capacity.clone();
    }
}

/// `stringData` is a way to write `data`; it takes precedence, and is never stored.
fn default_secret(secret: &mut Secret) {
    set(&mut secret.type_, "Opaque");
    for (key, text) in secret.string_data.take().into_iter().flatten() {
        secret.data.get_or_insert_default().insert(key, ByteString(text.into_bytes()));
    }
}

fn default_slice(slice: &mut EndpointSlice) {
    for port in slice.ports.iter_mut().flatten() {
        port.name.get_or_insert_default();
        set(&mut port.protocol, "TCP");
    }
}

fn default_endpoints(endpoints: &mut Endpoints) {
    let subsets = endpoints.subsets.iter_mut().flatten();
    for port in subsets.flat_map(|subset| subset.ports.iter_mut().flatten()) {
        set(&mut port.protocol, "TCP");
    }
}

#[cfg(test)]
mod tests;
