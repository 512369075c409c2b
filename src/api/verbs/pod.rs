//! The `eviction` subresource of pods.

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::{Api, Call, Reply};
use crate::api::answer::status::Failure;
use crate::api::request::body;
use crate::api::request::options;
use crate::objects::{ObjectKey, pod};

/// Why the pod goes (Kubernetes document "Disruptions").
const REASON: &str = "EvictionByEvictionAPI";
const MESSAGE: &str = "Eviction API: evicting";

/// Deletes the pod as the Eviction in the body says. Whatever state it is in, its status tells why; of
/// a dry run only the deletion is rehearsed, as the API server does it.
pub(crate) async fn evict(api: &Api, call: &Call) -> Result<Reply, Failure> {
    let eviction = body::document(call.content_type.as_deref(), &call.body)?;
    let key = call.path.key().ok_or_else(Failure::unknown_path)?;
    check_name(&eviction, &key)?;
    let (options, is_dry_run) = options::delete(&call.query, &eviction["deleteOptions"])?;
    let store = api.store_for(is_dry_run);
    if is_dry_run {
        store.delete(&key, &options).await?;
    } else {
        let now = api.now();
        store.evict(&key, &options, |pod| pod::disrupt(pod, REASON, MESSAGE, now)).await?;
    }
    let status =
        json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201});
    Ok(Reply::json(StatusCode::CREATED, status.to_string()))
}

fn check_name(eviction: &Value, key: &ObjectKey) -> Result<(), Failure> {
    let name = eviction["metadata"]["name"].as_str().unwrap_or_default();
    if name.is_empty() || name == key.name {
        return Ok(());
    }
    Err(Failure::bad_request(format!("name in URL does not match name in Eviction object: {name}")))
}

#[cfg(test)]
mod tests;
