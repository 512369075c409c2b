//! The environment of a container, resolved as a kubelet does (`makeEnvironmentVariables`).
//!
//! Pure: what ConfigMaps and Secrets hold is looked up by the caller's function. Variables of
//! services (`enableServiceLinks`) are not made: services are found by name here.

use std::collections::BTreeMap;
use std::net::IpAddr;

use k8s_openapi::api::core::v1::{Container, EnvFromSource, EnvVarSource, Pod};

use super::resource::{self, Allocatable};
use crate::node::options::NodeOptions;
use crate::objects::Kind;

/// Looks up the data of a ConfigMap or Secret.
type LookUp<'a> = &'a dyn Fn(Kind, &str) -> Option<BTreeMap<String, String>>;

/// What the environment of a container is made from.
pub(super) struct Sources<'a> {
    pub(super) pod: &'a Pod,
    pub(super) node: &'a NodeOptions,
    pub(super) addresses: &'a [IpAddr],
    /// What the node has to give.
    pub(super) allocatable: &'a Allocatable,
    /// The data of a ConfigMap or Secret of the pod's namespace.
    pub(super) data: LookUp<'a>,
}

/// The variables in order, or why they cannot be resolved, in the kubelet's words.
pub(super) fn environment(
    container: &Container,
    sources: &Sources<'_>,
) -> Result<Vec<(String, String)>, String> {
    let mut variables = Vec::new();
    for source in container.env_from.iter().flatten() {
        for (name, value) in sources.whole(source)? {
            set(&mut variables, name, value);
        }
    }
    for variable in container.env.iter().flatten() {
        let value = match &variable.value_from {
            Some(source) => sources.value(source, container)?,
            None => Some(expand(variable.value.as_deref().unwrap_or_default(), &variables)),
        };
        if let Some(value) = value {
            set(&mut variables, variable.name.clone(), value);
        }
    }
    Ok(variables)
}

fn set(variables: &mut Vec<(String, String)>, name: String, value: String) {
    variables.retain(|(present, _)| *present != name);
    variables.push((name, value));
}

/// Replaces `$(NAME)` by the variable's value; `$$` stands for `$`, and what is not defined stays.
fn expand(text: &str, variables: &[(String, String)]) -> String {
    let mut expanded = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('$') {
        expanded.push_str(before);
        if let Some(escaped) = after.strip_prefix('$') {
            expanded.push('$');
            rest = escaped;
            continue;
        }
        let reference = after.strip_prefix('(').and_then(|after| after.split_once(')'));
        let known = reference.and_then(|(name, after)| {
            let (_, value) = variables.iter().find(|(present, _)| present == name)?;
            Some((value.as_str(), after))
        });
        let (value, after) = known.unwrap_or(("$", after));
        expanded.push_str(value);
        rest = after;
    }
    expanded + rest
}

