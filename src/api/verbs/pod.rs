//! The `eviction` subresource of pods.

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::{Api, Call, Reply, list};
use crate::api::answer::status::Failure;
use crate::api::request::body;
use crate::api::request::options;
use crate::objects::ObjectKey;

/// Deletes the pod as the Eviction in the body says.
pub(crate) async fn evict(api: &Api, call: &Call) -> Result<Reply, Failure> {
    let eviction = body::document(call.content_type.as_deref(), &call.body)?;
    let key = call.path.key().ok_or_else(Failure::unknown_path)?;
    check_name(&eviction, &key)?;
    let (mut options, is_dry_run) = options::delete(&call.query, &eviction["deleteOptions"])?;
    let pod = list::find(&api.store, &call.path)?;
    options.uid.get_or_insert_with(|| pod.uid().to_owned());
    let store = api.store_for(is_dry_run);
    store.delete(&key, &options).await?;
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
