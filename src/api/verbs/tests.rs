//! Requests as HTTP brings them, answered without a socket.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Request, State};
use axum::response::Response;
use futures_util::StreamExt;
use serde_json::{Value, json};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use super::Api;
use super::dispatch::answer;
use super::stream::STREAMS_MAX;
use super::watches::Watches;
use crate::api::streams::{ContainerStreams, NoStreams};
use crate::clock::{Clock, Timestamp};
use crate::store::{Bootstrap, Store, StoreOptions};

pub(super) const MAPS: &str = "/api/v1/namespaces/default/configmaps";
const SETS: &str = "/apis/apps/v1/namespaces/default/statefulsets";
const PODS: &str = "/api/v1/namespaces/default/pods";

/// An API over a store that holds what is always there.
pub(super) async fn api() -> Arc<Api> {
    let clock = Clock::starting_at(Timestamp::UNIX_EPOCH);
    let store = Store::in_memory(clock, StoreOptions { seed: Some(1), ..StoreOptions::default() });
    store.bootstrap(&Bootstrap::default()).await.unwrap();
    api_over(store, Arc::new(NoStreams::because("its containers are simulated and run nothing")))
}

pub(super) fn api_over(store: Store, streams: Arc<dyn ContainerStreams>) -> Arc<Api> {
    Arc::new(Api {
        store,
        address: String::new(),
        watches: Watches::default(),
        streams,
        n_streams: Arc::new(Semaphore::new(STREAMS_MAX)),
        stop: CancellationToken::new(),
    })
}

