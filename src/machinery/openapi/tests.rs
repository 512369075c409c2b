//! The documents as kubectl reads them.

use std::collections::BTreeSet;

use serde_json::Value;

use super::*;
use crate::objects::Kind;

const APPS: &str = "apis/apps/v1";
const CORE: &str = "api/v1";

fn schema<'a>(document: &'a Value, name: &str) -> &'a Value {
    &document["components"]["schemas"][name]
}

fn references(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(fields) => {
            found.extend(fields.get("$ref").and_then(Value::as_str).map(str::to_owned));
            assert!(!fields.contains_key("$ref") || fields.len() == 1, "a reference stands alone: {value}");
            fields.values().for_each(|field| references(field, found));
        }
        Value::Array(items) => items.iter().for_each(|item| references(item, found)),
        _ => {}
    }
}

/// The schema of a field, wherever its reference leads; items of lists are passed through.
fn explained<'a>(document: &'a Value, kind: &str, path: &str) -> &'a Value {
    let mut at = document["components"]["schemas"]
        .as_object()
        .unwrap()
        .values()
        .find(|schema| schema["x-kubernetes-group-version-kind"][0]["kind"] == kind)
        .unwrap_or_else(|| panic!("{kind} has no schema"));
    for step in path.split('.') {
        at = &resolved(document, at)["properties"][step];
        assert!(at.is_object(), "{kind} {path}: no {step}");
    }
    at
}

fn resolved<'a>(document: &'a Value, mut at: &'a Value) -> &'a Value {
    loop {
        let inner = [&at["allOf"][0], &at["items"]].into_iter().find(|inner| inner.is_object());
        if let Some(inner) = inner {
            at = inner;
        } else if let Some(name) = at["$ref"].as_str() {
            at = document.pointer(&name[1..]).unwrap();
        } else {
            return at;
        }
    }
}

#[test]
fn every_reference_of_every_document_leads_somewhere() {
    let index = index();
    let paths = index["paths"].as_object().unwrap();
    assert_eq!(paths.len(), 7);
    for (path, entry) in paths {
        let document = document(path).unwrap();
        let mut found = BTreeSet::new();
        references(&document, &mut found);
        assert!(found.len() > 5, "{path}");
        for reference in found {
            assert!(document.pointer(&reference[1..]).is_some(), "{path}: {reference}");
        }
        let url = entry["serverRelativeURL"].as_str().unwrap();
        let hash = serialized(path).unwrap().1;
        assert_eq!(url, format!("/openapi/v3/{path}?hash={hash}"));
    }
    assert_eq!(document("apis/batch/v1"), None);
}

#[test]
fn every_kind_has_a_schema_and_a_patch_that_validates_fields() {
    for kind in Kind::ALL {
        let info = kind.info();
        let root = if info.group.is_empty() { CORE.to_owned() } else { format!("apis/{}", info.api_version) };
        let document = document(&root).unwrap();
        let namespace = if info.is_namespaced { "/namespaces/{namespace}" } else { "" };
        let path = format!("/{root}{namespace}/{}/{{name}}", info.plural);
        let patch = &document["paths"][&path]["patch"];
        let gvk = json!({"group": info.group, "version": info.version, "kind": info.name});
        assert_eq!(patch["x-kubernetes-group-version-kind"], gvk, "{path}");
        let parameters = patch["parameters"].as_array().unwrap();
        assert!(parameters.iter().any(|one| one["name"] == "fieldValidation" && one["in"] == "query"));
        assert!(patch["requestBody"]["content"]["application/strategic-merge-patch+json"].is_object());
        explained(&document, info.name, "metadata.ownerReferences.uid");
        let list = explained(&document, &format!("{kind}List"), "items");
        assert_eq!(resolved(&document, list)["x-kubernetes-group-version-kind"], json!([gvk]), "{kind}");
    }
}

