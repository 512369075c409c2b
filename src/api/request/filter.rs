//! Label and field selectors of a list, a watch or a deletion of many.
//!
//! Which fields can be selected by is a list per kind, as in Kubernetes; asking for another is a
//! mistake of the client.

use k8s_openapi::api::core::v1::{Event, Namespace, Node, Pod, Secret, Service};

use super::path::Resource;
use super::query::Query;
use crate::api::answer::status::Failure;
use crate::objects::{Kind, Object, Selector};

/// Which objects are meant.
#[derive(Clone, Debug, Default)]
pub(crate) struct Filter {
    labels: Selector,
    fields: Vec<Term>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Term {
    field: String,
    value: String,
    is_equal: bool,
}

impl Filter {
    /// The selectors of a query.
    pub(crate) fn parse(resource: Resource, query: &Query) -> Result<Self, Failure> {
        let labels = query.get("labelSelector").unwrap_or_default();
        let labels = Selector::parse(labels).map_err(|error| Failure::bad_request(error.to_string()))?;
        let text = query.get("fieldSelector").unwrap_or_default();
        let mut fields = Vec::new();
        for part in split(text) {
            let term = term(&part).map_err(Failure::bad_request)?;
            if !is_selectable(resource.kind, &term.field) {
                return Err(unsupported(resource, &term.field));
            }
            fields.push(term);
        }
        Ok(Self { labels, fields })
    }

    /// Whether an object is meant.
    pub(crate) fn matches(&self, object: &Object) -> bool {
        self.labels.matches(object.meta().labels.as_ref())
            && self.fields.iter().all(|term| (value(object, &term.field) == term.value) == term.is_equal)
    }

    /// Whether every object is meant.
    pub(crate) fn is_empty(&self) -> bool {
        self.labels == Selector::default() && self.fields.is_empty()
    }
}

/// Kinds with selectable fields of their own say it in other words than those without.
fn unsupported(resource: Resource, field: &str) -> Failure {
    if selectable(resource.kind).is_empty() {
        let known = "only \"metadata.name\", \"metadata.namespace\"";
        return Failure::bad_request(format!("\"{field}\" is not a known field selector: {known}"));
    }
    Failure::bad_request(format!("field label not supported: {field}"))
}

/// Parts between commas; a backslash takes the next character as it is.
fn split(text: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        let last = parts.len() - 1;
        match character {
            ',' => parts.push(String::new()),
            '\\' => {
                parts[last].push('\\');
                parts[last].extend(characters.next());
            }
            other => parts[last].push(other),
        }
    }
    parts.retain(|part| !part.trim().is_empty());
    parts
}

fn term(part: &str) -> Result<Term, String> {
    for (operator, is_equal) in [("!=", false), ("==", true), ("=", true)] {
        if let Some((field, value)) = part.split_once(operator) {
            let value = unescape(value.trim());
            return Ok(Term { field: field.trim().to_owned(), value, is_equal });
        }
    }
    Err(format!("invalid selector: '{part}'; can't understand '{part}'"))
}

fn unescape(value: &str) -> String {
    let mut characters = value.chars();
    let mut plain = String::new();
    while let Some(character) = characters.next() {
        if character == '\\' {
            plain.extend(characters.next());
        } else {
            plain.push(character);
        }
    }
    plain
}

fn is_selectable(kind: Kind, field: &str) -> bool {
    let is_namespace = field == "metadata.namespace" && kind.info().is_namespaced;
    field == "metadata.name" || is_namespace || selectable(kind).contains(&field)
}

/// The fields that objects of a kind can be selected by, besides their names.
fn selectable(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::Pod => &[
            "spec.nodeName",
            "spec.restartPolicy",
            "spec.schedulerName",
            "spec.serviceAccountName",
            "spec.hostNetwork",
            "status.phase",
            "status.podIP",
            "status.nominatedNodeName",
        ],
        Kind::Event => &[
            "involvedObject.kind",
            "involvedObject.namespace",
            "involvedObject.name",
            "involvedObject.uid",
            "involvedObject.apiVersion",
            "involvedObject.resourceVersion",
            "involvedObject.fieldPath",
            "regarding.kind",
            "regarding.namespace",
            "regarding.name",
            "regarding.uid",
            "reason",
            "reportingComponent",
            "reportingController",
            "source",
            "type",
        ],
        Kind::Namespace => &["status.phase"],
        Kind::Node => &["spec.unschedulable"],
        Kind::Secret => &["type"],
        Kind::Service => &["spec.clusterIP", "spec.type"],
        _ => &[],
    }
}

