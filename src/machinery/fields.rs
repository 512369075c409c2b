//! Field selectors: `status.phase=Running,spec.nodeName!=node-1`.
//!
//! Unlike labels, only a few fields of each kind can be selected by, and only with `=` and `!=`.
//! The grammar is apimachinery's `pkg/fields`; the fields are those of each resource's
//! strategy and conversion in Kubernetes. A field that an object does not have is empty.

use k8s_openapi::api::core::v1::{Event, Pod};

use crate::objects::{Kind, Object, Typed};

/// Fields of every kind; the namespace of cluster-scoped kinds is empty.
const METADATA: &[&str] = &["metadata.name", "metadata.namespace"];

/// A parsed field selector. The default matches everything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FieldSelector(Vec<Term>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Term {
    field: String,
    is_wanted: bool,
    value: String,
}

/// Why a field selector cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FieldSelectorError {
    /// A part has no operator.
    #[error("invalid selector: '{selector}'; can't understand '{part}'")]
    Unreadable {
        /// The whole text.
        selector: String,
        /// The part of it.
        part: String,
    },
    /// A backslash before something that needs none.
    #[error("invalid field selector: invalid escape sequence: {0}")]
    UnknownEscape(String),
    /// An equals sign within a value, without a backslash.
    #[error("invalid field selector: unescaped character in value: {0}")]
    Unescaped(u32),
    /// The kind does not support the field; the text is that of the kind.
    #[error("field label not supported: {0}")]
    NotSupported(String),
    /// The kind supports only the metadata.
    #[error("\"{0}\" is not a known field selector: only \"metadata.name\", \"metadata.namespace\"")]
    OnlyMetadata(String),
}

impl FieldSelector {
    /// The selector that `text` writes for objects of `kind`.
    pub fn parse(text: &str, kind: Kind) -> Result<Self, FieldSelectorError> {
        Self::parse_renamed(text, kind, &[])
    }

    /// The same for a group that gives fields of the kind other names: the other name of each, and
    /// the kind's own.
    pub fn parse_renamed(text: &str, kind: Kind, names: &[(&str, &str)]) -> Result<Self, FieldSelectorError> {
        let parts = split(text).into_iter().filter(|part| !part.is_empty());
        let terms: Result<Vec<Term>, _> = parts.map(|part| term(part, text)).collect();
        let mut terms = terms?;
        for term in &mut terms {
            if kind == Kind::Pod && term.field == "spec.host" {
                term.field = "spec.nodeName".into();
            }
            if let Some((_, own)) = names.iter().find(|(other, _)| *other == term.field) {
                term.field = (*own).to_owned();
            }
            check(kind, &term.field)?;
        }
        Ok(Self(terms))
    }

    /// Whether the fields of the object are as wanted.
    pub fn matches(&self, object: &Object) -> bool {
        self.0.iter().all(|term| (value(object.typed(), &term.field) == term.value) == term.is_wanted)
    }

    /// Whether there is no term, so that everything matches.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The value that `field` must have, if there is only one: a list of one name is a lookup.
    pub fn exact(&self, field: &str) -> Option<&str> {
        let term = self.0.iter().find(|term| term.field == field && term.is_wanted)?;
        Some(&term.value)
    }
}

impl std::fmt::Display for FieldSelector {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (index, term) in self.0.iter().enumerate() {
            let comma = if index == 0 { "" } else { "," };
            let operator = if term.is_wanted { "=" } else { "!=" };
            write!(f, "{comma}{}{operator}{}", term.field, escaped(&term.value))?;
        }
        Ok(())
    }
}

/// The supported fields, besides the metadata.
pub fn supported(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::Pod => &[
            "spec.nodeName",
            "spec.restartPolicy",
            "spec.schedulerName",
            "spec.serviceAccountName",
            "spec.hostNetwork",
            "status.phase",
            "status.podIP",
            "status.podIPs",
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
            "reason",
            "reportingComponent",
            "source",
            "type",
        ],
        Kind::Node => &["spec.unschedulable"],
        Kind::Namespace => &["status.phase"],
        Kind::Secret => &["type"],
        Kind::Service => &["spec.clusterIP", "spec.type"],
        _ => &[],
    }
}

fn check(kind: Kind, field: &str) -> Result<(), FieldSelectorError> {
    let fields = supported(kind);
    if METADATA.contains(&field) || fields.contains(&field) {
        Ok(())
    } else if fields.is_empty() && kind != Kind::StatefulSet {
        Err(FieldSelectorError::OnlyMetadata(field.to_owned()))
    } else {
        Err(FieldSelectorError::NotSupported(field.to_owned()))
    }
}

