//! Server-side apply over HTTP: to an object, and to its status.

use serde_json::{Value, json};

use super::{PODS, api, ask, read, send};

const APPLY: &[(&str, &str)] = &[("content-type", "application/apply-patch+yaml")];

fn status(conditions: &[(&str, &str)]) -> Value {
    let conditions: Vec<Value> =
        conditions.iter().map(|(kind, status)| json!({"type": kind, "status": status})).collect();
    json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web-0", "labels": {"not": "applied"}},
        "spec": {"nodeName": "not-applied"}, "status": {"conditions": conditions}})
}

/// The conditions of a pod, such as `a=True`.
fn conditions(pod: &Value) -> Vec<String> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let of = |condition: &Value| format!("{}={}", text(&condition["type"]), text(&condition["status"]));
    pod["status"]["conditions"].as_array().into_iter().flatten().map(of).collect()
}

#[tokio::test(start_paused = true)]
async fn a_status_that_is_applied_is_there_and_belongs_to_its_manager() {
    let api = api().await;
    let pod = json!({"metadata": {"name": "web-0"}, "spec": {"containers": [{"name": "c", "image": "i"}]}});
    let (code, created) = ask(&api, "POST", PODS, &pod).await;
    assert_eq!(code, 201, "{created}");
    let path = |manager: &str| format!("{PODS}/web-0/status?fieldManager={manager}");
    let apply = async |manager: &str, body: &Value| {
        read(send(&api, "PATCH", &path(manager), APPLY, &body.to_string()).await).await
    };
    let (code, applied) = apply("me", &status(&[("a", "True"), ("b", "True")])).await;
    assert_eq!((code, conditions(&applied)), (200, vec!["a=True".to_owned(), "b=True".to_owned()]));
    let others = ["labels", "spec"].map(|field| match field {
        "spec" => (applied[field].clone(), created[field].clone()),
        field => (applied["metadata"][field].clone(), created["metadata"][field].clone()),
    });
    for (applied, created) in others {
        assert_eq!(applied, created, "only the status is applied");
    }
    let entries = applied["metadata"]["managedFields"].as_array().cloned().unwrap_or_default();
    let mine = entries.iter().find(|entry| entry["manager"] == "me").unwrap_or(&Value::Null);
    assert_eq!(
        (&mine["operation"], &mine["subresource"]),
        (&json!("Apply"), &json!("status")),
        "{entries:?}"
    );
    assert!(mine["fieldsV1"]["f:status"]["f:conditions"].is_object(), "{mine}");

    let (_, pod) = apply("me", &status(&[("a", "True")])).await;
    assert_eq!(conditions(&pod), ["a=True"], "what its manager applies no longer is gone");
    let (code, refused) = apply("other", &status(&[("a", "False")])).await;
    assert_eq!((code, &refused["reason"]), (409, &json!("Conflict")), "{refused}");
    let (code, pod) = apply("other&force=true", &status(&[("a", "False")])).await;
    assert_eq!((code, conditions(&pod)), (200, vec!["a=False".to_owned()]));
    let (_, again) = apply("other&force=true", &status(&[("a", "False")])).await;
    assert_eq!(again["metadata"]["resourceVersion"], pod["metadata"]["resourceVersion"]);
}

#[tokio::test(start_paused = true)]
async fn a_status_cannot_be_applied_to_what_is_not_there() {
    let api = api().await;
    let path = format!("{PODS}/web-0/status?fieldManager=me");
    let (code, refused) = read(send(&api, "PATCH", &path, APPLY, &status(&[]).to_string()).await).await;
    assert_eq!((code, &refused["reason"]), (404, &json!("NotFound")), "{refused}");
}

#[tokio::test(start_paused = true)]
async fn a_status_that_is_put_belongs_to_who_puts_it() {
    let api = api().await;
    let pod = json!({"metadata": {"name": "web-0"}, "spec": {"containers": [{"name": "c", "image": "i"}]}});
    let (_, mut pod) = ask(&api, "POST", PODS, &pod).await;
    pod["status"]["message"] = "hello".into();
    let (code, put) = ask(&api, "PUT", &format!("{PODS}/web-0/status?fieldManager=me"), &pod).await;
    assert_eq!((code, &put["status"]["message"]), (200, &json!("hello")));
    let entries = put["metadata"]["managedFields"].as_array().cloned().unwrap_or_default();
    let mine = entries.iter().find(|entry| entry["manager"] == "me").unwrap_or(&Value::Null);
    assert_eq!(
        (&mine["operation"], &mine["subresource"]),
        (&json!("Update"), &json!("status")),
        "{entries:?}"
    );
}
