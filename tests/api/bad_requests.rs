//! Requests that cannot be done, as bytes over TLS: each is refused with Kubernetes' own status code,
//! reason and words, and none of them is an error of the server's in its log.

use std::path::PathBuf;
use std::process::Stdio;

use crate::support::cluster::Cluster;
use crate::support::https::{Answer, Https};
use crate::support::raw;

const MAPS: &str = "/api/v1/namespaces/default/configmaps";
const MAP: &str = "/api/v1/namespaces/default/configmaps/settings";
const SET: &str = "/apis/apps/v1/namespaces/default/statefulsets/web";
const PODS: &str = "/api/v1/namespaces/default/pods";

const JSON: &str = "Content-Type: application/json";
const JSON_PATCH: &str = "Content-Type: application/json-patch+json";
const MERGE: &str = "Content-Type: application/merge-patch+json";
const STRATEGIC: &str = "Content-Type: application/strategic-merge-patch+json";
const APPLY: &str = "Content-Type: application/apply-patch+yaml";

struct Case {
    request: &'static str,
    header: &'static str,
    body: &'static str,
    refusal: (u16, &'static str, &'static str),
}

/// `request` is a method and a path; the message is the whole of what is answered, or ends in `…`
/// where more follows.
const fn case(
    request: &'static str,
    header: &'static str,
    body: &'static str,
    code: u16,
    reason: &'static str,
    message: &'static str,
) -> Case {
    Case { request, header, body, refusal: (code, reason, message) }
}

