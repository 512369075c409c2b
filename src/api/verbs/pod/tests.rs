//! Evictions: what is written before the deletion, and what must hold for that.

use std::sync::Arc;

use serde_json::{Value, json};

use super::super::tests::{PODS, api, ask};
use super::*;

/// An API with a pod in this phase on a node; the finalizer keeps what is left of it.
async fn with_pod(phase: &str) -> Arc<Api> {
    let api = api().await;
    let pod = json!({"metadata": {"name": "p", "finalizers": ["test.dullahan.dev/keep"]},
        "spec": {"nodeName": "n", "containers": [{"name": "c", "image": "i"}]}});
    assert_eq!(ask(&api, "POST", PODS, &pod).await.0, 201);
    let status = json!({"status": {"phase": phase}});
    assert_eq!(ask(&api, "PATCH", &format!("{PODS}/p/status"), &status).await.0, 200);
    api
}

async fn pod(api: &Arc<Api>) -> Value {
    ask(api, "GET", &format!("{PODS}/p"), &Value::Null).await.1
}

async fn evict_with(api: &Arc<Api>, options: Value) -> (u16, Value) {
    let eviction = json!({"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": "p"},
        "deleteOptions": options});
    ask(api, "POST", &format!("{PODS}/p/eviction"), &eviction).await
}

/// Status, reason and message of the condition that tells why the pod goes.
fn target(pod: &Value) -> Option<String> {
    let conditions = pod["status"]["conditions"].as_array()?;
    let target = conditions.iter().find(|condition| condition["type"] == "DisruptionTarget")?;
    Some(format!("{} {} {}", target["status"], target["reason"], target["message"]).replace('"', ""))
}

#[tokio::test(start_paused = true)]
async fn an_evicted_pod_tells_why_it_goes_whatever_its_phase() {
    for (phase, grace_s) in [("Running", 30), ("Pending", 30), ("Succeeded", 0), ("Failed", 0)] {
        let api = with_pod(phase).await;
        let (code, answer) = evict_with(&api, Value::Null).await;
        assert_eq!((code, &answer["status"]), (201, &json!("Success")), "{phase}: {answer}");
        let pod = pod(&api).await;
        assert_eq!(target(&pod).as_deref(), Some("True EvictionByEvictionAPI Eviction API: evicting"));
        assert_eq!(pod["metadata"]["deletionGracePeriodSeconds"], grace_s, "{phase}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_precondition_holds_for_the_pod_as_it_was_read() {
    let api = with_pod("Running").await;
    let before = pod(&api).await;
    for (precondition, message) in [
        (json!({"uid": "other"}), "the UID in the precondition (other) does not match the UID in record"),
        (json!({"resourceVersion": "1"}), "the ResourceVersion in the precondition (1) does not match"),
    ] {
        let (code, answer) = evict_with(&api, json!({"preconditions": precondition})).await;
        assert_eq!((code, &answer["reason"]), (409, &json!("Conflict")), "{answer}");
        assert!(answer["message"].as_str().unwrap().contains(message), "{answer}");
        assert_eq!(pod(&api).await, before, "nothing is written");
    }
    let meta = &before["metadata"];
    let both = json!({"uid": meta["uid"], "resourceVersion": meta["resourceVersion"]});
    let (code, answer) = evict_with(&api, json!({"preconditions": both})).await;
    assert_eq!(code, 201, "{answer}");
    let after = pod(&api).await;
    assert!(after["metadata"]["deletionTimestamp"].is_string() && target(&after).is_some(), "{after}");
}

#[tokio::test(start_paused = true)]
async fn a_dry_run_checks_and_writes_nothing() {
    let api = with_pod("Running").await;
    let before = pod(&api).await;
    let (code, answer) = evict_with(&api, json!({"dryRun": ["All"]})).await;
    assert_eq!(code, 201, "{answer}");
    let stale = json!({"dryRun": ["All"], "preconditions": {"resourceVersion": "1"}});
    assert_eq!(evict_with(&api, stale).await.0, 409);
    assert_eq!(pod(&api).await, before);
}

#[tokio::test(start_paused = true)]
async fn an_eviction_of_another_or_of_nothing_is_refused() {
    let api = with_pod("Running").await;
    let path = format!("{PODS}/p/eviction");
    let (code, answer) = ask(&api, "POST", &path, &json!({"metadata": {"name": "q"}})).await;
    let message = "name in URL does not match name in Eviction object: q";
    assert_eq!((code, answer["message"].as_str()), (400, Some(message)));
    let missing = json!({"metadata": {"name": "q"}});
    assert_eq!(ask(&api, "POST", &format!("{PODS}/q/eviction"), &missing).await.0, 404);
}