pub(super) async fn send(
    api: &Arc<Api>,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> Response {
    let mut request = Request::builder().method(method).uri(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request.body(body.to_owned().into()).unwrap();
    answer(State(api.clone()), request).await
}

/// The code and the document of an answer.
pub(super) async fn ask(api: &Arc<Api>, method: &str, path: &str, body: &Value) -> (u16, Value) {
    let content_type = match method {
        "PATCH" => "application/merge-patch+json",
        _ => "application/json",
    };
    let text = if body.is_null() { String::new() } else { body.to_string() };
    read(send(api, method, path, &[("content-type", content_type)], &text).await).await
}

pub(super) async fn read(response: Response) -> (u16, Value) {
    let code = response.status().as_u16();
    let body = axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap();
    (code, serde_json::from_slice(&body).unwrap_or_else(|_| String::from_utf8_lossy(&body).into()))
}

pub(super) async fn make(api: &Arc<Api>, name: &str, label: &str) {
    let map = json!({"metadata": {"name": name, "labels": {"app": label}}});
    assert_eq!(ask(api, "POST", MAPS, &map).await.0, 201);
}

/// The lines of a watch, one at a time.
pub(super) struct Lines {
    stream: axum::body::BodyDataStream,
    ready: std::collections::VecDeque<Value>,
}

impl Lines {
    pub(super) async fn open(api: &Arc<Api>, path: &str) -> Self {
        let response = send(api, "GET", path, &[], "").await;
        assert_eq!(response.status(), 200, "{path}");
        Self { stream: response.into_body().into_data_stream(), ready: [].into() }
    }

    /// The next line, such as `ADDED a`; `end` when there is none any more.
    pub(super) async fn next(&mut self) -> String {
        while self.ready.is_empty() {
            let Some(chunk) = self.stream.next().await else { return "end".into() };
            let text = String::from_utf8(chunk.unwrap().to_vec()).unwrap();
            self.ready.extend(text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()));
        }
        let line = self.ready.pop_front().unwrap();
        let object = &line["object"];
        let name = object["metadata"]["name"].as_str().or(object["reason"].as_str()).unwrap_or_default();
        let end = object["metadata"]["annotations"]["k8s.io/initial-events-end"].as_str();
        let end = if end == Some("true") { "(end of initial events)" } else { name };
        format!("{} {end}", line["type"].as_str().unwrap()).trim_end().to_owned()
    }

    pub(super) async fn expect(&mut self, lines: &[&str]) {
        for expected in lines {
            assert_eq!(self.next().await, *expected);
        }
    }
}

fn set() -> Value {
    let labels = json!({"app": "web"});
    let container = json!({"name": "c", "image": "i"});
    let template = json!({"metadata": {"labels": labels}, "spec": {"containers": [container]}});
    json!({"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {"name": "web"},
        "spec": {"serviceName": "web", "replicas": 2, "selector": {"matchLabels": labels}, "template": template}})
}

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

const JSON: &[(&str, &str)] = &[("content-type", "application/json")];
const MERGE: &[(&str, &str)] = &[("content-type", "application/merge-patch+json")];
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

#[tokio::test(start_paused = true)]
async fn a_write_that_changes_nothing_leaves_the_version() {
    let api = api().await;
    let (_, made) = ask(&api, "POST", SETS, &set()).await;
    let version = &made["metadata"]["resourceVersion"];
    let web = format!("{SETS}/web");
    for (method, path, body) in [
        ("PUT", &web, set()),
        ("PATCH", &web, json!({"spec": {"replicas": 2}})),
        ("PATCH", &format!("{web}/scale"), json!({"spec": {"replicas": 2}})),
        ("PATCH", &format!("{web}?dryRun=All"), json!({"spec": {"replicas": 7}})),
        ("PATCH", &format!("{web}/scale?dryRun=All"), json!({"spec": {"replicas": 7}})),
        ("DELETE", &format!("{web}?dryRun=All"), Value::Null),
    ] {
        let (code, answer) = ask(&api, method, path, &body).await;
        assert_eq!(code, 200, "{method} {path}: {answer}");
        let (_, now) = ask(&api, "GET", &web, &Value::Null).await;
        assert_eq!(&now["metadata"]["resourceVersion"], version, "{method} {path}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_dry_run_shows_what_would_be_and_leaves_nothing() {
    let api = api().await;
    let (code, shown) = ask(&api, "POST", &format!("{SETS}?dryRun=All"), &set()).await;
    assert_eq!((code, &shown["spec"]["podManagementPolicy"]), (201, &json!("OrderedReady")));
    assert_eq!(shown["metadata"]["resourceVersion"], Value::Null);
    assert_eq!(ask(&api, "GET", &format!("{SETS}/web"), &Value::Null).await.0, 404);
    assert_eq!(ask(&api, "POST", SETS, &set()).await.0, 201);
    let (code, shown) =
        ask(&api, "PATCH", &format!("{SETS}/web?dryRun=All"), &json!({"spec": {"replicas": 7}})).await;
    assert_eq!((code, &shown["spec"]["replicas"]), (200, &json!(7)));
}

#[tokio::test(start_paused = true)]
async fn a_scale_is_read_put_and_patched() {
    let api = api().await;
    ask(&api, "POST", SETS, &set()).await;
    let path = format!("{SETS}/web/scale");
    let (_, mut scale) = ask(&api, "GET", &path, &Value::Null).await;
    assert_eq!((&scale["kind"], &scale["status"]["selector"]), (&json!("Scale"), &json!("app=web")));
    scale["spec"]["replicas"] = 5.into();
    let (code, put) = ask(&api, "PUT", &path, &scale).await;
    assert_eq!((code, &put["spec"]["replicas"]), (200, &json!(5)));
    let (code, status) = ask(&api, "PUT", &path, &{
        scale["spec"]["replicas"] = 6.into();
        scale
    })
    .await;
    assert_eq!((code, &status["reason"]), (409, &json!("Conflict")), "the version is an old one");
    let (code, patched) = ask(&api, "PATCH", &path, &json!({"spec": {"replicas": 1}})).await;
    assert_eq!((code, &patched["spec"]["replicas"]), (200, &json!(1)));
}

#[tokio::test(start_paused = true)]
async fn an_unknown_field_of_a_patch_is_dropped_with_a_warning() {
    let api = api().await;
    ask(&api, "POST", SETS, &set()).await;
    let patch = json!({"spec": {"repplicas": 5, "replicas": 3}}).to_string();
    let response = send(&api, "PATCH", &format!("{SETS}/web"), MERGE, &patch).await;
    assert_eq!(response.headers()["warning"], "299 - \"unknown field \\\"spec.repplicas\\\"\"");
    assert_eq!(read(response).await.1["spec"]["replicas"], 3);
}

#[tokio::test(start_paused = true)]
async fn whoever_writes_what_will_not_work_is_warned_until_it_does() {
    let api = api().await;
    let warnings = |response: &Response| -> Vec<String> {
        let found = response.headers().get_all("warning").iter();
        found.map(|warning| warning.to_str().unwrap().to_owned()).collect()
    };
    let body = set().to_string();
    let missing = "299 - \"spec.serviceName: there is no Service \\\"web\\\" in namespace \\\"default\\\"";
    let apply: &[(&str, &str)] = &[("content-type", "application/apply-patch+yaml")];
    let web = format!("{SETS}/web");
    for (method, path, headers, body) in [
        ("POST", format!("{SETS}?dryRun=All"), &[("content-type", "application/json")][..], body.as_str()),
        ("POST", SETS.to_owned(), &[("content-type", "application/json")], &body),
        ("PATCH", web.clone(), MERGE, "{\"metadata\": {\"labels\": {\"a\": \"b\"}}}"),
        ("PATCH", format!("{web}?fieldManager=me&force=true"), apply, &body),
    ] {
        let response = send(&api, method, &path, headers, body).await;
        let found = warnings(&response);
        let is_told = found.len() == 1 && found[0].starts_with(missing) && found[0].contains("create it");
        assert!(
            response.status().is_success() && is_told,
            "{method} {path}: {} {found:?}",
            response.status()
        );
    }
    let scaled = send(&api, "PATCH", &format!("{web}/scale"), MERGE, "{\"spec\": {\"replicas\": 3}}").await;
    assert_eq!(warnings(&scaled), Vec::<String>::new());
    let service = |selector: &str| {
        json!({"metadata": {"name": "web"},
            "spec": {"clusterIP": "None", "ports": [{"port": 80}], "selector": {"app": selector}}})
    };
    let services = "/api/v1/namespaces/default/services";
    let json_body: &[(&str, &str)] = &[("content-type", "application/json")];
    let response = send(&api, "POST", services, json_body, &service("other").to_string()).await;
    let found = warnings(&response);
    assert!(found.len() == 1 && found[0].contains("make the selector match"), "{found:?}");
    let path = format!("{services}/web");
    let response = send(&api, "PATCH", &path, MERGE, &service("web").to_string()).await;
    assert_eq!(warnings(&response), Vec::<String>::new());
    let response = send(&api, "PATCH", &web, MERGE, "{\"spec\": {\"replicas\": 4}}").await;
    assert_eq!(warnings(&response), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn what_a_client_knows_of_an_earlier_life_is_gone() {
    let clock = Clock::starting_at(Timestamp::UNIX_EPOCH);
    let backend = crate::store::MemoryBackend::starting_after(1_000_000);
    let store =
        Store::new(Arc::new(backend), clock, StoreOptions { seed: Some(1), ..StoreOptions::default() });
    store.bootstrap(&Bootstrap::default()).await.unwrap();
    let api = api_over(store, Arc::new(NoStreams::because("")));
    make(&api, "a", "x").await;
    Lines::open(&api, &format!("{MAPS}?watch=true&resourceVersion=17"))
        .await
        .expect(&["ERROR Expired", "end"])
        .await;
    let exactly = format!("{MAPS}?resourceVersion=17&resourceVersionMatch=Exact");
    assert_eq!(ask(&api, "GET", &exactly, &Value::Null).await.0, 410);
    let (code, list) = ask(&api, "GET", &format!("{MAPS}?resourceVersion=17"), &Value::Null).await;
    let revision: u64 = list["metadata"]["resourceVersion"].as_str().unwrap().parse().unwrap();
    assert!(code == 200 && revision > 1_000_000, "{list}");
}

#[tokio::test(start_paused = true)]
async fn many_are_deleted_by_selector_and_names_are_generated() {
    let api = api().await;
    make(&api, "a", "x").await;
    make(&api, "b", "y").await;
    let (code, made) = ask(&api, "POST", MAPS, &json!({"metadata": {"generateName": "c-"}})).await;
    let generated = made["metadata"]["name"].as_str().unwrap().to_owned();
    assert!(code == 201 && generated.starts_with("c-") && generated.len() > 2, "{made}");
    let (code, told) = ask(&api, "DELETE", &format!("{MAPS}?labelSelector=app%3Dx"), &Value::Null).await;
    assert_eq!((code, told["items"].as_array().unwrap().len()), (200, 1));
    let (_, left) = ask(&api, "GET", MAPS, &Value::Null).await;
    let names: Vec<&str> = left["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|map| map["metadata"]["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["b", generated.as_str()]);
}

#[tokio::test(start_paused = true)]
async fn events_have_two_names() {
    let api = api().await;
    let event = json!({"metadata": {"name": "e"}, "note": "it happened", "reason": "Test", "type": "Normal",
        "eventTime": "2024-01-01T00:00:00.000000Z", "reportingController": "test", "reportingInstance": "i", "action": "a",
        "regarding": {"kind": "Pod", "namespace": "default", "name": "web-0"}});
    let path = "/apis/events.k8s.io/v1/namespaces/default/events";
    let (code, made) = ask(&api, "POST", &format!("{path}?fieldValidation=Strict"), &event).await;
    assert_eq!((code, &made["apiVersion"]), (201, &json!("events.k8s.io/v1")), "{made}");
    let (_, core) = ask(&api, "GET", "/api/v1/namespaces/default/events/e", &Value::Null).await;
    assert_eq!(core["message"], "it happened");
    let (_, list) =
        ask(&api, "GET", &format!("{path}?fieldSelector=regarding.name%3Dweb-0"), &Value::Null).await;
    assert_eq!(list["items"][0]["note"], "it happened");
}

#[tokio::test(start_paused = true)]
async fn documents_that_are_known_already_are_not_sent_again() {
    let api = api().await;
    let index = send(&api, "GET", "/openapi/v3", &[], "").await;
    let tag = index.headers()["etag"].to_str().unwrap().to_owned();
    assert_eq!(send(&api, "GET", "/openapi/v3", &[("if-none-match", &tag)], "").await.status(), 304);
    let (_, index) = read(index).await;
    for (path, found) in index["paths"].as_object().unwrap() {
        let document = send(&api, "GET", found["serverRelativeURL"].as_str().unwrap(), &[], "").await;
        assert_eq!(document.headers()["cache-control"], "public, immutable", "{path}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_body_that_does_not_arrive_is_not_waited_for_for_ever() {
    let api = api().await;
    let never =
        axum::body::Body::from_stream(futures_util::stream::pending::<Result<String, std::io::Error>>());
    let request = Request::builder().method("POST").uri(MAPS).body(never).unwrap();
    let started = api.now();
    let (code, _) = read(answer(State(api.clone()), request).await).await;
    assert_eq!((code, api.now().duration_since(started).as_secs()), (408, 30));
}

#[tokio::test(start_paused = true)]
async fn logs_tell_the_events_of_a_pod() {
    let api = api().await;
    let pod = json!({"metadata": {"name": "p"}, "spec": {"containers": [{"name": "c", "image": "i"}]}});
    assert_eq!(ask(&api, "POST", PODS, &pod).await.0, 201);
    let object = api.store.find::<k8s_openapi::api::core::v1::Pod>("default", "p").unwrap();
    for (reason, message) in [("Zeroth", "one"), ("Afterwards", "two")] {
        api.store.record("test", &object, crate::store::Severity::Normal, reason, message).await;
    }
    let log = |query: &str| {
        let (api, path) = (api.clone(), format!("{PODS}/p/log?{query}"));
        async move { ask(&api, "GET", &path, &Value::Null).await }
    };
    assert_eq!(log("").await, (200, json!("Normal Zeroth: one\nNormal Afterwards: two\n")));
    assert_eq!(log("tailLines=1&container=c").await, (200, json!("Normal Afterwards: two\n")));
    let expected = json!("1970-01-01T00:00:00Z Normal Afterwards: two\n");
    assert_eq!(log("tailLines=1&timestamps=true").await, (200, expected));
    assert_eq!(log("container=x").await.1["message"], "container x is not valid for pod p");
    assert_eq!(log("limitBytes=9").await, (200, json!("Normal Ze")));
    assert_eq!(log("limitBytes=0").await.0, 422);
    let previous = "previous terminated container \"c\" in pod \"p\" not found";
    assert_eq!(log("previous=true").await.1["message"], previous);
    let mut follow = send(&api, "GET", &format!("{PODS}/p/log?follow=true&tailLines=0"), &[], "")
        .await
        .into_body()
        .into_data_stream();
    api.store.record("test", &object, crate::store::Severity::Normal, "More", "three").await;
    assert_eq!(follow.next().await.unwrap().unwrap(), "Normal More: three\n");
    assert_eq!(ask(&api, "DELETE", &format!("{PODS}/p"), &Value::Null).await.0, 200);
    assert!(tokio::time::timeout(Duration::from_secs(1), follow.next()).await.unwrap().is_none());
}