#[test]
fn fields_can_be_explained() {
    let apps = document(APPS).unwrap();
    let update = explained(&apps, "StatefulSet", "spec.updateStrategy.rollingUpdate");
    assert!(update["description"].as_str().is_some_and(|text| text.contains("RollingUpdate")));
    let partition = explained(&apps, "StatefulSet", "spec.updateStrategy.rollingUpdate.partition");
    assert_eq!((&partition["type"], &partition["format"]), (&json!("integer"), &json!("int32")));
    let amount = explained(&apps, "StatefulSet", "spec.volumeClaimTemplates.spec.resources.requests");
    let amount = resolved(&apps, &amount["additionalProperties"]);
    assert_eq!(amount["oneOf"], json!([{"type": "number"}, {"type": "string"}]));
    let events = document("apis/events.k8s.io/v1").unwrap();
    explained(&events, "Event", "note");
    let required = &schema(&apps, "io.k8s.api.apps.v1.StatefulSetSpec")["required"];
    assert_eq!(required, &json!(["selector", "template"]));
}

#[test]
fn lists_say_how_they_merge() {
    let core = document(CORE).unwrap();
    let extensions = |definition: &str, field: &str| {
        let field = &schema(&core, definition)["properties"][field];
        ["list-type", "list-map-keys", "patch-strategy", "patch-merge-key", "map-type"]
            .map(|name| field.get(format!("x-kubernetes-{name}")).cloned().unwrap_or_default())
    };
    let null = Value::Null;
    let pod = "io.k8s.api.core.v1.PodSpec";
    let cases = [
        (
            pod,
            "volumes",
            [json!("map"), json!(["name"]), json!("merge,retainKeys"), json!("name"), null.clone()],
        ),
        (pod, "tolerations", [json!("atomic"), null.clone(), null.clone(), null.clone(), null.clone()]),
        (pod, "nodeSelector", [null.clone(), null.clone(), null.clone(), null.clone(), json!("atomic")]),
        (
            "io.k8s.api.core.v1.Container",
            "ports",
            [
                json!("map"),
                json!(["containerPort", "protocol"]),
                json!("merge"),
                json!("containerPort"),
                null.clone(),
            ],
        ),
        (
            "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta",
            "finalizers",
            [json!("set"), null.clone(), json!("merge"), null.clone(), null.clone()],
        ),
        (
            "io.k8s.api.core.v1.PersistentVolumeSpec",
            "claimRef",
            [null.clone(), null.clone(), null.clone(), null.clone(), json!("granular")],
        ),
    ];
    for (definition, field, expected) in cases {
        assert_eq!(extensions(definition, field), expected, "{definition} {field}");
    }
    let reference = schema(&core, "io.k8s.api.core.v1.ObjectReference");
    assert_eq!(reference["x-kubernetes-map-type"], "atomic");
    let port = schema(&core, "io.k8s.api.core.v1.ServicePort");
    assert_eq!(port["properties"]["protocol"]["default"], "TCP");
    assert_eq!(port["properties"]["port"].get("default"), None);
}

#[test]
fn subresources_have_kinds_of_their_own() {
    let apps = document(APPS).unwrap();
    let scale = &apps["paths"]["/apis/apps/v1/namespaces/{namespace}/statefulsets/{name}/scale"];
    assert_eq!(
        scale["patch"]["x-kubernetes-group-version-kind"],
        json!({"group": "autoscaling", "version": "v1", "kind": "Scale"})
    );
    let core = document(CORE).unwrap();
    let verbs = |path: &str| {
        let item = core["paths"][&format!("/api/v1/namespaces/{{namespace}}/{path}")].as_object();
        let verbs = item.into_iter().flatten().map(|(verb, _)| verb.clone());
        verbs.filter(|verb| verb != "parameters").collect::<Vec<_>>()
    };
    assert_eq!(verbs("pods"), ["delete", "get", "post"]);
    assert_eq!(verbs("pods/{name}"), ["delete", "get", "patch", "put"]);
    assert_eq!(verbs("pods/{name}/status"), ["get", "patch", "put"]);
    assert_eq!(verbs("pods/{name}/log"), ["get"]);
    assert_eq!(verbs("pods/{name}/eviction"), ["post"]);
    assert_eq!(verbs("configmaps/{name}/status"), [""; 0]);
}
