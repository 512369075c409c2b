//! Discovery documents: groups, versions, resources and verbs.
//!
//! The aggregated documents (`apidiscovery.k8s.io` v2 and v2beta1) and the legacy ones come from one
//! list, which comes from the table of kinds.

use serde_json::{Value, json};

use crate::api::request::path::{Resource, has_status};
use crate::objects::{Kind, version};

/// A resource as discovery lists it.
struct Entry {
    plural: &'static str,
    singular: &'static str,
    short_names: &'static [&'static str],
    kind: &'static str,
    is_namespaced: bool,
    verbs: &'static [&'static str],
    categories: &'static [&'static str],
    parts: Vec<Part>,
}

/// A subresource.
struct Part {
    name: &'static str,
    group: &'static str,
    version: &'static str,
    kind: &'static str,
    verbs: &'static [&'static str],
}

const VERBS: &[&str] = &["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"];
const NAMESPACE_VERBS: &[&str] = &["create", "delete", "get", "list", "patch", "update", "watch"];
const AUTHORIZATION: &str = "authorization.k8s.io";
const AUTHENTICATION: &str = "authentication.k8s.io";

/// The groups, the core group first.
fn groups() -> Vec<&'static str> {
    let mut groups: Vec<&str> = vec![""];
    for group in Resource::all().map(Resource::group).chain([AUTHENTICATION, AUTHORIZATION]) {
        if !groups.contains(&group) {
            groups.push(group);
        }
    }
    groups
}

fn entries(group: &str) -> Vec<Entry> {
    let reviews: &[(&str, &str, &str)] = match group {
        AUTHORIZATION => &[
            ("selfsubjectaccessreviews", "selfsubjectaccessreview", "SelfSubjectAccessReview"),
            ("selfsubjectrulesreviews", "selfsubjectrulesreview", "SelfSubjectRulesReview"),
        ],
        AUTHENTICATION => &[("selfsubjectreviews", "selfsubjectreview", "SelfSubjectReview")],
        _ => &[],
    };
    let reviews = reviews.iter().map(|(plural, singular, kind)| Entry {
        plural,
        singular,
        short_names: &[],
        kind,
        is_namespaced: false,
        verbs: &["create"],
        categories: &[],
        parts: Vec::new(),
    });
    Resource::all().filter(|resource| resource.group() == group).map(entry).chain(reviews).collect()
}

fn entry(resource: Resource) -> Entry {
    let info = resource.kind.info();
    Entry {
        plural: info.plural,
        singular: info.singular,
        short_names: info.short_names,
        kind: info.name,
        is_namespaced: info.is_namespaced,
        verbs: if resource.kind == Kind::Namespace { NAMESPACE_VERBS } else { VERBS },
        categories: match resource.kind {
            Kind::Pod | Kind::Service | Kind::StatefulSet => &["all"],
            _ => &[],
        },
        parts: parts(resource),
    }
}

fn parts(resource: Resource) -> Vec<Part> {
    let info = resource.kind.info();
    let own = |name, verbs| Part { name, group: info.group, version: info.version, kind: info.name, verbs };
    let other = |name, group, version, kind, verbs| Part { name, group, version, kind, verbs };
    let stream: &[&str] = &["create", "get"];
    let mut parts = match resource.kind {
        Kind::Pod => vec![
            other("attach", "", "v1", "PodAttachOptions", stream),
            other("eviction", "policy", "v1", "Eviction", &["create"]),
            other("exec", "", "v1", "PodExecOptions", stream),
            own("log", &["get"]),
            other("portforward", "", "v1", "PodPortForwardOptions", stream),
        ],
        Kind::StatefulSet => vec![other("scale", "autoscaling", "v1", "Scale", &["get", "patch", "update"])],
        Kind::Namespace => vec![own("finalize", &["update"])],
        _ => Vec::new(),
    };
    if has_status(resource.kind) {
        parts.push(own("status", &["get", "patch", "update"]));
    }
    parts
}

/// `/api` or `/apis` as one aggregated document.
pub(crate) fn aggregated(is_core: bool, version: &str) -> Value {
    let groups = groups().into_iter().filter(|group| group.is_empty() == is_core);
    let items: Vec<Value> = groups.map(aggregated_group).collect();
    json!({"kind": "APIGroupDiscoveryList", "apiVersion": format!("apidiscovery.k8s.io/{version}"),
        "metadata": {}, "items": items})
}

fn aggregated_group(group: &str) -> Value {
    let resources: Vec<Value> =
        entries(group).iter().map(|entry| aggregated_resource(group, entry)).collect();
    let metadata = if group.is_empty() { json!({}) } else { json!({"name": group}) };
    let version = json!({"version": "v1", "freshness": "Current", "resources": resources});
    json!({"metadata": metadata, "versions": [version]})
}