/// The parts between commas that are not escaped by a backslash.
fn split(text: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let (mut start, mut is_escaped) = (0, false);
    for (position, c) in text.char_indices() {
        match c {
            _ if is_escaped => is_escaped = false,
            '\\' => is_escaped = true,
            ',' => {
                parts.push(&text[start..position]);
                start = position + 1;
            }
            _ => {}
        }
    }
    parts.push(&text[start..]);
    parts
}

fn term(part: &str, selector: &str) -> Result<Term, FieldSelectorError> {
    let unreadable =
        || FieldSelectorError::Unreadable { selector: selector.to_owned(), part: part.to_owned() };
    let position = part.char_indices().map(|(position, _)| position);
    let operator = |rest: &str| ["!=", "==", "="].into_iter().find(|operator| rest.starts_with(operator));
    let mut places = position.filter_map(|position| Some((position, operator(&part[position..])?)));
    let (position, operator) = places.next().ok_or_else(unreadable)?;
    Ok(Term {
        field: part[..position].to_owned(),
        is_wanted: operator != "!=",
        value: unescaped(&part[position + operator.len()..])?,
    })
}

fn unescaped(text: &str) -> Result<String, FieldSelectorError> {
    let mut value = String::with_capacity(text.len());
    let mut characters = text.chars();
    while let Some(c) = characters.next() {
        match c {
            '\\' => match characters.next() {
                Some(next @ ('\\' | ',' | '=')) => value.push(next),
                Some(other) => return Err(FieldSelectorError::UnknownEscape(format!("\\{other}"))),
                None => return Err(FieldSelectorError::UnknownEscape("\\".to_owned())),
            },
            ',' | '=' => return Err(FieldSelectorError::Unescaped(c.into())),
            _ => value.push(c),
        }
    }
    Ok(value)
}

fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace(',', "\\,").replace('=', "\\=")
}

/// The field of the object, as text.
fn value(typed: &Typed, field: &str) -> String {
    let meta = typed.meta();
    let found = match (field, typed) {
        ("metadata.name", _) => meta.name.clone(),
        ("metadata.namespace", _) => meta.namespace.clone(),
        (_, Typed::Pod(pod)) => pod_value(pod, field),
        (_, Typed::Event(event)) => event_value(event, field),
        (_, Typed::Node(node)) => {
            let spec = node.spec.as_ref();
            Some(spec.and_then(|spec| spec.unschedulable).unwrap_or_default().to_string())
        }
        (_, Typed::Namespace(namespace)) => namespace.status.as_ref().and_then(|status| status.phase.clone()),
        (_, Typed::Secret(secret)) => secret.type_.clone(),
        ("spec.clusterIP", Typed::Service(service)) => {
            service.spec.as_ref().and_then(|spec| spec.cluster_ip.clone())
        }
        ("spec.type", Typed::Service(service)) => service.spec.as_ref().and_then(|spec| spec.type_.clone()),
        _ => None,
    };
    found.unwrap_or_default()
}

fn pod_value(pod: &Pod, field: &str) -> Option<String> {
    let (spec, status) = (pod.spec.as_ref(), pod.status.as_ref());
    match field {
        "spec.nodeName" => spec?.node_name.clone(),
        "spec.restartPolicy" => spec?.restart_policy.clone(),
        "spec.schedulerName" => spec?.scheduler_name.clone(),
        "spec.serviceAccountName" => spec?.service_account_name.clone(),
        "spec.hostNetwork" => Some(spec?.host_network.unwrap_or_default().to_string()),
        "status.phase" => status?.phase.clone(),
        "status.podIP" => status?.pod_ips.iter().flatten().next().map(|address| address.ip.clone()),
        "status.podIPs" => {
            let addresses: Vec<&str> =
                status?.pod_ips.iter().flatten().map(|address| address.ip.as_str()).collect();
            Some(addresses.join(","))
        }
        "status.nominatedNodeName" => status?.nominated_node_name.clone(),
        _ => None,
    }
}