#[rustfmt::skip]
const CASES: &[Case] = &[
    // Bodies.
    case("POST MAPS", JSON, "{metadata: {}}", 400, "BadRequest",
        "the object provided is unrecognized (must be of type ConfigMap): couldn't get version/kind; json parse error: invalid character 'm' looking for beginning of object key string ({metadata: {}})"),
    case("POST MAPS", JSON, "{\"metadata\":", 400, "BadRequest",
        "the object provided is unrecognized (must be of type ConfigMap): couldn't get version/kind; json parse error: unexpected end of JSON input ({\"metadata\":)"),
    case("POST MAPS", JSON, "", 400, "BadRequest",
        "the object provided is unrecognized (must be of type ConfigMap): couldn't get version/kind; json parse error: unexpected end of JSON input (<empty>)"),
    case("POST MAPS", "Content-Type: text/html", "<p>", 415, "UnsupportedMediaType",
        "the body of the request was in an unknown format - accepted media types include: application/json, application/yaml…"),
    case("POST MAPS", JSON, r#"{"kind":"Pod","apiVersion":"v1","metadata":{"name":"a"}}"#, 400, "BadRequest",
        "Pod in version \"v1\" cannot be handled as a ConfigMap…"),
    case("POST MAPS", JSON, r#"{"apiVersion":"apps/v1","kind":"ConfigMap","metadata":{"name":"a"}}"#, 400, "BadRequest",
        "the API version in the data (apps/v1) does not match the expected API version (v1)"),
    case("POST MAPS", JSON, r#"{"metadata":{"name":"a","namespace":"b"}}"#, 400, "BadRequest",
        "the namespace of the provided object does not match the namespace sent on the request"),
    case("POST /api/v1/namespaces/none/configmaps", JSON, r#"{"metadata":{"name":"a"}}"#, 404, "NotFound",
        "namespaces \"none\" not found"),
    case("POST MAPS", JSON, r#"{"metadata":{"name":"A_"}}"#, 422, "Invalid",
        "ConfigMap \"A_\" is invalid: metadata.name: Invalid value: \"A_\": a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"),
    case("POST MAPS", JSON, r#"{"metadata":{}}"#, 422, "Invalid",
        "ConfigMap \"\" is invalid: metadata.name: Required value: name or generateName is required"),
    case("POST MAPS", JSON, r#"{"metadata":{"name":"settings"}}"#, 409, "AlreadyExists", "configmaps \"settings\" already exists"),
    case("POST MAPS", JSON, r#"{"metadata":{"name":"a","resourceVersion":"5"}}"#, 400, "BadRequest",
        "resourceVersion should not be set on objects to be created"),
    case("POST MAPS?fieldValidation=Strict", JSON, r#"{"metadata":{"name":"a"},"dataa":{"a":"b"}}"#, 400, "BadRequest",
        "ConfigMap in version \"v1\" cannot be handled as a ConfigMap: strict decoding error: unknown field \"dataa\""),
    case("POST MAPS?fieldValidation=Maybe", JSON, r#"{"metadata":{"name":"a"}}"#, 422, "Invalid",
        "CreateOptions.meta.k8s.io \"\" is invalid: fieldValidation: Unsupported value: \"Maybe\": supported values: \"Ignore\", \"Strict\", \"Warn\""),
    case("POST MAPS?dryRun=Some", JSON, r#"{"metadata":{"name":"a"}}"#, 422, "Invalid",
        "CreateOptions.meta.k8s.io \"\" is invalid: dryRun: Unsupported value: \"Some\": supported values: \"All\"…"),
    // Updates.
    case("PUT MAP", JSON, r#"{"metadata":{"name":"settings","resourceVersion":"1"}}"#, 409, "Conflict",
        "Operation cannot be fulfilled on configmaps \"settings\": the object has been modified; please apply your changes to the latest version and try again"),
    case("PUT MAP", JSON, r#"{"metadata":{"name":"settings","uid":"u"}}"#, 409, "Conflict",
        "Operation cannot be fulfilled on configmaps \"settings\": Precondition failed: UID in precondition: u, UID in object meta: …"),
    case("PUT MAP", JSON, r#"{"metadata":{"name":"other"}}"#, 400, "BadRequest",
        "the name of the object (other) does not match the name on the URL (settings)"),
    case("PUT MAPS/none", JSON, r#"{"metadata":{"name":"none"}}"#, 404, "NotFound", "configmaps \"none\" not found"),
    case("PATCH SET", MERGE, r#"{"spec":{"serviceName":"other"}}"#, 422, "Invalid",
        "StatefulSet.apps \"web\" is invalid: spec: Forbidden: updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden"),
    case("PATCH SET", MERGE, r#"{"spec":{"replicas":-1}}"#, 422, "Invalid",
        "StatefulSet.apps \"web\" is invalid: spec.replicas: Invalid value: -1: must be greater than or equal to 0"),
    // Patches.
    case("PATCH MAP", JSON, "{}", 415, "UnsupportedMediaType",
        "the body of the request was in an unknown format - accepted media types include: application/json-patch+json, application/merge-patch+json, application/strategic-merge-patch+json, application/apply-patch+yaml"),
    case("PATCH MAP", MERGE, "{a:1}", 400, "BadRequest",
        "error decoding patch: invalid character 'a' looking for beginning of object key string"),
    case("PATCH MAP", STRATEGIC, "{spec:{}}", 400, "BadRequest",
        "invalid character 's' looking for beginning of object key string"),
    case("PATCH MAP", JSON_PATCH, "[", 400, "BadRequest", "error decoding patch: unexpected end of JSON input"),
    case("PATCH MAP", JSON_PATCH, r#"[{"op":"leap","path":"/a"}]"#, 400, "BadRequest", "…"),
    case("PATCH MAP", JSON_PATCH, r#"[{"op":"test","path":"/data/colour","value":"blue"}]"#, 422, "Invalid",
        "the server rejected our request due to an error in our request: testing value /data/colour failed: test failed"),
    case("PATCH MAP", JSON_PATCH, r#"[{"op":"replace","path":"/data/none","value":"x"}]"#, 422, "Invalid",
        "the server rejected our request due to an error in our request: replace operation does not apply: doc is missing key: /data/none: missing value"),
    case("PATCH MAP", JSON_PATCH, r#"[{"op":"remove","path":"/data/none"}]"#, 422, "Invalid",
        "the server rejected our request due to an error in our request: error in remove for path: '/data/none': Unable to remove nonexistent key: none: missing value"),
    case("PATCH MAP", MERGE, r#"{"metadata":{"resourceVersion":"1"},"data":{"a":"b"}}"#, 409, "Conflict",
        "Operation cannot be fulfilled on configmaps \"settings\": the object has been modified; please apply your changes to the latest version and try again"),
    case("PATCH MAP", MERGE, r#"{"data":{"a":1}}"#, 422, "Invalid", "ConfigMap \"settings\" is invalid: patch: Invalid value: …"),
    case("PATCH MAP", MERGE, r#"{"metadata":{"name":"other"}}"#, 400, "BadRequest",
        "the name of the object (other) does not match the name on the URL (settings)"),
    case("PATCH MAPS/none", MERGE, "{}", 404, "NotFound", "configmaps \"none\" not found"),
    case("PATCH MAP", APPLY, r#"{"apiVersion":"v1","kind":"ConfigMap"}"#, 422, "Invalid",
        "PatchOptions.meta.k8s.io \"\" is invalid: fieldManager: Required value: is required for apply patch"),
    case("PATCH MAP?fieldManager=me", APPLY, "a: [", 400, "BadRequest", "error decoding YAML: …"),
    case("PATCH MAP?fieldManager=me&fieldValidation=Strict", APPLY,
        r#"{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"settings"},"dataa":{"a":"b"}}"#, 500, "",
        "failed to create typed patch object (/settings; /v1, Kind=ConfigMap): .dataa: field not declared in schema"),
    case("PATCH MAP?fieldManager=me", APPLY,
        r#"{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"settings"},"data":{"a":1},"immutable":"no"}"#, 500, "",
        "failed to create typed patch object (/settings; /v1, Kind=ConfigMap): errors:\n  .data.a: expected string, got &value.valueUnstructured{Value:1}\n  .immutable: expected boolean, got &{no}\n"),
    case("PATCH MAP?fieldManager=me&fieldValidation=Ignore", APPLY,
        r#"{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"settings"},"dataa":{"a":"b"}}"#, 500, "",
        "failed to create typed patch object (/settings; /v1, Kind=ConfigMap): .dataa: field not declared in schema"),
    case("PATCH MAP?fieldManager=me", APPLY,
        r#"{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"settings"},"data":{"colour":"blue"}}"#, 409, "Conflict",
        "Apply failed with 1 conflict: conflict with \"test\" using v1: .data.colour"),
    case("PATCH SET/scale", MERGE, r#"{"spec":{"replicas":"x"}}"#, 400, "BadRequest", "…"),
    // Selectors and revisions.
    case("GET MAPS?labelSelector=a%3D(b", "", "", 400, "BadRequest", "unable to parse requirement: found '(', expected: identifier"),
    case("GET MAPS?labelSelector=a%20in%20b", "", "", 400, "BadRequest", "unable to parse requirement: found 'b' expected: '('"),
    case("GET MAPS?labelSelector=-a", "", "", 400, "BadRequest",
        "unable to parse requirement: <nil>: Invalid value: \"-a\": name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')"),
    case("GET MAPS?fieldSelector=a", "", "", 400, "BadRequest", "invalid selector: 'a'; can't understand 'a'"),
    case("GET MAPS?fieldSelector=data.colour%3Dred", "", "", 400, "BadRequest",
        "\"data.colour\" is not a known field selector: only \"metadata.name\", \"metadata.namespace\""),
    case("GET PODS?fieldSelector=spec.foo%3D1", "", "", 400, "BadRequest", "field label not supported: spec.foo"),
    case("GET MAPS?resourceVersion=x", "", "", 400, "BadRequest",
        "invalid resource version: resourceVersion: Invalid value: \"x\": strconv.ParseUint: parsing \"x\": invalid syntax"),
    case("GET MAPS?resourceVersion=9000000000000000000", "", "", 504, "Timeout", "Timeout: Too large resource version: 9000000000000000000, current: …"),
    case("GET MAPS?resourceVersion=1&resourceVersionMatch=Near", "", "", 422, "Invalid",
        "ListOptions.meta.k8s.io \"\" is invalid: resourceVersionMatch: Unsupported value: \"Near\": supported values: \"Exact\", \"NotOlderThan\"…"),
    case("GET MAPS?continue=x", "", "", 400, "BadRequest", "continue key is not valid: …"),
    case("GET MAPS?watch=true&sendInitialEvents=true", "", "", 422, "Invalid",
        "ListOptions.meta.k8s.io \"\" is invalid: resourceVersionMatch: Forbidden: sendInitialEvents requires setting resourceVersionMatch to NotOlderThan"),
    // Deletions.
    case("DELETE MAPS/none", "", "", 404, "NotFound", "configmaps \"none\" not found"),
    case("DELETE MAP?propagationPolicy=Never", "", "", 422, "Invalid",
        "DeleteOptions.meta.k8s.io \"\" is invalid: propagationPolicy: Unsupported value: \"Never\": supported values: \"Background\", \"Foreground\", \"Orphan\"…"),
    case("DELETE MAP", JSON, r#"{"preconditions":{"uid":"u"}}"#, 409, "Conflict",
        "Operation cannot be fulfilled on configmaps \"settings\": the UID in the precondition (u) does not match the UID in record (…"),
    case("DELETE MAP", JSON, "nothing", 400, "BadRequest", "…"),
    // Paths and methods.
    case("GET /nope", "", "", 404, "NotFound", "the server could not find the requested resource"),
    case("GET /apis/nope.example/v1/things", "", "", 404, "NotFound", "the server could not find the requested resource"),
    case("GET /api/v1/namespaces/default/deployments", "", "", 404, "NotFound", "the server could not find the requested resource"),
    case("GET PODS/none", "", "", 404, "NotFound", "pods \"none\" not found"),
    case("GET PODS/none/log", "", "", 404, "NotFound", "pods \"none\" not found"),
    case("GET SET/nope", "", "", 404, "NotFound", "the server could not find the requested resource"),
    case("PUT MAPS", JSON, "{}", 405, "MethodNotAllowed", "the server does not allow this method on the requested resource"),
    case("POST MAP", JSON, "{}", 405, "MethodNotAllowed", "the server does not allow this method on the requested resource"),
    case("BREW MAPS", "", "", 405, "MethodNotAllowed", "the server does not allow this method on the requested resource"),
    case("DELETE /api/v1/namespaces", "", "", 405, "MethodNotAllowed", "the server does not allow this method on the requested resource"),
    case("GET MAP", "Accept: text/html", "", 406, "NotAcceptable", "only the following media types are accepted: application/json…"),
];

fn check(what: &str, answer: &Answer, (code, reason, message): (u16, &str, &str)) -> Result<(), String> {
    let status = answer.json();
    let told = status["message"].as_str().unwrap_or_default();
    let is_as_expected = match message.strip_suffix('…') {
        Some(beginning) => told.starts_with(beginning),
        None => told == message,
    };
    let found_reason = status["reason"].as_str().unwrap_or_default();
    let found = (answer.code, found_reason, status["code"].as_u64(), status["status"].as_str());
    if found == (code, reason, Some(u64::from(code)), Some("Failure")) && is_as_expected {
        return Ok(());
    }
    Err(format!(
        "{what}\n  wanted {code} {reason}: {message}\n  got    {} {}: {told}",
        answer.code, status["reason"]
    ))
}

fn path(text: &str) -> String {
    // The longer names first, of which the shorter are a part.
    [("MAPS", MAPS), ("MAP", MAP), ("SET", SET), ("PODS", PODS)]
        .iter()
        .find_map(|(short, long)| Some(format!("{long}{}", text.strip_prefix(short)?)))
        .unwrap_or_else(|| text.to_owned())
}

async fn prepare(https: &Https) {
    let map = r#"{"metadata":{"name":"settings"},"data":{"colour":"red"}}"#;
    let set = r#"{"metadata":{"name":"web"},"spec":{"serviceName":"nginx","selector":{"matchLabels":{"a":"b"}},
        "template":{"metadata":{"labels":{"a":"b"}},"spec":{"containers":[{"name":"c","image":"i"}]}}}}"#;
    let sets = SET.trim_end_matches("/web");
    for (place, body) in [(MAPS, map), (sets, set)] {
        let answer =
            https.request("POST", &format!("{place}?fieldManager=test"), &[JSON], body.as_bytes()).await;
        assert_eq!(answer.code, 201, "{}", String::from_utf8_lossy(&answer.body));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_bad_request_is_refused_as_kubernetes_refuses_it_and_is_no_error_of_ours() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("log");
    let written = std::fs::File::create(&log).unwrap();
    let cluster = Cluster::start_logging(PathBuf::from("kubectl"), Stdio::from(written));
    let https = Https::new(&cluster.address, &cluster.kubeconfig);
    prepare(&https).await;
    let mut faults = Vec::new();
    let mut connection = https.connect().await;
    for Case { request, header, body, refusal } in CASES {
        let (method, target) = request.split_once(' ').unwrap();
        let headers: &[&str] = if header.is_empty() { &[] } else { &[header] };
        let what = format!("{request} {header} {body}");
        let answer = connection.request(method, &path(target), headers, body.as_bytes()).await;
        if answer.header("connection") == Some("close") {
            connection = https.connect().await;
        }
        faults.extend(check(&what, &answer, *refusal).err());
    }
    let unauthorized = (401, "Unauthorized", "Unauthorized");
    for token in ["", "wrong"] {
        let answer = https.with_token(token).request("GET", MAPS, &[], b"").await;
        faults.extend(check(&format!("token {token:?}"), &answer, unauthorized).err());
    }
    let huge = vec![b' '; 3 * 1024 * 1024 + 1];
    let answer = https.request("POST", MAPS, &[JSON], &huge).await;
    let too_large = (413, "RequestEntityTooLarge", "Request entity too large: limit is 3145728");
    faults.extend(check("a huge body", &answer, too_large).err());
    let plain = raw::in_plain(&cluster.address, b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
    assert!(plain.contains("Client sent an HTTP request to an HTTPS server."), "{plain}");

    assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
    assert_eq!(https.request("GET", "/healthz", &[], b"").await.body, b"ok");
    let log = std::fs::read_to_string(&log).unwrap();
    assert!(!log.contains("ERROR") && !log.contains("WARN") && !log.contains("panicked"), "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_fields_are_refused_warned_of_or_passed_over() {
    let cluster = Cluster::start(PathBuf::from("kubectl"));
    let https = Https::new(&cluster.address, &cluster.kubeconfig);
    let body = |name: &str| format!(r#"{{"metadata":{{"name":"{name}"}},"dataa":{{"a":"b"}}}}"#);
    let warning = "299 - \"unknown field \\\"dataa\\\"\"";
    for (number, (query, code, expected)) in [
        ("", 201, Some(warning)),
        ("?fieldValidation=Warn", 201, Some(warning)),
        ("?fieldValidation=Ignore", 201, None),
        ("?fieldValidation=Strict", 400, None),
    ]
    .into_iter()
    .enumerate()
    {
        let body = body(&format!("n{number}"));
        let answer = https.request("POST", &format!("{MAPS}{query}"), &[JSON], body.as_bytes()).await;
        assert_eq!((answer.code, answer.header("warning")), (code, expected), "{query}");
    }
}
