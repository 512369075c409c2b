//! Requests as HTTP brings them, answered without a socket.

mod apply;
mod refusals;

use std::sync::Arc;

use axum::extract::Request;
use axum::response::Response;
use futures_util::StreamExt;
use serde_json::{Value, json};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use super::Api;
use super::dispatch::answer;
use super::stream::STREAMS_MAX;
use super::watches::Watches;
use crate::api::request::path;
use crate::api::streams::refusal::NoStreams;
use crate::clock::{Clock, Timestamp};
use crate::store::{Bootstrap, Store, StoreOptions};
use crate::streaming::ContainerStreams;

pub(super) const MAPS: &str = "/api/v1/namespaces/default/configmaps";
const SETS: &str = "/apis/apps/v1/namespaces/default/statefulsets";
pub(super) const PODS: &str = "/api/v1/namespaces/default/pods";

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
    answered(api, request).await
}

pub(super) async fn answered(api: &Arc<Api>, request: Request) -> Response {
    let target = path::parse(request.uri().path());
    answer(api, target, request).await
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

const JSON: &[(&str, &str)] = &[("content-type", "application/json")];
const MERGE: &[(&str, &str)] = &[("content-type", "application/merge-patch+json")];

fn set() -> Value {
    let labels = json!({"app": "web"});
    let container = json!({"name": "c", "image": "i"});
    let template = json!({"metadata": {"labels": labels}, "spec": {"containers": [container]}});
    json!({"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {"name": "web"},
        "spec": {"serviceName": "web", "replicas": 2, "selector": {"matchLabels": labels}, "template": template}})
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
    // kubectl wants the older document for kinds that the newer ones do not have.
    let protobuf = [("accept", "application/com.github.proto-openapi.spec.v2@v1.0+protobuf")];
    let older = send(&api, "GET", "/openapi/v2", &protobuf, "").await;
    let content_type = older.headers()["content-type"].to_str().unwrap();
    assert!(content_type.ends_with("proto-openapi.spec.v2.v1.0+protobuf"), "{content_type}");
    let (_, older) = read(send(&api, "GET", "/openapi/v2", &[], "").await).await;
    assert_eq!((&older["swagger"], &older["paths"]), (&json!("2.0"), &json!({})));
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
    let (code, _) = read(answered(&api, request).await).await;
    assert_eq!((code, api.now().duration_since(started).as_secs()), (408, 30));
}
