//! Bodies: decoded to a document, and the document to an object that fits the path.

use serde_json::Value;

use super::options::FieldValidation;
use super::path::{Dialect, Resource, ResourcePath};
use super::{go_json, protobuf};
use crate::api::answer::status::{Cause, Failure};
use crate::machinery::manifest;
use crate::machinery::unknown::{unknown_fields, unknown_fields_of};
use crate::objects::{Object, Typed, events_api};

/// The media types of objects.
const OBJECT_TYPES: [&str; 3] = ["application/json", "application/yaml", protobuf::MEDIA_TYPE];

/// A decoded object.
pub(crate) struct Sent {
    pub(crate) typed: Typed,
    /// Warnings for the client.
    pub(crate) warnings: Vec<String>,
}

/// Where an object comes from; Kubernetes words errors differently.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    Body,
    Patch,
}

/// The document in a body of JSON, YAML or protobuf; an absent type means JSON.
pub(crate) fn document(content_type: Option<&str>, body: &[u8]) -> Result<Value, Failure> {
    match media_type(content_type).as_str() {
        "" | "application/json" => json(body),
        "application/yaml" => yaml(body),
        protobuf::MEDIA_TYPE => {
            protobuf::document(body).map_err(|error| Failure::bad_request(error.to_string()))
        }
        _ => Err(Failure::unsupported(&OBJECT_TYPES)),
    }
}

/// The same, for an object of a resource; the error names its kind.
pub(crate) fn document_for(
    resource: Resource,
    content_type: Option<&str>,
    body: &[u8],
) -> Result<Value, Failure> {
    match media_type(content_type).as_str() {
        "" | "application/json" => json_for(resource.kind.info().name, body),
        _ => document(content_type, body),
    }
}

