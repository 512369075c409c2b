//! How the lists and maps of the types merge: item by item and by which key, as sets, or as a whole.
//!
//! The two tables are those of Kubernetes' types; `k8s-openapi` does not have them. Server-side apply
//! goes by `listType` and its keys, strategic merge patches by `patchStrategy` and `patchMergeKey`.
//! They differ: port and protocol identify a container port in the first, the port alone in the
//! second. A list in neither table is replaced as a whole; maps and structs merge key by key.
//!
//! [`Shape`] walks the schema of a kind and knows both at every field.

use serde_json::Value;

use super::schema::{self, Type};
use crate::objects::Kind;

/// How the values of one field merge in server-side apply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MergeStrategy {
    /// A list whose items are identified by these fields and merge one by one.
    Map {
        /// The fields that together name an item.
        keys: &'static [&'static str],
    },
    /// A list of scalars, each with its own owners.
    Set,
    /// A list, map or struct that is one value.
    Atomic,
}

/// How a list merges in a strategic merge patch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PatchStrategy {
    /// The field that names an item; `None` for lists of scalars.
    pub merge_key: Option<&'static str>,
    /// Whether an item loses the fields that a `$retainKeys` does not name.
    pub retain_keys: bool,
}

/// One list of one type.
struct Row {
    definition: &'static str,
    field: &'static str,
    merge: MergeStrategy,
    patch: Option<PatchStrategy>,
}

const fn map(
    definition: &'static str,
    field: &'static str,
    keys: &'static [&'static str],
    patch_merge_key: &'static str,
) -> Row {
    let patch = PatchStrategy { merge_key: Some(patch_merge_key), retain_keys: false };
    Row { definition, field, merge: MergeStrategy::Map { keys }, patch: Some(patch) }
}

const fn applied_only(definition: &'static str, field: &'static str, merge: MergeStrategy) -> Row {
    Row { definition, field, merge, patch: None }
}

const fn retaining(definition: &'static str, field: &'static str) -> Row {
    let patch = PatchStrategy { merge_key: Some("name"), retain_keys: true };
    Row { definition, field, merge: MergeStrategy::Map { keys: &["name"] }, patch: Some(patch) }
}

const fn set(definition: &'static str, field: &'static str) -> Row {
    let patch = PatchStrategy { merge_key: None, retain_keys: false };
    Row { definition, field, merge: MergeStrategy::Set, patch: Some(patch) }
}

const fn patched_only(definition: &'static str, field: &'static str, merge_key: &'static str) -> Row {
    let patch = PatchStrategy { merge_key: Some(merge_key), retain_keys: false };
    Row { definition, field, merge: MergeStrategy::Atomic, patch: Some(patch) }
}

const CONTAINER: &str = "io.k8s.api.core.v1.Container";
const EPHEMERAL_CONTAINER: &str = "io.k8s.api.core.v1.EphemeralContainer";
const CONTAINER_STATUS: &str = "io.k8s.api.core.v1.ContainerStatus";
const POD_SPEC: &str = "io.k8s.api.core.v1.PodSpec";
const POD_STATUS: &str = "io.k8s.api.core.v1.PodStatus";
const NODE_STATUS: &str = "io.k8s.api.core.v1.NodeStatus";
const OBJECT_META: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta";

