//! Logs of a simulated container, to their end, as a node gives them.

use axum::body::BodyDataStream;
use futures_util::StreamExt;
use serde_json::{Value, json};

use super::super::tests::{PODS, api, api_over, ask, send};
use super::*;
use crate::node::NodeServer;
use crate::node::runtime::simulated::{Simulated, SimulatedOptions};
use crate::store::Severity;

async fn api_with_pod() -> Arc<Api> {
    let store = api().await.store.clone();
    let runtime = Simulated::new(store.clock().clone(), SimulatedOptions::default());
    let api = api_over(store.clone(), Arc::new(NodeServer::new(store, Arc::new(runtime))));
    let pod = json!({"metadata": {"name": "p"}, "spec": {"containers": [{"name": "c", "image": "i"}]}});
    assert_eq!(ask(&api, "POST", PODS, &pod).await.0, 201);
    api
}

async fn follow(api: &Arc<Api>) -> BodyDataStream {
    let path = format!("{PODS}/p/log?follow=true&tailLines=0");
    send(api, "GET", &path, &[], "").await.into_body().into_data_stream()
}

async fn record(api: &Arc<Api>, reason: &str, message: &str) {
    let object = api.store.find::<Pod>("default", "p").unwrap();
    api.store.record("test", &object, Severity::Normal, reason, message).await;
}

async fn set_status(api: &Arc<Api>, container: Value) {
    let status = json!({"status": {"phase": "Running", "containerStatuses": [container]}});
    let (code, told) = ask(api, "PATCH", &format!("{PODS}/p/status"), &status).await;
    assert_eq!(code, 200, "{told}");
}

fn running(n_restarts: i32) -> Value {
    json!({"name": "c", "image": "i", "imageID": "", "ready": true, "restartCount": n_restarts,
        "state": {"running": {"startedAt": "2024-01-01T00:01:00Z"}}})
}

fn restarted() -> Value {
    let mut status = running(1);
    status["lastState"] = json!({"terminated": {"exitCode": 137, "reason": "OOMKilled",
        "startedAt": "2024-01-01T00:00:00Z", "finishedAt": "2024-01-01T00:00:59Z"}});
    status
}

async fn is_over(log: &mut BodyDataStream) -> bool {
    matches!(tokio::time::timeout(std::time::Duration::from_secs(1), log.next()).await, Ok(None))
}

#[tokio::test(start_paused = true)]
async fn logs_tell_the_events_of_a_pod() {
    let api = api_with_pod().await;
    for (reason, message) in [("Zeroth", "one"), ("Afterwards", "two")] {
        record(&api, reason, message).await;
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
    let mut followed = follow(&api).await;
    record(&api, "More", "three").await;
    assert_eq!(followed.next().await.unwrap().unwrap(), "Normal More: three\n");
    assert_eq!(ask(&api, "DELETE", &format!("{PODS}/p"), &Value::Null).await.0, 200);
    assert!(is_over(&mut followed).await);
}

#[tokio::test(start_paused = true)]
async fn the_log_of_a_pod_on_a_node_that_is_down_cannot_be_had() {
    let api = api_with_pod().await;
    let node = json!({"metadata": {"name": "n"}});
    assert_eq!(ask(&api, "POST", "/api/v1/nodes", &node).await.0, 201);
    let status = json!({"status": {"addresses": [{"type": "InternalIP", "address": "10.0.0.7"}]}});
    assert_eq!(ask(&api, "PATCH", "/api/v1/nodes/n/status", &status).await.0, 200);
    let pod = json!({"metadata": {"name": "on-n"},
        "spec": {"nodeName": "n", "containers": [{"name": "c", "image": "i"}]}});
    assert_eq!(ask(&api, "POST", PODS, &pod).await.0, 201);
    let log = |name: &str, query: &str| {
        let (api, path) = (api.clone(), format!("{PODS}/{name}/log?{query}"));
        async move { ask(&api, "GET", &path, &Value::Null).await }
    };
    assert_eq!(log("on-n", "").await.0, 200);
    let down = json!({"metadata": {"annotations": {"simulated.dullahan.dev/down": "true"}}});
    assert_eq!(ask(&api, "PATCH", "/api/v1/nodes/n", &down).await.0, 200);
    for (query, told) in [("container=c", ""), ("tailLines=5&follow=true", "?follow=true&tailLines=5")] {
        let (code, status) = log("on-n", query).await;
        let expected = format!(
            "Get \"https://10.0.0.7:10250/containerLogs/default/on-n/c{told}\": dial tcp 10.0.0.7:10250: \
             connect: connection refused"
        );
        assert_eq!((code, &status["message"], &status["reason"]), (500, &json!(expected), &Value::Null));
    }
    assert_eq!(log("on-n", "container=x").await.0, 400, "what is wrong is told before");
    assert_eq!(log("p", "").await.0, 200, "a pod of no node has only its events");
}

#[tokio::test(start_paused = true)]
async fn the_run_before_the_last_restart_has_a_log_of_its_own() {
    let api = api_with_pod().await;
    set_status(&api, restarted()).await;
    let previous =
        ask(&api, "GET", &format!("{PODS}/p/log?previous=true&timestamps=true"), &Value::Null).await;
    let expected = "2024-01-01T00:00:00Z Started container c\n\
                    2024-01-01T00:00:59Z Container c ended (OOMKilled), exit code 137\n";
    assert_eq!(previous, (200, json!(expected)));
}

#[tokio::test(start_paused = true)]
async fn a_log_that_is_followed_ends_with_its_run() {
    let ended = json!({"name": "c", "image": "i", "imageID": "", "ready": false, "restartCount": 0,
        "state": {"terminated": {"exitCode": 0, "finishedAt": "2024-01-01T00:02:00Z"}}});
    for next in [restarted(), ended] {
        let api = api_with_pod().await;
        set_status(&api, running(0)).await;
        let mut log = follow(&api).await;
        record(&api, "Working", "still there").await;
        assert_eq!(log.next().await.unwrap().unwrap(), "Normal Working: still there\n");
        set_status(&api, next.clone()).await;
        assert!(is_over(&mut log).await, "{next}");
    }
}
