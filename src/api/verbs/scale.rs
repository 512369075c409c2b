//! The `scale` subresource: `autoscaling/v1` Scale of a StatefulSet.

use axum::http::StatusCode;
use k8s_openapi::api::apps::v1::StatefulSet;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use serde_json::{Value, json};

use super::{Api, Call, Reply, list};
use crate::api::answer::status::{Cause, Failure};
use crate::api::request::{body, options};
use crate::machinery::patch;
use crate::objects::Object;
use crate::store::{Defaulted, StoreError};

/// How many times a scale is written while others write the same set.
const ATTEMPTS_MAX: usize = 16;

/// The scale of the set at the path.
pub(crate) fn get(api: &Api, call: &Call) -> Result<Reply, Failure> {
    let set = list::find(&api.store, &call.path)?;
    Ok(Reply::ok(scale_of(&set).to_string()))
}

/// Sets the replicas of the Scale in the body.
pub(crate) async fn update(api: &Api, call: &Call) -> Result<Reply, Failure> {
    let wanted = body::document(call.content_type.as_deref(), &call.body)?;
    check_scale(call, &wanted)?;
    write(api, call, |_| Ok(wanted.clone())).await
}

/// Patches the Scale and sets its replicas.
pub(crate) async fn patch(api: &Api, call: &Call) -> Result<Reply, Failure> {
    let patch = serde_json::from_slice::<Value>(&call.body)
        .map_err(|error| Failure::bad_request(format!("error decoding patch: {error}")))?;
    let media_type = body::media_type(call.content_type.as_deref());
    write(api, call, |scale| {
        let patched = match media_type.as_str() {
            "application/json-patch+json" => patch::json_patch(scale, &patch),
            // A Scale has no lists, so the two are the same.
            "application/merge-patch+json" | "application/strategic-merge-patch+json" => {
                patch::merge_patch(scale, &patch)
            }
            _ => {
                return Err(Failure::unsupported(&[
                    "application/json-patch+json",
                    "application/merge-patch+json",
                    "application/strategic-merge-patch+json",
                ]));
            }
        };
        patched.map_err(|error| Failure::bad_request(error.to_string()))
    })
    .await
}

async fn write(
    api: &Api,
    call: &Call,
    wanted: impl Fn(&Value) -> Result<Value, Failure>,
) -> Result<Reply, Failure> {
    let options = options::write(&call.query, &call.user_agent)?;
    let store = api.store_for(options.is_dry_run);
    let mut attempt = 0;
    loop {
        attempt += 1;
        let live = list::find(&api.store, &call.path)?;
        let scale = scale_of(&live);
        let wanted = wanted(&scale)?;
        let replicas = replicas(&live, &wanted)?;
        check_version(&live, &wanted)?;
        let Some(mut set) = live.get::<StatefulSet>().cloned() else { return Err(Failure::unknown_path()) };
        if set.spec.replicas == Some(replicas) {
            return Ok(Reply::ok(scale.to_string()));
        }
        set.spec.replicas = Some(replicas);
        set.metadata.resource_version = Some(live.revision().to_string());
        let mut set = Defaulted::from(set);
        let (old, new) = (body::value_of(&live), body::to_value(set.typed()));
        let (manager, now) = (&options.manager, api.now());
        set.set_managers(patch::track_managers(Some(&old), &new, manager, "Update", "scale", now));
        match store.update(set).await {
            Err(StoreError::Conflict { .. }) if attempt < ATTEMPTS_MAX => {}
            other => return Ok(Reply::json(StatusCode::OK, scale_of(&other?).to_string())),
        }
    }
}

fn check_scale(call: &Call, wanted: &Value) -> Result<(), Failure> {
    let kind = wanted["kind"].as_str().unwrap_or("Scale");
    if kind != "Scale" {
        return Err(Failure::bad_request(format!("{kind} cannot be handled as a Scale")));
    }
    let name = wanted["metadata"]["name"].as_str().unwrap_or_default();
    let expected = call.path.name.as_deref().unwrap_or_default();
    if !name.is_empty() && name != expected {
        return Err(Failure::bad_request(format!(
            "the name of the object ({name}) does not match the name on the URL ({expected})"
        )));
    }
    Ok(())
}

fn replicas(live: &Object, wanted: &Value) -> Result<i32, Failure> {
    let invalid = |message: String| {
        let cause = Cause("FieldValueInvalid", message, "spec.replicas".into());
        Failure::invalid("autoscaling", "Scale", live.name(), vec![cause])
    };
    let replicas = match &wanted["spec"]["replicas"] {
        Value::Null => 0,
        Value::Number(number) => number
            .as_i64()
            .and_then(|number| i32::try_from(number).ok())
            .ok_or_else(|| invalid(format!("Invalid value: {number}: must be an integer of 32 bits")))?,
        other => return Err(Failure::bad_request(format!("spec.replicas: expected a number, got {other}"))),
    };
    if replicas < 0 {
        return Err(invalid(format!("Invalid value: {replicas}: must be greater than or equal to 0")));
    }
    Ok(replicas)
}

/// A resourceVersion in the Scale is a precondition.
fn check_version(live: &Object, wanted: &Value) -> Result<(), Failure> {
    let version = wanted["metadata"]["resourceVersion"].as_str().unwrap_or_default();
    if version.is_empty() || version == live.revision().to_string() {
        return Ok(());
    }
    let reason =
        "the object has been modified; please apply your changes to the latest version and try again";
    Err(StoreError::Conflict { key: live.key().clone(), reason: reason.into() }.into())
}

fn scale_of(object: &Object) -> Value {
    let set = object.get::<StatefulSet>();
    let meta = object.meta();
    let status = set.and_then(|set| set.status.as_ref());
    json!({
        "kind": "Scale", "apiVersion": "autoscaling/v1",
        "metadata": {
            "name": object.name(), "namespace": object.namespace(), "uid": object.uid(),
            "resourceVersion": object.revision().to_string(), "creationTimestamp": meta.creation_timestamp,
        },
        "spec": {"replicas": set.and_then(|set| set.spec.replicas).unwrap_or(1)},
        "status": {
            "replicas": status.map_or(0, |status| status.replicas),
            "selector": set.map(|set| text_of(&set.spec.selector)).unwrap_or_default(),
        },
    })
}

/// A selector in the syntax of a query.
fn text_of(selector: &LabelSelector) -> String {
    let labels = selector.match_labels.iter().flatten().map(|(key, value)| format!("{key}={value}"));
    let expressions = selector.match_expressions.iter().flatten().map(|expression| {
        let (key, values) = (&expression.key, expression.values.clone().unwrap_or_default().join(","));
        match expression.operator.as_str() {
            "In" => format!("{key} in ({values})"),
            "NotIn" => format!("{key} notin ({values})"),
            "DoesNotExist" => format!("!{key}"),
            _ => key.clone(),
        }
    });
    labels.chain(expressions).collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_selector_is_written_as_a_query_has_it() {
        let selector: LabelSelector = serde_json::from_value(json!({
            "matchLabels": {"app": "web", "tier": "db"},
            "matchExpressions": [{"key": "a", "operator": "In", "values": ["x", "y"]}, {"key": "b", "operator": "Exists"},
                {"key": "c", "operator": "DoesNotExist"}, {"key": "d", "operator": "NotIn", "values": ["z"]}],
        }))
        .unwrap();
        assert_eq!(text_of(&selector), "app=web,tier=db,a in (x,y),b,!c,d notin (z)");
    }
}