/// The lists that merge, by type and field (`+listType`, `patchStrategy` of Kubernetes' types).
const LISTS: &[Row] = &[
    map("io.k8s.api.apps.v1.StatefulSetStatus", "conditions", &["type"], "type"),
    map(CONTAINER, "env", &["name"], "name"),
    map(CONTAINER, "ports", &["containerPort", "protocol"], "containerPort"),
    map(CONTAINER, "volumeDevices", &["devicePath"], "devicePath"),
    map(CONTAINER, "volumeMounts", &["mountPath"], "mountPath"),
    applied_only("io.k8s.api.core.v1.ContainerRestartRuleOnExitCodes", "values", MergeStrategy::Set),
    map(CONTAINER_STATUS, "allocatedResourcesStatus", &["name"], "name"),
    map(CONTAINER_STATUS, "volumeMounts", &["mountPath"], "mountPath"),
    map(EPHEMERAL_CONTAINER, "env", &["name"], "name"),
    map(EPHEMERAL_CONTAINER, "ports", &["containerPort", "protocol"], "containerPort"),
    map(EPHEMERAL_CONTAINER, "volumeDevices", &["devicePath"], "devicePath"),
    map(EPHEMERAL_CONTAINER, "volumeMounts", &["mountPath"], "mountPath"),
    map("io.k8s.api.core.v1.NamespaceStatus", "conditions", &["type"], "type"),
    applied_only("io.k8s.api.core.v1.NodeAllocatableResourceClaimStatus", "containers", MergeStrategy::Set),
    applied_only("io.k8s.api.core.v1.NodePodPreemptionPolicy", "disableResizePreemption", MergeStrategy::Set),
    set("io.k8s.api.core.v1.NodeSpec", "podCIDRs"),
    map(NODE_STATUS, "addresses", &["type"], "type"),
    map(NODE_STATUS, "conditions", &["type"], "type"),
    map("io.k8s.api.core.v1.PersistentVolumeClaimStatus", "conditions", &["type"], "type"),
    map(POD_SPEC, "containers", &["name"], "name"),
    map(POD_SPEC, "ephemeralContainers", &["name"], "name"),
    map(POD_SPEC, "hostAliases", &["ip"], "ip"),
    map(POD_SPEC, "imagePullSecrets", &["name"], "name"),
    map(POD_SPEC, "initContainers", &["name"], "name"),
    retaining(POD_SPEC, "resourceClaims"),
    map(POD_SPEC, "schedulingGates", &["name"], "name"),
    map(POD_SPEC, "topologySpreadConstraints", &["topologyKey", "whenUnsatisfiable"], "topologyKey"),
    retaining(POD_SPEC, "volumes"),
    map(POD_STATUS, "conditions", &["type"], "type"),
    patched_only(POD_STATUS, "hostIPs", "ip"),
    map(POD_STATUS, "podIPs", &["ip"], "ip"),
    retaining(POD_STATUS, "resourceClaimStatuses"),
    applied_only("io.k8s.api.core.v1.ResourceRequirements", "claims", MergeStrategy::Map { keys: &["name"] }),
    applied_only(
        "io.k8s.api.core.v1.ResourceStatus",
        "resources",
        MergeStrategy::Map { keys: &["resourceID"] },
    ),
    map("io.k8s.api.core.v1.ServiceAccount", "secrets", &["name"], "name"),
    map("io.k8s.api.core.v1.ServiceSpec", "ports", &["port", "protocol"], "port"),
    map("io.k8s.api.core.v1.ServiceStatus", "conditions", &["type"], "type"),
    applied_only("io.k8s.api.discovery.v1.Endpoint", "addresses", MergeStrategy::Set),
    set(OBJECT_META, "finalizers"),
    map(OBJECT_META, "ownerReferences", &["uid"], "uid"),
];

/// Maps and structs of a field that are one value though their type is not (`+mapType=atomic`
/// at the field).
const ATOMIC_MAPS: &[(&str, &str)] = &[
    (POD_SPEC, "nodeSelector"),
    ("io.k8s.api.core.v1.ServiceSpec", "selector"),
    ("io.k8s.api.node.v1.Scheduling", "nodeSelector"),
];

/// Structs that are one value wherever they stand (`+structType=atomic`).
const ATOMIC_STRUCTS: &[&str] = &[
    "io.k8s.api.core.v1.ConfigMapKeySelector",
    "io.k8s.api.core.v1.EndpointAddress",
    "io.k8s.api.core.v1.EndpointPort",
    "io.k8s.api.core.v1.FileKeySelector",
    "io.k8s.api.core.v1.LocalObjectReference",
    "io.k8s.api.core.v1.NodeSelector",
    "io.k8s.api.core.v1.NodeSelectorTerm",
    "io.k8s.api.core.v1.ObjectFieldSelector",
    "io.k8s.api.core.v1.ObjectReference",
    "io.k8s.api.core.v1.ResourceFieldSelector",
    "io.k8s.api.core.v1.SecretKeySelector",
    "io.k8s.api.core.v1.SecretReference",
    "io.k8s.api.core.v1.TopologySelectorTerm",
    "io.k8s.api.core.v1.TypedLocalObjectReference",
    "io.k8s.api.discovery.v1.EndpointPort",
    "io.k8s.apimachinery.pkg.apis.meta.v1.LabelSelector",
    "io.k8s.apimachinery.pkg.apis.meta.v1.OwnerReference",
];