fn aggregated_resource(group: &str, entry: &Entry) -> Value {
    let parts: Vec<Value> = entry
        .parts
        .iter()
        .map(|part| {
            let kind = json!({"group": part.group, "version": part.version, "kind": part.kind});
            json!({"subresource": part.name, "responseKind": kind, "verbs": part.verbs})
        })
        .collect();
    let mut resource = json!({
        "resource": entry.plural,
        "responseKind": {"group": group, "version": "v1", "kind": entry.kind},
        "scope": if entry.is_namespaced { "Namespaced" } else { "Cluster" },
        "singularResource": entry.singular,
        "verbs": entry.verbs,
    });
    for (field, values) in [("shortNames", entry.short_names), ("categories", entry.categories)] {
        if !values.is_empty() {
            resource[field] = json!(values);
        }
    }
    if !parts.is_empty() {
        resource["subresources"] = parts.into();
    }
    resource
}

/// The legacy form of `/api`.
pub(crate) fn core_versions(address: &str) -> Value {
    json!({"kind": "APIVersions", "versions": ["v1"],
        "serverAddressByClientCIDRs": [{"clientCIDR": "0.0.0.0/0", "serverAddress": address}]})
}

/// The legacy form of `/apis`.
pub(crate) fn group_list() -> Value {
    let groups = groups().into_iter().filter(|group| !group.is_empty());
    let groups: Vec<Value> = groups.map(group_body).collect();
    json!({"kind": "APIGroupList", "apiVersion": "v1", "groups": groups})
}

/// `/apis/<group>`; `None` if there is no such group.
pub(crate) fn group(name: &str) -> Option<Value> {
    let is_known = !name.is_empty() && groups().contains(&name);
    is_known.then(|| {
        let mut group = json!({"kind": "APIGroup", "apiVersion": "v1"});
        if let (Value::Object(group), Value::Object(mut body)) = (&mut group, group_body(name)) {
            group.append(&mut body);
        }
        group
    })
}

fn group_body(name: &str) -> Value {
    let version = json!({"groupVersion": format!("{name}/v1"), "version": "v1"});
    json!({"name": name, "versions": [version], "preferredVersion": version})
}

/// `/api/v1` or `/apis/<group>/<version>`; `None` if there is no such version.
pub(crate) fn resource_list(group: &str, version: &str) -> Option<Value> {
    if version != "v1" || !groups().contains(&group) {
        return None;
    }
    let mut resources = Vec::new();
    for entry in entries(group) {
        let mut resource = json!({"name": entry.plural, "singularName": entry.singular, "kind": entry.kind,
            "namespaced": entry.is_namespaced, "verbs": entry.verbs});
        for (field, values) in [("shortNames", entry.short_names), ("categories", entry.categories)] {
            if !values.is_empty() {
                resource[field] = json!(values);
            }
        }
        resources.push(resource);
        for part in &entry.parts {
            let mut resource = json!({"name": format!("{}/{}", entry.plural, part.name), "singularName": "",
                "kind": part.kind, "namespaced": entry.is_namespaced, "verbs": part.verbs});
            if part.group != group {
                resource["group"] = part.group.into();
                resource["version"] = part.version.into();
            }
            resources.push(resource);
        }
    }
    let group_version = if group.is_empty() { "v1".to_owned() } else { format!("{group}/v1") };
    Some(
        json!({"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": group_version, "resources": resources}),
    )
}

/// `/version`: the Kubernetes version whose behaviour this has.
pub(crate) fn version() -> Value {
    json!({
        "major": version::MAJOR, "minor": version::MINOR, "gitVersion": version::GIT_VERSION,
        "gitCommit": "", "gitTreeState": "clean", "buildDate": "1970-01-01T00:00:00Z",
        "goVersion": "", "compiler": "rustc",
        "platform": format!("{}/{}", std::env::consts::OS, architecture()),
    })
}

/// The machine's architecture, with Go's name.
fn architecture() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_discovery_names_the_same_resources() {
        let mut aggregated_names = Vec::new();
        for document in [aggregated(true, "v2"), aggregated(false, "v2beta1")] {
            for group in document["items"].as_array().unwrap() {
                let name = group["metadata"]["name"].as_str().unwrap_or_default();
                for resource in group["versions"][0]["resources"].as_array().unwrap() {
                    let plural = resource["resource"].as_str().unwrap();
                    aggregated_names.push(format!("{name}/{plural}"));
                    let parts = resource["subresources"].as_array().into_iter().flatten();
                    aggregated_names
                        .extend(parts.map(|part| {
                            format!("{name}/{plural}/{}", part["subresource"].as_str().unwrap())
                        }));
                }
            }
        }
        let mut names = Vec::new();
        for group in groups() {
            let list = resource_list(group, "v1").unwrap();
            let resources = list["resources"].as_array().unwrap();
            names
                .extend(resources.iter().map(|found| format!("{group}/{}", found["name"].as_str().unwrap())));
        }
        assert_eq!(aggregated_names, names);
        assert!(names.contains(&"apps/statefulsets/scale".to_owned()));
        assert!(names.contains(&"events.k8s.io/events".to_owned()));
        assert_eq!(group("apps").unwrap()["preferredVersion"]["groupVersion"], "apps/v1");
        assert_eq!((group("batch"), resource_list("apps", "v2")), (None, None));
    }
}
