//! One version of one object: immutable, shared, cheap to clone.
//!
//! The typed form is what controllers read and is kept; the JSON form is made once, when an edge
//! asks for it, and kept too. Two clones share both.

use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference, Time};

use super::kind::{Kind, KubeObject, Typed};
use crate::clock::Timestamp;

/// A store revision; an object's `resourceVersion` is the revision of its last write.
pub type Revision = u64;

/// What names an object within the store. Cluster-scoped kinds have an empty namespace.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectKey {
    /// The kind.
    pub kind: Kind,
    /// The namespace; empty for cluster-scoped kinds.
    pub namespace: String,
    /// The name.
    pub name: String,
}

impl ObjectKey {
    /// A key; `namespace` is ignored for cluster-scoped kinds.
    pub fn new(kind: Kind, namespace: &str, name: &str) -> Self {
        let namespace = if kind.info().is_namespaced { namespace } else { "" };
        Self { kind, namespace: namespace.to_owned(), name: name.to_owned() }
    }

    /// The key that an object with this metadata has.
    pub fn of(typed: &Typed) -> Self {
        let meta = typed.meta();
        Self::new(
            typed.kind(),
            meta.namespace.as_deref().unwrap_or_default(),
            meta.name.as_deref().unwrap_or_default(),
        )
    }
}

impl std::fmt::Display for ObjectKey {
    /// As messages name objects: `StatefulSet default/web`, `Node node-1`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.namespace.is_empty() {
            write!(f, "{} {}", self.kind, self.name)
        } else {
            write!(f, "{} {}/{}", self.kind, self.namespace, self.name)
        }
    }
}

/// One version of one object.
#[derive(Clone)]
pub struct Object(Arc<Inner>);

struct Inner {
    typed: Typed,
    key: ObjectKey,
    revision: Revision,
    json: OnceLock<Bytes>,
}

impl Object {
    /// The version of `typed` written at `revision`, which becomes its `resourceVersion`.
    pub fn at_revision(mut typed: Typed, revision: Revision) -> Self {
        typed.meta_mut().resource_version = Some(revision.to_string());
        let key = ObjectKey::of(&typed);
        Self(Arc::new(Inner { typed, key, revision, json: OnceLock::new() }))
    }

    /// A version that was never written; it has no `resourceVersion`.
    pub fn unversioned(mut typed: Typed) -> Self {
        typed.meta_mut().resource_version = None;
        let key = ObjectKey::of(&typed);
        Self(Arc::new(Inner { typed, key, revision: 0, json: OnceLock::new() }))
    }

    /// The object's key.
    pub fn key(&self) -> &ObjectKey {
        &self.0.key
    }

    /// The object's kind.
    pub fn kind(&self) -> Kind {
        self.0.key.kind
    }

    /// The object's namespace; empty for cluster-scoped kinds.
    pub fn namespace(&self) -> &str {
        &self.0.key.namespace
    }

    /// The object's name.
    pub fn name(&self) -> &str {
        &self.0.key.name
    }

    /// The object's uid; empty only for objects that were loaded without one.
    pub fn uid(&self) -> &str {
        self.meta().uid.as_deref().unwrap_or_default()
    }

    /// The revision of the write that made this version.
    pub fn revision(&self) -> Revision {
        self.0.revision
    }

    /// The metadata.
    pub fn meta(&self) -> &ObjectMeta {
        self.0.typed.meta()
    }

    /// Whether deletion has been asked for (`metadata.deletionTimestamp`).
    pub fn is_terminating(&self) -> bool {
        self.meta().deletion_timestamp.is_some()
    }

    /// The typed form.
    pub fn typed(&self) -> &Typed {
        &self.0.typed
    }

    /// The object as a `T`, if it is one.
    pub fn get<T: KubeObject>(&self) -> Option<&T> {
        T::of(&self.0.typed)
    }

    /// The JSON form with `apiVersion` and `kind`, made at first use.
    pub fn json(&self) -> &Bytes {
        self.0.json.get_or_init(|| {
            let json = self.0.typed.to_json();
            Bytes::from(json.expect("the types of the table serialize to JSON"))
        })
    }
}

impl std::fmt::Debug for Object {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} at {}", self.0.key, self.0.revision)
    }
}

/// An instant as `metav1.Time` holds it: whole seconds.
pub fn time(instant: Timestamp) -> Time {
    Time(Timestamp::from_second(instant.as_second()).unwrap_or(instant))
}

/// The owner reference with `controller: true`, if there is one.
pub fn controller_of(meta: &ObjectMeta) -> Option<&OwnerReference> {
    let owners = meta.owner_references.as_deref().unwrap_or_default();
    owners.iter().find(|owner| owner.controller == Some(true))
}

/// A controller reference to `owner`, as Kubernetes' controllers write it.
pub fn controller_reference(owner: &Typed) -> OwnerReference {
    let info = owner.kind().info();
    OwnerReference {
        api_version: info.api_version.to_owned(),
        kind: info.name.to_owned(),
        name: owner.meta().name.clone().unwrap_or_default(),
        uid: owner.meta().uid.clone().unwrap_or_default(),
        controller: Some(true),
        block_owner_deletion: Some(true),
    }
}
