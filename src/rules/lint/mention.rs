//! Where a pod names ConfigMaps and Secrets that it cannot do without: environments and volumes.

use k8s_openapi::api::core::v1::{
    ConfigMapProjection, Container, EnvFromSource, EnvVarSource, KeyToPath, PodSpec, SecretProjection,
    Volume, VolumeProjection,
};

use crate::objects::Kind;

/// What the object is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    Environment,
    Volume,
}

/// A field that names an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Mention {
    pub(super) path: String,
    pub(super) role: Role,
    pub(super) kind: Kind,
    pub(super) name: String,
    /// The keys that it must have.
    pub(super) keys: Vec<String>,
}

/// The fields of a pod whose spec is at `path`, without those that are optional.
pub(super) fn mentions(pod: &PodSpec, path: &str) -> Vec<Mention> {
    let lists = [
        ("initContainers", pod.init_containers.as_deref().unwrap_or_default()),
        ("containers", pod.containers.as_slice()),
    ];
    let mut mentions = Vec::new();
    for (list, containers) in lists {
        for (index, container) in containers.iter().enumerate() {
            of_container(container, &format!("{path}.{list}[{index}]"), &mut mentions);
        }
    }
    for (index, volume) in pod.volumes.iter().flatten().enumerate() {
        of_volume(volume, &format!("{path}.volumes[{index}]"), &mut mentions);
    }
    mentions
}

fn of_container(container: &Container, path: &str, mentions: &mut Vec<Mention>) {
    for (index, source) in container.env_from.iter().flatten().enumerate() {
        mentions.extend(of_whole(source, &format!("{path}.envFrom[{index}]")));
    }
    for (index, variable) in container.env.iter().flatten().enumerate() {
        let source = variable.value_from.as_ref();
        mentions
            .extend(source.and_then(|source| of_value(source, &format!("{path}.env[{index}].valueFrom"))));
    }
}

fn mention(role: Role, kind: Kind, name: &str, path: String, optional: Option<bool>) -> Option<Mention> {
    let is_needed = optional != Some(true) && !name.is_empty();
    is_needed.then(|| Mention { path, role, kind, name: name.to_owned(), keys: Vec::new() })
}

fn of_whole(source: &EnvFromSource, path: &str) -> Option<Mention> {
    let map = source.config_map_ref.as_ref();
    let map = map.map(|map| (Kind::ConfigMap, "configMapRef", &map.name, map.optional));
    let secret = source.secret_ref.as_ref();
    let secret = secret.map(|secret| (Kind::Secret, "secretRef", &secret.name, secret.optional));
    let (kind, field, name, optional) = map.or(secret)?;
    mention(Role::Environment, kind, name, format!("{path}.{field}"), optional)
}

fn of_value(source: &EnvVarSource, path: &str) -> Option<Mention> {
    let map = source.config_map_key_ref.as_ref();
    let map = map.map(|map| (Kind::ConfigMap, "configMapKeyRef", &map.name, &map.key, map.optional));
    let secret = source.secret_key_ref.as_ref();
    let secret =
        secret.map(|secret| (Kind::Secret, "secretKeyRef", &secret.name, &secret.key, secret.optional));
    let (kind, field, name, key, optional) = map.or(secret)?;
    let mention = mention(Role::Environment, kind, name, format!("{path}.{field}"), optional)?;
    Some(Mention { keys: vec![key.clone()], ..mention })
}

fn of_volume(volume: &Volume, path: &str, mentions: &mut Vec<Mention>) {
    let of_files = |kind, field: &str, name: &str, items: Option<&[KeyToPath]>, optional| {
        let mention = mention(Role::Volume, kind, name, format!("{path}.{field}"), optional)?;
        Some(Mention { keys: keys(items), ..mention })
    };
    if let Some(map) = &volume.config_map {
        mentions.extend(of_files(
            Kind::ConfigMap,
            "configMap",
            &map.name,
            map.items.as_deref(),
            map.optional,
        ));
    }
    if let Some(secret) = &volume.secret {
        let name = secret.secret_name.as_deref().unwrap_or_default();
        mentions.extend(of_files(Kind::Secret, "secret", name, secret.items.as_deref(), secret.optional));
    }
    let sources = volume.projected.iter().flat_map(|projected| projected.sources.iter().flatten());
    for (index, source) in sources.enumerate() {
        mentions.extend(of_projection(source, &format!("{path}.projected.sources[{index}]")));
    }
}

fn of_projection(source: &VolumeProjection, path: &str) -> Option<Mention> {
    if let Some(ConfigMapProjection { name, items, optional }) = &source.config_map {
        let mention = mention(Role::Volume, Kind::ConfigMap, name, format!("{path}.configMap"), *optional)?;
        return Some(Mention { keys: keys(items.as_deref()), ..mention });
    }
    let SecretProjection { name, items, optional } = source.secret.as_ref()?;
    let mention = mention(Role::Volume, Kind::Secret, name, format!("{path}.secret"), *optional)?;
    Some(Mention { keys: keys(items.as_deref()), ..mention })
}

fn keys(items: Option<&[KeyToPath]>) -> Vec<String> {
    items.unwrap_or_default().iter().map(|item| item.key.clone()).collect()
}
