//! delete and deletecollection.

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::{Api, Call, Reply};
use crate::api::answer::rendering::Page;
use crate::api::answer::status::Failure;
use crate::api::request::body;
use crate::api::request::filter::Filter;
use crate::api::request::options;
use crate::objects::{Kind, Object};
use crate::store::Deleted;

/// Deletes the object at the path, or starts its graceful deletion.
pub(crate) async fn delete(api: &Api, call: &Call) -> Result<Reply, Failure> {
    let (options, is_dry_run) = options::delete(&call.query, &options_in(call)?)?;
    let key = call.path.key().ok_or_else(Failure::unknown_path)?;
    let deleted = api.store_for(is_dry_run).delete(&key, &options).await?;
    Ok(match deleted {
        // As in Kubernetes: the last version of a pod, a Status for other kinds.
        Deleted::Gone(object) if key.kind != Kind::Pod => Reply::ok(success(&object).to_string()),
        Deleted::Gone(object) | Deleted::Terminating(object) => call.show(StatusCode::OK, &object, api.now()),
    })
}

/// Deletes the objects of a collection that match the selectors, and returns them.
pub(crate) async fn delete_collection(api: &Api, call: &Call) -> Result<Reply, Failure> {
    if call.path.resource.kind == Kind::Namespace {
        return Err(Failure::wrong_method());
    }
    let (options, is_dry_run) = options::delete(&call.query, &options_in(call)?)?;
    let filter = Filter::parse(call.path.resource, &call.query)?;
    let store = api.store_for(is_dry_run);
    let mut objects = store.list(call.path.resource.kind, call.path.namespace.as_deref()).objects;
    objects.retain(|object| filter.matches(object));
    let mut told = Vec::new();
    for object in objects {
        match store.delete(object.key(), &options).await {
            Ok(Deleted::Gone(object) | Deleted::Terminating(object)) => told.push(object),
            // Deleted by somebody else meanwhile.
            Err(error) if error.is_not_found() => {}
            Err(error) => return Err(error.into()),
        }
    }
    let page = Page { revision: store.revision(), ..Page::default() };
    Ok(Reply::ok(call.rendering.list(&told, &page, api.now())))
}

fn options_in(call: &Call) -> Result<Value, Failure> {
    if call.body.is_empty() {
        return Ok(Value::Null);
    }
    let document = body::document(call.content_type.as_deref(), &call.body)?;
    if document.is_object() || document.is_null() {
        return Ok(document);
    }
    Err(Failure::bad_request("the options of a deletion must be an object"))
}

fn success(object: &Object) -> Value {
    let info = object.kind().info();
    let mut details = json!({"name": object.name(), "kind": info.plural, "uid": object.uid()});
    if !info.group.is_empty() {
        details["group"] = info.group.into();
    }
    json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details})
}