/// The value of a selectable field as a text, empty if it is not set.
fn value(object: &Object, field: &str) -> String {
    match field {
        "metadata.name" => return object.name().to_owned(),
        "metadata.namespace" => return object.namespace().to_owned(),
        _ => {}
    }
    let value = match object.kind() {
        Kind::Pod => object.get::<Pod>().and_then(|pod| of_pod(pod, field)),
        Kind::Event => object.get::<Event>().and_then(|event| of_event(event, field)),
        Kind::Namespace => {
            object.get::<Namespace>().and_then(|namespace| namespace.status.as_ref()?.phase.clone())
        }
        Kind::Node => {
            let is_unschedulable =
                object.get::<Node>().and_then(|node| node.spec.as_ref()?.unschedulable).unwrap_or(false);
            Some(is_unschedulable.to_string())
        }
        Kind::Secret => object.get::<Secret>().and_then(|secret| secret.type_.clone()),
        Kind::Service => object.get::<Service>().and_then(|service| of_service(service, field)),
        _ => None,
    };
    value.unwrap_or_default()
}

fn of_pod(pod: &Pod, field: &str) -> Option<String> {
    let spec = pod.spec.as_ref();
    let status = pod.status.as_ref();
    match field {
        "spec.nodeName" => spec?.node_name.clone(),
        "spec.restartPolicy" => spec?.restart_policy.clone(),
        "spec.schedulerName" => spec?.scheduler_name.clone(),
        "spec.serviceAccountName" => spec?.service_account_name.clone(),
        "spec.hostNetwork" => Some(spec?.host_network.unwrap_or(false).to_string()),
        "status.phase" => status?.phase.clone(),
        "status.podIP" => status?.pod_ip.clone(),
        "status.nominatedNodeName" => status?.nominated_node_name.clone(),
        _ => None,
    }
}

fn of_event(event: &Event, field: &str) -> Option<String> {
    let about = &event.involved_object;
    match field {
        "involvedObject.kind" | "regarding.kind" => about.kind.clone(),
        "involvedObject.namespace" | "regarding.namespace" => about.namespace.clone(),
        "involvedObject.name" | "regarding.name" => about.name.clone(),
        "involvedObject.uid" | "regarding.uid" => about.uid.clone(),
        "involvedObject.apiVersion" => about.api_version.clone(),
        "involvedObject.resourceVersion" => about.resource_version.clone(),
        "involvedObject.fieldPath" => about.field_path.clone(),
        "reason" => event.reason.clone(),
        "type" => event.type_.clone(),
        "reportingComponent" | "reportingController" => event.reporting_component.clone(),
        "source" => event
            .source
            .as_ref()
            .and_then(|source| source.component.clone())
            .or_else(|| event.reporting_component.clone()),
        _ => None,
    }
}

fn of_service(service: &Service, field: &str) -> Option<String> {
    let spec = service.spec.as_ref()?;
    match field {
        "spec.clusterIP" => spec.cluster_ip.clone(),
        "spec.type" => spec.type_.clone(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn pod() -> Object {
        let pod = json!({"metadata": {"name": "web-0", "namespace": "default", "labels": {"app": "web"}},
            "spec": {"nodeName": "n", "containers": []}, "status": {"phase": "Running"}});
        let pod: Pod = serde_json::from_value(pod).unwrap();
        Object::at_revision(pod.into(), 1)
    }

    fn check(query: &str, expected: Result<bool, &str>) {
        let filter = Filter::parse(Resource::native(Kind::Pod), &Query::parse(query));
        match (filter, expected) {
            (Ok(filter), Ok(expected)) => assert_eq!(filter.matches(&pod()), expected, "{query}"),
            (Err(failure), Err(expected)) => {
                assert_eq!(failure.code, 400);
                assert!(failure.message.contains(expected), "{query}: {}", failure.message);
            }
            (other, expected) => panic!("{query}: {other:?}, not {expected:?}"),
        }
    }

    #[test]
    fn every_term_must_hold_and_unknown_fields_are_refused() {
        check("", Ok(true));
        check("fieldSelector=metadata.name%3Dweb-0", Ok(true));
        check("fieldSelector=metadata.name%3D%3Dweb-0,status.phase!%3DRunning", Ok(false));
        check("fieldSelector=status.phase!%3DSucceeded,spec.nodeName%3Dn", Ok(true));
        check("fieldSelector=spec.hostNetwork%3Dfalse", Ok(true));
        check("labelSelector=app%3Dweb&fieldSelector=metadata.namespace%3Dother", Ok(false));
        check("fieldSelector=spec.foo%3D1", Err("field label not supported: spec.foo"));
        check("fieldSelector=spec.foo", Err("invalid selector"));
    }
}
