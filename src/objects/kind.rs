//! The table of kinds: group, version, names, scope, and the Rust type of each.
//!
//! One row per kind holds everything that differs between kinds by name alone. Behaviour that
//! differs is matched on [`Kind`] or [`Typed`] where it belongs (defaulting, validation, strategy).

use k8s_openapi::api::{
    apps::v1::{ControllerRevision, StatefulSet},
    coordination::v1::Lease,
    core::v1::{
        ConfigMap, Endpoints, Event, Namespace, Node, PersistentVolume, PersistentVolumeClaim, Pod, Secret,
        Service, ServiceAccount,
    },
    discovery::v1::EndpointSlice,
    node::v1::RuntimeClass,
    storage::v1::StorageClass,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

/// Names and scope of one kind, as Kubernetes' discovery documents give them.
#[derive(Debug, PartialEq, Eq)]
pub struct KindInfo {
    /// The API group; empty for the core group.
    pub group: &'static str,
    /// The version within the group.
    pub version: &'static str,
    /// `apiVersion` as written in manifests: `v1` or `group/version`.
    pub api_version: &'static str,
    /// The kind's name, for example `StatefulSet`.
    pub name: &'static str,
    /// The plural resource name, for example `statefulsets`.
    pub plural: &'static str,
    /// The singular resource name.
    pub singular: &'static str,
    /// Short names that kubectl accepts, for example `sts`.
    pub short_names: &'static [&'static str],
    /// Whether objects live in a namespace.
    pub is_namespaced: bool,
}

/// A Rust type of the table of kinds.
pub trait KubeObject: Clone + Send + Sync + 'static + Into<Typed> {
    /// The row of the table.
    const KIND: Kind;
    /// The object, if `typed` holds one of this kind.
    fn of(typed: &Typed) -> Option<&Self>;
    /// The object by value, if `typed` holds one of this kind.
    fn take(typed: Typed) -> Option<Self>;
}

