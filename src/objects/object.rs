//! One version of one object: immutable, shared, cheap to clone.
//!
//! Controllers read the typed form; the JSON form is made once, when it is first needed, and kept.
//! Clones share both.

use std::cmp::Ordering;
use std::hash::{BuildHasher, Hash, Hasher};
use std::sync::{Arc, LazyLock, OnceLock};

use bytes::Bytes;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference, Time};

use super::kind::{Kind, KubeObject, Typed};
use crate::clock::Timestamp;

/// A store revision; an object's `resourceVersion` is the revision of its last write.
pub type Revision = u64;

/// Keys of one process are hashed alike.
static HASHING: LazyLock<foldhash::quality::RandomState> = LazyLock::new(Default::default);

/// The identity of an object within the store: its kind, namespace and name. Keys go through every
/// queue and map, so clones share the names, and the hash is computed once.
#[derive(Clone)]
pub struct ObjectKey(Arc<Names>);

/// The parts of an [`ObjectKey`].
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Names {
    /// The kind.
    pub kind: Kind,
    /// The namespace; empty for cluster-scoped kinds.
    pub namespace: String,
    /// The name.
    pub name: String,
    hash: u64,
}

impl ObjectKey {
    /// A key; `namespace` is ignored for cluster-scoped kinds.
    pub fn new(kind: Kind, namespace: &str, name: &str) -> Self {
        let namespace = if kind.info().is_namespaced { namespace } else { "" };
        let hash = HASHING.hash_one((kind, namespace, name));
        Self(Arc::new(Names { kind, namespace: namespace.to_owned(), name: name.to_owned(), hash }))
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

    /// Whether an object with this metadata has this key.
    pub fn is_of(&self, typed: &Typed) -> bool {
        let meta = typed.meta();
        let namespace = if self.kind.info().is_namespaced { meta.namespace.as_deref() } else { None };
        self.kind == typed.kind()
            && self.name == meta.name.as_deref().unwrap_or_default()
            && self.namespace == namespace.unwrap_or_default()
    }
}

impl std::ops::Deref for ObjectKey {
    type Target = Names;

    fn deref(&self) -> &Names {
        &self.0
    }
}

impl PartialEq for ObjectKey {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || (self.hash == other.hash && self.0 == other.0)
    }
}

impl Eq for ObjectKey {}

impl PartialOrd for ObjectKey {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for ObjectKey {
    fn cmp(&self, other: &Self) -> Ordering {
        if Arc::ptr_eq(&self.0, &other.0) { Ordering::Equal } else { self.0.cmp(&other.0) }
    }
}

impl Hash for ObjectKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.hash.hash(state);
    }
}

impl std::fmt::Debug for ObjectKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{self}")
    }
}

impl std::fmt::Display for ObjectKey {
    /// As messages refer to objects: `StatefulSet default/web`, `Node node-1`.
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
    form: Form,
    key: ObjectKey,
    revision: Revision,
    json: OnceLock<Bytes>,
}

/// Where the typed form comes from.
enum Form {
    Own(Typed),
    /// That of another version, except for the `resourceVersion`; made when it is first needed.
    Of {
        version: Object,
        typed: OnceLock<Typed>,
    },
}

impl Object {
    /// The version of `typed` written at `revision`, which becomes its `resourceVersion`.
    pub fn at_revision(typed: Typed, revision: Revision) -> Self {
        let key = ObjectKey::of(&typed);
        Self::keyed(key, typed, revision)
    }

    /// As [`Object::at_revision`], for an object whose key the caller has.
    pub fn keyed(key: ObjectKey, mut typed: Typed, revision: Revision) -> Self {
        debug_assert!(key.is_of(&typed), "{key} is the key of the object");
        typed.meta_mut().resource_version = Some(revision.to_string());
        Self(Arc::new(Inner { form: Form::Own(typed), key, revision, json: OnceLock::new() }))
    }

    /// This version, stamped with another revision.
    pub fn restamped(&self, revision: Revision) -> Self {
        let form = Form::Of { version: self.clone(), typed: OnceLock::new() };
        Self(Arc::new(Inner { form, key: self.0.key.clone(), revision, json: OnceLock::new() }))
    }

    /// A version that was never written; it has no `resourceVersion`.
    pub fn unversioned(mut typed: Typed) -> Self {
        typed.meta_mut().resource_version = None;
        let key = ObjectKey::of(&typed);
        Self(Arc::new(Inner { form: Form::Own(typed), key, revision: 0, json: OnceLock::new() }))
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
        self.lasting().meta().uid.as_deref().unwrap_or_default()
    }

    /// The revision of the write that made this version.
    pub fn revision(&self) -> Revision {
        self.0.revision
    }

    /// The metadata.
    pub fn meta(&self) -> &ObjectMeta {
        self.typed().meta()
    }

    /// Whether deletion has been asked for (`metadata.deletionTimestamp`).
    pub fn is_terminating(&self) -> bool {
        self.lasting().meta().deletion_timestamp.is_some()
    }

    /// The typed form.
    pub fn typed(&self) -> &Typed {
        match &self.0.form {
            Form::Own(typed) => typed,
            Form::Of { version, typed } => typed.get_or_init(|| {
                let mut typed = version.typed().clone();
                typed.meta_mut().resource_version = Some(self.0.revision.to_string());
                typed
            }),
        }
    }

    /// The typed form without regard to the `resourceVersion`: nothing is made for it.
    fn lasting(&self) -> &Typed {
        match &self.0.form {
            Form::Own(typed) => typed,
            Form::Of { version, .. } => version.lasting(),
        }
    }

    /// The object as a `T`, if it is one.
    pub fn get<T: KubeObject>(&self) -> Option<&T> {
        T::of(self.typed())
    }

    /// About how many octets of memory this version takes: its forms, as far as they were made.
    pub fn weight_octets(&self) -> usize {
        let typed = match &self.0.form {
            Form::Own(typed) => Some(typed),
            Form::Of { typed, .. } => typed.get(),
        };
        typed.map_or(0, Typed::weight_octets) + self.0.json.get().map_or(0, Bytes::len)
    }

    /// The JSON form with `apiVersion` and `kind`, made at first use.
    pub fn json(&self) -> &Bytes {
        self.0.json.get_or_init(|| {
            let json = self.typed().to_json();
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

/// The name in some metadata; empty where there is none.
pub fn name_of(meta: &ObjectMeta) -> &str {
    meta.name.as_deref().unwrap_or_default()
}

/// The namespace in some metadata; empty where there is none.
pub fn namespace_of(meta: &ObjectMeta) -> &str {
    meta.namespace.as_deref().unwrap_or_default()
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