/// Fields whose struct merges though its type is one value elsewhere (`+structType=granular`).
const GRANULAR_FIELDS: &[(&str, &str)] = &[("io.k8s.api.core.v1.PersistentVolumeSpec", "claimRef")];

/// The default of a key field that an item of a list leaves out.
pub fn key_default(key: &str) -> Option<&'static str> {
    (key == "protocol").then_some("TCP")
}

/// How `field` of the type `definition` (`io.k8s.api.core.v1.PodSpec`) merges in server-side
/// apply; `None` if the type does not say: lists are atomic then, maps and structs are not.
pub fn strategy(definition: &str, field: &str) -> Option<MergeStrategy> {
    if ATOMIC_MAPS.contains(&(definition, field)) {
        return Some(MergeStrategy::Atomic);
    }
    row(definition, field).map(|row| row.merge)
}

/// How the list `field` of `definition` merges in a strategic merge patch; `None`: it is replaced.
pub fn patch_strategy(definition: &str, field: &str) -> Option<PatchStrategy> {
    row(definition, field).and_then(|row| row.patch)
}

/// Whether the struct `definition` is one value in server-side apply, unless a field says
/// otherwise.
pub fn is_atomic_struct(definition: &str) -> bool {
    ATOMIC_STRUCTS.contains(&definition)
}

/// Whether `field` of `definition` merges though its type is one value elsewhere.
pub fn is_granular_field(definition: &str, field: &str) -> bool {
    GRANULAR_FIELDS.contains(&(definition, field))
}

fn row(definition: &str, field: &str) -> Option<&'static Row> {
    LISTS.iter().find(|row| row.definition == definition && row.field == field)
}

/// What the schema has at one position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// A struct with named fields.
    Struct,
    /// A map with keys of the user.
    Map,
    /// A list.
    List,
    /// A string, number or boolean, or anything at all.
    Scalar,
}

/// What a scalar has to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scalar {
    /// A number.
    Numeric,
    /// A text, whatever its format.
    Text,
    /// true or false.
    Boolean,
}

/// A position in the schema of a kind: the object itself, a field, an item of a list or of a map.
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    definition: &'static str,
    schema: &'static Value,
    /// What the field that led here says; `None` at the root and at items.
    strategy: Option<MergeStrategy>,
    patch: Option<PatchStrategy>,
}

impl Shape {
    /// The object of a kind.
    pub fn of(kind: Kind) -> Self {
        let (definition, schema) = schema::named(kind);
        Self { definition, schema, strategy: None, patch: None }
    }

    fn at(schema: &'static Value, strategy: Option<MergeStrategy>, patch: Option<PatchStrategy>) -> Self {
        let (definition, schema) = schema::resolve(schema);
        Self { definition, schema, strategy, patch }
    }

    /// The field `name` of a struct; `None` if the struct has no such field.
    pub fn field(self, name: &str) -> Option<Self> {
        let schema = self.schema.get("properties")?.get(name)?;
        let is_granular = is_granular_field(self.definition, name);
        let patch = patch_strategy(self.definition, name);
        let mut found = Self::at(schema, strategy(self.definition, name), patch);
        let default = match found.form() {
            Form::List => Some(MergeStrategy::Atomic),
            Form::Struct if is_atomic_struct(found.definition) && !is_granular => Some(MergeStrategy::Atomic),
            _ => None,
        };
        found.strategy = found.strategy.or(default);
        Some(found)
    }

    /// The items of a list, or the values of a map.
    pub fn item(self) -> Option<Self> {
        let schema = self.schema.get("items").or_else(|| self.schema.get("additionalProperties"))?;
        let mut found = Self::at(schema, None, None);
        if is_atomic_struct(found.definition) {
            found.strategy = Some(MergeStrategy::Atomic);
        }
        Some(found)
    }