macro_rules! kinds {
    ($($kind:ident, $group:literal, $version:literal, $api_version:literal, $plural:literal, $singular:literal, [$($short:literal),*], $namespaced:literal;)*) => {
        /// Every kind of object there is, in the order of the table.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Kind { $(#[doc = concat!("`", $api_version, "` ", stringify!($kind))] $kind),* }

        /// An object in the form of its Rust type.
        #[derive(Clone, Debug, PartialEq)]
        pub enum Typed { $(#[doc = concat!("`", $api_version, "` ", stringify!($kind))] $kind(Box<$kind>)),* }

        impl Kind {
            /// All kinds.
            pub const ALL: &'static [Kind] = &[$(Kind::$kind),*];

            /// The kind's row of the table.
            pub const fn info(self) -> &'static KindInfo {
                match self { $(Kind::$kind => &KindInfo {
                    group: $group, version: $version, api_version: $api_version,
                    name: stringify!($kind), plural: $plural, singular: $singular,
                    short_names: &[$($short),*], is_namespaced: $namespaced,
                }),* }
            }
        }

        impl Typed {
            /// The row of the table this object belongs to.
            pub fn kind(&self) -> Kind { match self { $(Typed::$kind(_) => Kind::$kind),* } }
            /// The object's metadata.
            pub fn meta(&self) -> &ObjectMeta { match self { $(Typed::$kind(object) => &object.metadata),* } }
            /// The object's metadata, to be changed.
            pub fn meta_mut(&mut self) -> &mut ObjectMeta { match self { $(Typed::$kind(object) => &mut object.metadata),* } }

            /// Decodes the JSON form of an object of `kind`. Unknown fields are ignored.
            pub fn from_value(kind: Kind, value: serde_json::Value) -> Result<Typed, serde_json::Error> {
                Ok(match kind { $(Kind::$kind => Typed::$kind(Box::new(serde_json::from_value(value)?))),* })
            }

            /// The JSON form as a value, with `apiVersion` and `kind`.
            pub fn to_value(&self) -> Result<serde_json::Value, serde_json::Error> {
                match self { $(Typed::$kind(object) => serde_json::to_value(object)),* }
            }

            /// The JSON form, with `apiVersion` and `kind`.
            pub fn to_json(&self) -> Result<Vec<u8>, serde_json::Error> {
                match self { $(Typed::$kind(object) => serde_json::to_vec(object)),* }
            }
        }

        $(impl From<$kind> for Typed {
            fn from(object: $kind) -> Self { Typed::$kind(Box::new(object)) }
        }
        impl KubeObject for $kind {
            const KIND: Kind = Kind::$kind;
            fn of(typed: &Typed) -> Option<&Self> { match typed { Typed::$kind(object) => Some(object), _ => None } }
            fn take(typed: Typed) -> Option<Self> { match typed { Typed::$kind(object) => Some(*object), _ => None } }
        })*
    };
}

kinds! {
    Namespace, "", "v1", "v1", "namespaces", "namespace", ["ns"], false;
    Node, "", "v1", "v1", "nodes", "node", ["no"], false;
    PersistentVolume, "", "v1", "v1", "persistentvolumes", "persistentvolume", ["pv"], false;
    StorageClass, "storage.k8s.io", "v1", "storage.k8s.io/v1", "storageclasses", "storageclass", ["sc"], false;
    RuntimeClass, "node.k8s.io", "v1", "node.k8s.io/v1", "runtimeclasses", "runtimeclass", [], false;
    ServiceAccount, "", "v1", "v1", "serviceaccounts", "serviceaccount", ["sa"], true;
    ConfigMap, "", "v1", "v1", "configmaps", "configmap", ["cm"], true;
    Secret, "", "v1", "v1", "secrets", "secret", [], true;
    Service, "", "v1", "v1", "services", "service", ["svc"], true;
    PersistentVolumeClaim, "", "v1", "v1", "persistentvolumeclaims", "persistentvolumeclaim", ["pvc"], true;
    Pod, "", "v1", "v1", "pods", "pod", ["po"], true;
    StatefulSet, "apps", "v1", "apps/v1", "statefulsets", "statefulset", ["sts"], true;
    ControllerRevision, "apps", "v1", "apps/v1", "controllerrevisions", "controllerrevision", [], true;
    EndpointSlice, "discovery.k8s.io", "v1", "discovery.k8s.io/v1", "endpointslices", "endpointslice", [], true;
    Endpoints, "", "v1", "v1", "endpoints", "endpoints", ["ep"], true;
    Lease, "coordination.k8s.io", "v1", "coordination.k8s.io/v1", "leases", "lease", [], true;
    Event, "", "v1", "v1", "events", "event", ["ev"], true;
}

impl Kind {
    /// The kind's name, for example `StatefulSet`.
    pub fn name(self) -> &'static str {
        self.info().name
    }

    /// The resource as messages of an API server name it: `pods`, `statefulsets.apps`.
    pub fn resource(self) -> String {
        let info = self.info();
        if info.group.is_empty() { info.plural.to_owned() } else { format!("{}.{}", info.plural, info.group) }
    }

    /// The kind that manifests call `api_version` and `kind`.
    pub fn find(api_version: &str, kind: &str) -> Option<Kind> {
        Kind::ALL
            .iter()
            .copied()
            .find(|candidate| candidate.info().api_version == api_version && candidate.info().name == kind)
    }
}

impl std::fmt::Display for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_is_found_by_its_manifest_names() {
        for kind in Kind::ALL {
            let info = kind.info();
            assert_eq!(Kind::find(info.api_version, info.name), Some(*kind));
            let version = info.api_version.rsplit('/').next();
            assert_eq!(version, Some(info.version));
        }
        assert_eq!(Kind::find("apps/v1beta1", "StatefulSet"), None);
    }
}