impl Sources<'_> {
    /// All variables of a ConfigMap or Secret.
    fn whole(&self, source: &EnvFromSource) -> Result<Vec<(String, String)>, String> {
        let map = source.config_map_ref.as_ref().map(|map| (Kind::ConfigMap, &map.name, map.optional));
        let secret = source.secret_ref.as_ref().map(|map| (Kind::Secret, &map.name, map.optional));
        let Some((kind, name, optional)) = map.or(secret) else { return Ok(Vec::new()) };
        let Some(data) = self.data(kind, name, optional)? else { return Ok(Vec::new()) };
        let prefix = source.prefix.as_deref().unwrap_or_default();
        Ok(data.into_iter().map(|(key, value)| (format!("{prefix}{key}"), value)).collect())
    }

    /// The value from a source; `None` if it is optional and absent.
    fn value(&self, source: &EnvVarSource, container: &Container) -> Result<Option<String>, String> {
        if let Some(field) = &source.field_ref {
            let unknown = || format!("unsupported fieldPath: {}", field.field_path);
            return self.field(&field.field_path).map(Some).ok_or_else(unknown);
        }
        if let Some(field) = &source.resource_field_ref {
            return resource::value(field, container, self.pod, self.allocatable).map(Some);
        }
        let map = source.config_map_key_ref.as_ref();
        let map = map.map(|map| (Kind::ConfigMap, &map.name, &map.key, map.optional));
        let secret = source.secret_key_ref.as_ref();
        let secret = secret.map(|map| (Kind::Secret, &map.name, &map.key, map.optional));
        let Some((kind, name, key, optional)) = map.or(secret) else { return Ok(None) };
        let Some(mut data) = self.data(kind, name, optional)? else { return Ok(None) };
        match data.remove(key) {
            None if optional != Some(true) => {
                let namespace = self.pod.metadata.namespace.as_deref().unwrap_or_default();
                Err(format!("couldn't find key {key} in {} {namespace}/{name}", kind.info().name))
            }
            value => Ok(value),
        }
    }

    fn data(
        &self,
        kind: Kind,
        name: &str,
        optional: Option<bool>,
    ) -> Result<Option<BTreeMap<String, String>>, String> {
        match (self.data)(kind, name) {
            None if optional != Some(true) => {
                Err(format!("{} \"{name}\" not found", kind.info().name.to_lowercase()))
            }
            data => Ok(data),
        }
    }

    /// A field of the pod.
    fn field(&self, path: &str) -> Option<String> {
        let meta = &self.pod.metadata;
        let spec = self.pod.spec.as_ref()?;
        let text = |value: Option<&String>| Some(value.cloned().unwrap_or_default());
        if let Some((map, key)) = path.strip_suffix("']").and_then(|path| path.split_once("['")) {
            let map = match map {
                "metadata.labels" => &meta.labels,
                "metadata.annotations" => &meta.annotations,
                _ => return None,
            };
            return text(map.as_ref().and_then(|map| map.get(key)));
        }
        let joined = || self.addresses.iter().map(ToString::to_string).collect::<Vec<_>>();
        match path {
            "metadata.name" => text(meta.name.as_ref()),
            "metadata.namespace" => text(meta.namespace.as_ref()),
            "metadata.uid" => text(meta.uid.as_ref()),
            "spec.nodeName" => Some(self.node.name.clone()),
            "spec.serviceAccountName" => text(spec.service_account_name.as_ref()),
            "status.hostIP" | "status.hostIPs" => Some(self.node.address.to_string()),
            "status.podIP" => text(joined().first()),
            "status.podIPs" => Some(joined().join(",")),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::node::options::NodeSize;
    use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
    use serde_json::json;

    fn resolve(container: serde_json::Value) -> Result<Vec<String>, String> {
        let pod = json!({"metadata": {"name": "web-0", "namespace": "default", "labels": {"app": "web"}},
            "spec": {"containers": []}});
        let pod: Pod = serde_json::from_value(pod).unwrap();
        let node = NodeOptions {
            name: "node-1".into(),
            pod_networks: Vec::new(),
            address: "192.168.0.1".parse().unwrap(),
            size: NodeSize::ample(),
            zone: None,
            renews_lease_every: None,
        };
        let data = |kind: Kind, name: &str| {
            let key = if kind == Kind::Secret { "PASSWORD" } else { "HOST" };
            (name == "db").then(|| [(key.to_owned(), format!("of {}", kind.info().name))].into())
        };
        let addresses = ["10.0.0.2".parse().unwrap(), "fd00::2".parse().unwrap()];
        let allocatable = [("cpu".to_owned(), Quantity("8".into()))].into();
        let sources =
            Sources { pod: &pod, node: &node, addresses: &addresses, allocatable: &allocatable, data: &data };
        let mut whole = json!({"name": "c"});
        whole.as_object_mut().unwrap().extend(container.as_object().unwrap().clone());
        let variables = environment(&serde_json::from_value(whole).unwrap(), &sources)?;
        Ok(variables.into_iter().map(|(name, value)| format!("{name}={value}")).collect())
    }

    #[test]
    fn values_come_from_text_fields_config_maps_and_secrets() {
        let field = |path: &str| json!({"fieldRef": {"fieldPath": path}});
        let container = json!({
            "envFrom": [{"prefix": "DB_", "configMapRef": {"name": "db"}},
                {"secretRef": {"name": "gone", "optional": true}}],
            "env": [
                {"name": "NAME", "valueFrom": field("metadata.name")},
                {"name": "URL", "value": "http://$(NAME).nginx:$(PORT)/$$(NAME)$"},
                {"name": "APP", "valueFrom": field("metadata.labels['app']")},
                {"name": "IPS", "valueFrom": field("status.podIPs")},
                {"name": "PASSWORD", "valueFrom": {"secretKeyRef": {"name": "db", "key": "PASSWORD"}}},
                {"name": "DB_HOST", "value": "again"},
                {"name": "GOMAXPROCS", "valueFrom": {"resourceFieldRef": {"resource": "limits.cpu"}}},
            ],
        });
        let expected = [
            "NAME=web-0",
            "URL=http://web-0.nginx:$(PORT)/$(NAME)$",
            "APP=web",
            "IPS=10.0.0.2,fd00::2",
            "PASSWORD=of Secret",
            "DB_HOST=again",
            "GOMAXPROCS=8",
        ];
        assert_eq!(resolve(container).unwrap(), expected);
    }

    #[test]
    fn what_is_missing_is_named_as_a_kubelet_names_it() {
        let map = |name: &str| json!({"env": [{"name": "A", "valueFrom": {"configMapKeyRef": {"name": name, "key": "B"}}}]});
        assert_eq!(resolve(map("none")), Err("configmap \"none\" not found".into()));
        assert_eq!(resolve(map("db")), Err("couldn't find key B in ConfigMap default/db".into()));
        let secret = json!({"envFrom": [{"secretRef": {"name": "none"}}]});
        assert_eq!(resolve(secret), Err("secret \"none\" not found".into()));
    }
}