/// The media type without parameters, in lower case.
pub(crate) fn media_type(content_type: Option<&str>) -> String {
    let text = content_type.unwrap_or_default();
    text.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

pub(crate) fn json(body: &[u8]) -> Result<Value, Failure> {
    json_for("JSON", body)
}

fn json_for(wanted: &str, body: &[u8]) -> Result<Value, Failure> {
    serde_json::from_slice(body).map_err(|_| {
        let (fault, summary) = (go_json::fault(body), go_json::summary(body));
        Failure::bad_request(format!(
            "the object provided is unrecognized (must be of type {wanted}): \
             couldn't get version/kind; json parse error: {fault} ({summary})"
        ))
    })
}

pub(crate) fn yaml(body: &[u8]) -> Result<Value, Failure> {
    let text = std::str::from_utf8(body)
        .map_err(|error| Failure::bad_request(format!("the YAML is not UTF-8: {error}")))?;
    manifest::yaml_to_value("body", text)
        .map_err(|mistake| Failure::bad_request(format!("line {}: {}", mistake.line, mistake.message)))
}

/// Decodes a document sent to `path`. Namespace and name default to those of the path.
pub(crate) fn object(
    path: &ResourcePath,
    document: Value,
    validation: FieldValidation,
    origin: Origin,
) -> Result<Sent, Failure> {
    let document = placed(path, document)?;
    let original = document.clone();
    let typed = typed(path.resource, document)
        .map_err(|error| not_handled(path, &original, origin, &error.to_string()))?;
    if validation == FieldValidation::Ignore {
        return Ok(Sent { typed, warnings: Vec::new() });
    }
    let unknown = unknown(path.resource, &original);
    if !unknown.is_empty() && validation == FieldValidation::Strict {
        let message = format!("strict decoding error: {}", unknown.join(", "));
        return Err(not_handled(path, &original, origin, &message));
    }
    Ok(Sent { typed, warnings: unknown })
}

/// Checks that a document belongs to `path`, and sets its namespace and name.
pub(crate) fn placed(path: &ResourcePath, mut document: Value) -> Result<Value, Failure> {
    check_type(path, &document)?;
    fill_names(path, &mut document)?;
    Ok(document)
}

fn unknown(resource: Resource, document: &Value) -> Vec<String> {
    let fields = match resource.dialect {
        Dialect::Native => unknown_fields(resource.kind, document),
        Dialect::EventsV1 => unknown_fields_of("io.k8s.api.events.v1.Event", document),
    };
    fields.into_iter().map(|field| format!("unknown field \"{field}\"")).collect()
}

/// The error for a document that cannot be decoded.
fn not_handled(path: &ResourcePath, original: &Value, origin: Origin, message: &str) -> Failure {
    let info = path.resource.kind.info();
    match origin {
        Origin::Body => Failure::bad_request(format!(
            "{} in version \"{}\" cannot be handled as a {}: {message}",
            info.name, info.version, info.name
        )),
        Origin::Patch => {
            let name = original["metadata"]["name"].as_str().unwrap_or_default();
            let cause = Cause("FieldValueInvalid", format!("Invalid value: {message}"), "patch".into());
            Failure::invalid(path.resource.group(), info.name, name, vec![cause])
        }
    }
}

fn typed(resource: Resource, document: Value) -> Result<Typed, serde_json::Error> {
    match resource.dialect {
        Dialect::Native => Typed::from_value(resource.kind, document),
        Dialect::EventsV1 => Ok(events_api::into_core(serde_json::from_value(document)?).into()),
    }
}

/// An object as a client of this resource sees it.
pub(crate) fn document_of(resource: Resource, object: &Object) -> Value {
    match (resource.dialect, object.typed()) {
        (Dialect::EventsV1, Typed::Event(event)) => {
            let mut event = serde_json::to_value(events_api::from_core((**event).clone()))
                .expect("the types of the table serialize to JSON");
            // eventTime has no omitempty in events.k8s.io/v1: it is null when unset.
            if event["eventTime"].is_null() {
                event["eventTime"] = Value::Null;
            }
            event
        }
        _ => value_of(object),
    }
}

/// The JSON form of an object.
pub(crate) fn value_of(object: &Object) -> Value {
    serde_json::from_slice(object.json()).expect("what was serialized is JSON")
}

/// The JSON form of an object that is yet to be written.
pub(crate) fn to_value(typed: &Typed) -> Value {
    typed.to_value().expect("the types of the table serialize to JSON")
}

fn check_type(path: &ResourcePath, document: &Value) -> Result<(), Failure> {
    if !document.is_object() {
        return Err(Failure::bad_request("the body must be an object"));
    }
    let info = path.resource.kind.info();
    let text = |field: &str| document.get(field).and_then(Value::as_str).unwrap_or_default();
    let (api_version, kind) = (text("apiVersion"), text("kind"));
    if !kind.is_empty() && kind != info.name {
        return Err(Failure::bad_request(format!(
            "{kind} in version \"{}\" cannot be handled as a {}: the path is that of {}",
            api_version.rsplit('/').next().unwrap_or_default(),
            info.name,
            info.plural
        )));
    }
    if !api_version.is_empty() && api_version != path.resource.api_version() {
        return Err(Failure::bad_request(format!(
            "the API version in the data ({api_version}) does not match the expected API version ({})",
            path.resource.api_version()
        )));
    }
    Ok(())
}

fn fill_names(path: &ResourcePath, document: &mut Value) -> Result<(), Failure> {
    let metadata = &mut document["metadata"];
    if metadata.is_null() {
        *metadata = Value::Object(serde_json::Map::new());
    }
    if !metadata.is_object() {
        return Err(Failure::bad_request("metadata: must be an object"));
    }
    if let Some(namespace) = &path.namespace {
        match metadata["namespace"].as_str().unwrap_or_default() {
            "" => metadata["namespace"] = namespace.clone().into(),
            sent if sent == namespace => {}
            _ => {
                return Err(Failure::bad_request(
                    "the namespace of the provided object does not match the namespace sent on the request",
                ));
            }
        }
    }
    if let Some(name) = &path.name {
        match metadata["name"].as_str().unwrap_or_default() {
            "" => metadata["name"] = name.clone().into(),
            sent if sent == name => {}
            sent => {
                return Err(Failure::bad_request(format!(
                    "the name of the object ({sent}) does not match the name on the URL ({name})"
                )));
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::request::path::{self, Target};
    use serde_json::json;

    fn send(path: &str, document: Value, validation: FieldValidation) -> Result<Vec<String>, (u16, String)> {
        let Some(Target::Objects(path)) = path::parse(path) else { panic!("{path}") };
        let sent = object(&path, document, validation, Origin::Body);
        sent.map(|sent| sent.warnings).map_err(|failure| (failure.code, failure.message))
    }

    #[test]
    fn what_does_not_belong_to_its_place_is_refused() {
        let pods = "/api/v1/namespaces/default/pods";
        let pod = "/api/v1/namespaces/default/pods/a";
        for (path, document, expected) in [
            (pods, json!([]), "the body must be an object"),
            (pods, json!({"kind": "Service"}), "Service in version"),
            (pods, json!({"apiVersion": "apps/v1"}), "the API version in the data (apps/v1)"),
            (pods, json!({"metadata": {"namespace": "b"}}), "the namespace of the provided object"),
            (pods, json!({"metadata": 1}), "metadata: must be an object"),
            (
                pod,
                json!({"metadata": {"name": "b"}}),
                "the name of the object (b) does not match the name on the URL (a)",
            ),
            (
                pods,
                json!({"spec": {"containers": 5}}),
                "Pod in version \"v1\" cannot be handled as a Pod: invalid type",
            ),
        ] {
            let (code, message) = send(path, document, FieldValidation::Strict).unwrap_err();
            assert_eq!(code, 400);
            assert!(message.starts_with(expected), "{message}");
        }
    }

    #[test]
    fn unknown_fields_are_refused_told_or_passed_over() {
        let pods = "/api/v1/namespaces/default/pods";
        let pod = json!({"metadata": {"name": "a"}, "spec": {"containers": [], "nodeNamee": "n"}});
        let (code, message) = send(pods, pod.clone(), FieldValidation::Strict).unwrap_err();
        let expected = "Pod in version \"v1\" cannot be handled as a Pod: strict decoding error: unknown field \"spec.nodeNamee\"";
        assert_eq!((code, message.as_str()), (400, expected));
        let warnings = send(pods, pod.clone(), FieldValidation::Warn).unwrap();
        assert_eq!(warnings, ["unknown field \"spec.nodeNamee\""]);
        assert_eq!(send(pods, pod, FieldValidation::Ignore).unwrap(), Vec::<String>::new());
    }

    #[test]
    fn bodies_are_json_yaml_or_protobuf_and_nothing_else() {
        for (content_type, body, expected) in [
            (None, "{}", Ok(json!({}))),
            (Some("application/json; charset=utf-8"), "{\"a\":1}", Ok(json!({"a": 1}))),
            (Some("application/yaml"), "a: 1", Ok(json!({"a": 1}))),
            (Some("application/json"), "{a: 1}", Err(400)),
            (Some("application/yaml"), "a: [", Err(400)),
            (Some("application/vnd.kubernetes.protobuf"), "k8s\0", Err(400)),
            (Some("application/cbor"), "", Err(415)),
            (Some("text/html"), "", Err(415)),
        ] {
            let found = document(content_type, body.as_bytes()).map_err(|failure| failure.code);
            assert_eq!(found, expected, "{content_type:?}");
        }
    }
}
