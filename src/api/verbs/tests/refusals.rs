//! Requests that cannot be answered as they are: each is told what is wrong with it.

use super::*;

/// A request, and the code and words of its answer.
struct Case(&'static str, String, &'static [(&'static str, &'static str)], String, u16, &'static str);

fn case(
    request: &'static str,
    path: &str,
    content_type: &'static [(&'static str, &'static str)],
    body: impl Into<String>,
    code: u16,
    message: &'static str,
) -> Case {
    Case(request, path.to_owned(), content_type, body.into(), code, message)
}

const CBOR: &[(&str, &str)] = &[("content-type", "application/cbor")];

#[allow(clippy::too_many_lines, reason = "one case after the other")]
fn bad_bodies() -> Vec<Case> {
    let web = format!("{SETS}/web");
    let strict = format!("{SETS}?fieldValidation=Strict");
    let mut unknown = set();
    unknown["metadata"]["name"] = "other".into();
    unknown["spec"]["volumeClaimTemolates"] = json!("x");
    let mut immutable = set();
    immutable["spec"]["serviceName"] = "other".into();
    let mut stale = set();
    stale["metadata"]["resourceVersion"] = "1".into();
    vec![
        case("POST", SETS, JSON, "{", 400, "must be of type StatefulSet"),
        case("POST", SETS, JSON, "[]", 400, "the body must be an object"),
        case(
            "POST",
            SETS,
            CBOR,
            "k8s\0",
            415,
            "the body of the request was in an unknown format - accepted media types include: application/json, application/yaml",
        ),
        case("POST", SETS, JSON, " ".repeat(4 << 20), 413, "Request entity too large: limit is 3145728"),
        case(
            "POST",
            &strict,
            JSON,
            unknown.to_string(),
            400,
            "StatefulSet in version \"v1\" cannot be handled as a StatefulSet: strict decoding error: unknown field \"spec.volumeClaimTemolates\"",
        ),
        case("POST", SETS, JSON, set().to_string(), 409, "statefulsets.apps \"web\" already exists"),
        case(
            "POST",
            SETS,
            JSON,
            stale.to_string(),
            400,
            "resourceVersion should not be set on objects to be created",
        ),
        case(
            "POST",
            SETS,
            JSON,
            r#"{"metadata": {"namespace": "b"}}"#,
            400,
            "the namespace of the provided object does not match",
        ),
        case(
            "POST",
            "/apis/apps/v1/namespaces/nope/statefulsets",
            JSON,
            set().to_string(),
            404,
            "namespaces \"nope\" not found",
        ),
        case(
            "POST",
            "/apis/apps/v1/statefulsets",
            JSON,
            set().to_string(),
            405,
            "does not allow this method",
        ),
        case(
            "PUT",
            &web,
            JSON,
            immutable.to_string(),
            422,
            "StatefulSet.apps \"web\" is invalid: spec: Forbidden: updates to statefulset spec",
        ),
        case(
            "PUT",
            &web,
            JSON,
            stale.to_string(),
            409,
            "Operation cannot be fulfilled on statefulsets.apps \"web\": the object has been modified",
        ),
        case(
            "PUT",
            &format!("{SETS}/a"),
            JSON,
            set().to_string(),
            400,
            "the name of the object (web) does not match the name on the URL (a)",
        ),
        case("PATCH", &web, MERGE, "{spec:{}}", 400, "error decoding patch"),
        case("PATCH", &web, JSON, "{}", 415, "application/json-patch+json, application/merge-patch+json"),
        case(
            "PATCH",
            &format!("{web}?fieldValidation=Strict"),
            MERGE,
            r#"{"spec": {"repplicas": 1}}"#,
            422,
            "strict decoding error: unknown field \"spec.repplicas\"",
        ),
        case(
            "PATCH",
            &web,
            MERGE,
            r#"{"metadata": {"resourceVersion": "1"}}"#,
            409,
            "the object has been modified",
        ),
        case("PATCH", &web, MERGE, r#"{"spec": {"replicas": -1}}"#, 422, "spec.replicas: Invalid value: -1"),
        case(
            "PATCH",
            &format!("{web}/scale"),
            MERGE,
            r#"{"spec": {"replicas": -1}}"#,
            422,
            "Scale.autoscaling \"web\" is invalid: spec.replicas: Invalid value: -1",
        ),
        case(
            "DELETE",
            &web,
            JSON,
            r#"{"propagationPolicy": "Never"}"#,
            422,
            "propagationPolicy: Unsupported value: \"Never\"",
        ),
        case(
            "DELETE",
            &web,
            JSON,
            r#"{"preconditions": {"uid": "x"}}"#,
            409,
            "Operation cannot be fulfilled",
        ),
    ]
}

fn bad_questions() -> Vec<Case> {
    vec![
        case("GET", &format!("{PODS}/nope"), &[], "", 404, "pods \"nope\" not found"),
        case("GET", "/apis/batch/v1/jobs", &[], "", 404, "the server could not find the requested resource"),
        case("GET", "/apis/batch/v1", &[], "", 404, "the server could not find the requested resource"),
        case("GET", "/favicon.ico", &[], "", 404, "the server could not find the requested resource"),
        case("POST", "/version", &[], "", 405, "does not allow this method"),
        case("PATCH", PODS, MERGE, "{}", 405, "does not allow this method"),
        case(
            "GET",
            PODS,
            &[("accept", "application/vnd.kubernetes.protobuf")],
            "",
            406,
            "only the following media types are accepted: application/json",
        ),
        case("GET", &format!("{PODS}?labelSelector=a%20like%20b"), &[], "", 400, ""),
        case(
            "GET",
            &format!("{PODS}?fieldSelector=spec.foo%3D1"),
            &[],
            "",
            400,
            "field label not supported: spec.foo",
        ),
        case(
            "GET",
            &format!("{PODS}?resourceVersion=999999"),
            &[],
            "",
            504,
            "Timeout: Too large resource version: 999999",
        ),
        case("GET", &format!("{PODS}?resourceVersion=x"), &[], "", 400, "resourceVersion: Invalid value"),
        case("GET", &format!("{PODS}?continue=x"), &[], "", 400, "continue key is not valid"),
        case(
            "GET",
            &format!("{PODS}?watch=1&sendInitialEvents=true"),
            &[],
            "",
            422,
            "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan",
        ),
        case(
            "DELETE",
            "/api/v1/namespaces/default",
            &[],
            "",
            403,
            "namespaces \"default\" is forbidden: this namespace may not be deleted",
        ),
        case("DELETE", "/api/v1/namespaces", &[], "", 405, "does not allow this method"),
    ]
}

#[tokio::test(start_paused = true)]
async fn every_bad_request_is_answered_as_kubernetes_does() {
    let api = api().await;
    assert_eq!(ask(&api, "POST", SETS, &set()).await.0, 201);
    for Case(method, path, headers, body, code, message) in bad_bodies().into_iter().chain(bad_questions()) {
        let (found, status) = read(send(&api, method, &path, headers, &body).await).await;
        let told = status["message"].as_str().unwrap_or_default();
        let shown: String = body.chars().take(80).collect();
        assert_eq!(found, code, "{method} {path} {shown}: {status}");
        assert!(told.contains(message), "{method} {path} {shown}: {told}");
        assert_eq!((&status["kind"], &status["code"]), (&json!("Status"), &json!(code)), "{method} {path}");
    }
    assert_eq!(ask(&api, "GET", &format!("{SETS}/web"), &Value::Null).await.1["spec"]["replicas"], 2);
}
