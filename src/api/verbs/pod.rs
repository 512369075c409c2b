//! The `eviction` subresource of pods.

use axum::http::StatusCode;
use k8s_openapi::api::core::v1::{Pod, PodCondition};
use serde_json::{Value, json};

use super::{Api, Call, Reply, list};
use crate::api::answer::status::Failure;
use crate::api::request::body;
use crate::api::request::options;
use crate::clock::Timestamp;
use crate::objects::{Object, ObjectKey, pod, time};

/// Deletes the pod as the Eviction in the body says.
pub(crate) async fn evict(api: &Api, call: &Call) -> Result<Reply, Failure> {
    let eviction = body::document(call.content_type.as_deref(), &call.body)?;
    let key = call.path.key().ok_or_else(Failure::unknown_path)?;
    check_name(&eviction, &key)?;
    let (mut options, is_dry_run) = options::delete(&call.query, &eviction["deleteOptions"])?;
    let pod = list::find(&api.store, &call.path)?;
    options.uid.get_or_insert_with(|| pod.uid().to_owned());
    let store = api.store_for(is_dry_run);
    if is_disrupted(&pod) {
        let now = store.clock().now();
        store.modify_status::<Pod>(&key, |pod| disrupt(pod, now)).await?;
    }
    store.delete(&key, &options).await?;
    let status =
        json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201});
    Ok(Reply::json(StatusCode::CREATED, status.to_string()))
}

/// Whether an eviction takes something away: a pod that has not begun, has ended or is being deleted
/// is only deleted.
fn is_disrupted(object: &Object) -> bool {
    let runs = |one: &Pod| !pod::has_ended(one) && pod::phase(one) != "Pending";
    !object.is_terminating() && object.get::<Pod>().is_some_and(runs)
}

/// Sets the condition that tells why the pod goes (Kubernetes document "Disruptions").
fn disrupt(pod: &mut Pod, now: Timestamp) {
    let conditions = pod.status.get_or_insert_default().conditions.get_or_insert_default();
    conditions.retain(|condition| condition.type_ != "DisruptionTarget");
    conditions.push(PodCondition {
        type_: "DisruptionTarget".to_owned(),
        status: "True".to_owned(),
        reason: Some("EvictionByEvictionAPI".to_owned()),
        message: Some("Eviction API: evicting".to_owned()),
        last_transition_time: Some(time(now)),
        ..Default::default()
    });
}

fn check_name(eviction: &Value, key: &ObjectKey) -> Result<(), Failure> {
    let name = eviction["metadata"]["name"].as_str().unwrap_or_default();
    if name.is_empty() || name == key.name {
        return Ok(());
    }
    Err(Failure::bad_request(format!("name in URL does not match name in Eviction object: {name}")))
}