fn event_value(event: &Event, field: &str) -> Option<String> {
    let about = &event.involved_object;
    match field {
        "involvedObject.kind" => about.kind.clone(),
        "involvedObject.namespace" => about.namespace.clone(),
        "involvedObject.name" => about.name.clone(),
        "involvedObject.uid" => about.uid.clone(),
        "involvedObject.apiVersion" => about.api_version.clone(),
        "involvedObject.resourceVersion" => about.resource_version.clone(),
        "involvedObject.fieldPath" => about.field_path.clone(),
        "reason" => event.reason.clone(),
        "reportingComponent" => event.reporting_component.clone(),
        "source" => {
            let component = event.source.as_ref().and_then(|source| source.component.clone());
            component.filter(|component| !component.is_empty()).or_else(|| event.reporting_component.clone())
        }
        "type" => event.type_.clone(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn check(kind: Kind, form: Value, selector: &str, expected: bool) {
        let object = Object::at_revision(Typed::from_value(kind, form).unwrap(), 1);
        let parsed = FieldSelector::parse(selector, kind).unwrap();
        assert_eq!(parsed.matches(&object), expected, "{selector}");
        assert_eq!(FieldSelector::parse(&parsed.to_string(), kind).unwrap(), parsed, "{selector}");
    }

    #[test]
    fn fields_are_those_that_kubernetes_offers() {
        let pod = json!({
            "metadata": {"name": "web-0", "namespace": "default"},
            "spec": {"containers": [], "nodeName": "node-1", "restartPolicy": "Always", "serviceAccountName": "sa"},
            "status": {"phase": "Running", "podIPs": [{"ip": "10.0.0.1"}]},
        });
        for (selector, expected) in [
            ("", true),
            ("metadata.name=web-0", true),
            ("metadata.name==web-0,metadata.namespace=default", true),
            ("metadata.name=web-1", false),
            ("status.phase!=Succeeded,status.phase!=Failed", true),
            ("status.phase=Running,spec.nodeName=node-2", false),
            ("spec.host=node-1", true),
            ("spec.restartPolicy=Always", true),
            ("spec.serviceAccountName=sa", true),
            ("spec.hostNetwork=false", true),
            ("spec.schedulerName=", true),
            ("status.podIP=10.0.0.1", true),
            ("status.nominatedNodeName=x", false),
        ] {
            check(Kind::Pod, pod.clone(), selector, expected);
        }
        let event = json!({
            "metadata": {"name": "e"}, "reason": "Started", "type": "Normal", "reportingComponent": "kubelet",
            "involvedObject": {"kind": "Pod", "name": "web-0", "uid": "u", "namespace": "default"},
        });
        let described = "involvedObject.kind=Pod,involvedObject.uid=u,involvedObject.name=web-0";
        check(Kind::Event, event.clone(), described, true);
        check(Kind::Event, event.clone(), "reason=Started,type=Normal,source=kubelet", true);
        check(Kind::Event, event, "type!=Normal", false);
        check(Kind::Node, json!({}), "spec.unschedulable=false", true);
        check(Kind::Secret, json!({"type": "Opaque"}), "type=Opaque", true);
        check(Kind::Service, json!({"spec": {"clusterIP": "None"}}), "spec.clusterIP=None", true);
        check(Kind::Namespace, json!({"status": {"phase": "Active"}}), "status.phase=Active", true);
        check(Kind::ConfigMap, json!({"metadata": {"name": "a"}}), r"metadata.name!=a\,b\=c", true);
    }

    #[test]
    fn mistakes_are_told_in_kubernetes_words() {
        let only = "is not a known field selector: only \"metadata.name\", \"metadata.namespace\"";
        let cases = [
            (Kind::Pod, "spec.foo=x", "field label not supported: spec.foo".to_owned()),
            (Kind::StatefulSet, "status.phase=x", "field label not supported: status.phase".to_owned()),
            (Kind::ConfigMap, "data=x", format!("\"data\" {only}")),
            (Kind::Pod, "a,b=c", "invalid selector: 'a,b=c'; can't understand 'a'".to_owned()),
            (
                Kind::Pod,
                "metadata.name=a=b",
                "invalid field selector: unescaped character in value: 61".to_owned(),
            ),
            (
                Kind::Pod,
                r"metadata.name=a\b",
                r"invalid field selector: invalid escape sequence: \b".to_owned(),
            ),
        ];
        for (kind, selector, expected) in cases {
            assert_eq!(FieldSelector::parse(selector, kind).unwrap_err().to_string(), expected);
        }
    }

    #[test]
    fn a_name_that_is_asked_for_is_found_without_a_search() {
        let parsed = FieldSelector::parse("metadata.name=a,status.phase!=b", Kind::Pod).unwrap();
        assert_eq!(parsed.exact("metadata.name"), Some("a"));
        assert_eq!(parsed.exact("status.phase"), None);
    }
}