    /// What the schema has here.
    pub fn form(self) -> Form {
        if self.schema.get("properties").is_some() {
            return Form::Struct;
        }
        match self.schema.get("type").and_then(Value::as_str) {
            Some("array") => Form::List,
            Some("object") if self.schema.get("additionalProperties").is_some_and(Value::is_object) => {
                Form::Map
            }
            _ => Form::Scalar,
        }
    }

    /// What the scalar here has to be; `None` if more than one type fits (quantities, ports by
    /// number or name).
    pub fn scalar(self) -> Option<Scalar> {
        match Type::of(self.schema) {
            Type::Text(_) if self.definition != schema::QUANTITY => Some(Scalar::Text),
            Type::Integer { .. } | Type::Number => Some(Scalar::Numeric),
            Type::Boolean => Some(Scalar::Boolean),
            _ => None,
        }
    }

    /// How this merges in server-side apply; every list says it, maps and structs only if they
    /// are one value.
    pub fn strategy(self) -> Option<MergeStrategy> {
        self.strategy
    }

    /// How this list merges in a strategic merge patch; `None`: it is replaced.
    pub fn patch(self) -> Option<PatchStrategy> {
        self.patch
    }

    /// The name of the type here (`io.k8s.api.core.v1.PodSpec`); empty if it has none.
    pub fn definition(self) -> &'static str {
        self.definition
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(kind: Kind, path: &str, strategy: Option<MergeStrategy>, merge_key: Option<&str>) {
        let shape = path.split('.').fold(Shape::of(kind), |shape, step| {
            let shape = if shape.form() == Form::List { shape.item().unwrap() } else { shape };
            shape.field(step).unwrap_or_else(|| panic!("{path}: {step}"))
        });
        assert_eq!(shape.strategy(), strategy, "{kind} {path}");
        assert_eq!(shape.patch().and_then(|patch| patch.merge_key), merge_key, "{kind} {path}");
    }

    #[test]
    fn places_merge_as_the_types_of_kubernetes_say() {
        use MergeStrategy::{Atomic, Map, Set};
        let by = |keys| Some(Map { keys });
        let containers = "spec.template.spec.containers";
        check(Kind::StatefulSet, containers, by(&["name"]), Some("name"));
        let within = |field: &str| format!("{containers}.{field}");
        let ports = by(&["containerPort", "protocol"]);
        check(Kind::StatefulSet, &within("ports"), ports, Some("containerPort"));
        check(Kind::StatefulSet, &within("command"), Some(Atomic), None);
        check(Kind::StatefulSet, &within("env"), by(&["name"]), Some("name"));
        check(Kind::StatefulSet, "spec.volumeClaimTemplates", Some(Atomic), None);
        check(Kind::StatefulSet, "spec.selector", Some(Atomic), None);
        check(Kind::StatefulSet, "spec.updateStrategy", None, None);
        check(Kind::StatefulSet, "metadata.finalizers", Some(Set), None);
        check(Kind::StatefulSet, "metadata.ownerReferences", by(&["uid"]), Some("uid"));
        check(Kind::StatefulSet, "metadata.labels", None, None);
        check(Kind::Service, "spec.ports", by(&["port", "protocol"]), Some("port"));
        check(Kind::Service, "spec.selector", Some(Atomic), None);
        check(Kind::Pod, "spec.tolerations", Some(Atomic), None);
        check(Kind::PersistentVolume, "spec.claimRef", None, None);
        let constraints = by(&["topologyKey", "whenUnsatisfiable"]);
        check(Kind::Pod, "spec.topologySpreadConstraints", constraints, Some("topologyKey"));
    }

    #[test]
    fn every_row_names_a_field_that_its_type_has() {
        for row in LISTS {
            let Some(definition) = schema::definition(row.definition) else { continue };
            let list = definition["properties"].get(row.field);
            assert_eq!(
                list.map(|list| &list["type"]),
                Some(&"array".into()),
                "{} {}",
                row.definition,
                row.field
            );
        }
        for (definition, field) in ATOMIC_MAPS.iter().chain(GRANULAR_FIELDS) {
            let Some(definition) = schema::definition(definition) else { continue };
            assert!(definition["properties"].get(field).is_some(), "{field}");
        }
    }

    #[test]
    fn volumes_retain_keys() {
        let volumes = patch_strategy(POD_SPEC, "volumes").unwrap();
        assert!(volumes.retain_keys);
    }
}
