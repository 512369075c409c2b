//! create, update and patch, of an object or its subresources `status` and `finalize`.
//!
//! A patch without a resourceVersion is applied again on conflict. A write that changes nothing
//! keeps the resourceVersion.

use axum::http::StatusCode;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ManagedFieldsEntry;
use serde_json::Value;

use super::{Api, Call, Reply, advice, list};
use crate::api::answer::status::{Cause, Failure};
use crate::api::request::body::{self, Origin};
use crate::api::request::go_json;
use crate::api::request::options::{self, FieldValidation, WriteOptions};
use crate::machinery::patch::{self, ApplyError, PatchError};
use crate::objects::{Kind, Object, Typed};
use crate::store::{Defaulted, Store, StoreError};

/// The part of an object that is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    Main,
    Status,
    Finalizers,
}

/// How many times a patch is applied while others write the same object.
const ATTEMPTS_MAX: usize = 16;

/// The media types of patches, in the API server's order.
const PATCH_TYPES: [&str; 4] = [
    "application/json-patch+json",
    "application/merge-patch+json",
    "application/strategic-merge-patch+json",
    "application/apply-patch+yaml",
];

impl Part {
    /// The subresource in `metadata.managedFields`.
    fn subresource(self) -> &'static str {
        match self {
            Self::Main => "",
            Self::Status => "status",
            Self::Finalizers => "finalize",
        }
    }

    async fn write(self, store: &Store, typed: Typed) -> Result<Object, StoreError> {
        match self {
            Self::Main => store.update(typed).await,
            Self::Status => store.update_status(typed).await,
            Self::Finalizers => store.update_finalizers(typed).await,
        }
    }
}

/// Creates the object in the body.
pub(crate) async fn create(api: &Api, call: &Call) -> Result<Reply, Failure> {
    let options = options::write(&call.query, &call.user_agent)?;
    let document = body::document_for(call.path.resource, call.content_type.as_deref(), &call.body)?;
    let sent = body::object(&call.path, document, options.field_validation, Origin::Body)?;
    check_unversioned(&sent.typed)?;
    let mut new = Defaulted::from(sent.typed);
    new.set_managers(managers(api, None, new.typed(), &options, Part::Main));
    create_new(api, call, &options, new, sent.warnings).await
}

fn check_unversioned(new: &Typed) -> Result<(), Failure> {
    if new.meta().resource_version.as_deref().is_some_and(|version| !version.is_empty()) {
        return Err(Failure::bad_request("resourceVersion should not be set on objects to be created"));
    }
    Ok(())
}

async fn create_new(
    api: &Api,
    call: &Call,
    options: &WriteOptions,
    new: Defaulted,
    warnings: Vec<String>,
) -> Result<Reply, Failure> {
    let object = api.store_for(options.is_dry_run).create(new).await?;
    let object = if options.is_dry_run { Object::unversioned(object.typed().clone()) } else { object };
    let told = [warnings, advice::on(api, object.typed())].concat();
    Ok(call.show(StatusCode::CREATED, &object, api.now()).warning(told))
}

/// Replaces the object at the path by the one in the body.
pub(crate) async fn update(api: &Api, call: &Call, part: Part) -> Result<Reply, Failure> {
    let options = options::write(&call.query, &call.user_agent)?;
    let document = body::document_for(call.path.resource, call.content_type.as_deref(), &call.body)?;
    if document["metadata"]["name"].as_str().unwrap_or_default().is_empty() && document.is_object() {
        let info = call.path.resource.kind.info();
        let cause = Cause(
            "FieldValueRequired",
            "Required value: name must be provided".into(),
            "metadata.name".into(),
        );
        return Err(Failure::invalid(call.path.resource.group(), info.name, "", vec![cause]));
    }
    let sent = body::object(&call.path, document, options.field_validation, Origin::Body)?;
    let live = list::find(&api.store, &call.path)?;
    let object = replace(api, &live, sent.typed, &options, part).await?;
    Ok(written(api, call, &object, sent.warnings, part))
}

/// The response to a successful write.
fn written(api: &Api, call: &Call, object: &Object, mut warnings: Vec<String>, part: Part) -> Reply {
    if part == Part::Main {
        warnings.extend(advice::on(api, object.typed()));
    }
    call.show(StatusCode::OK, object, api.now()).warning(warnings)
}

/// Patches the object at the path.
pub(crate) async fn patch(api: &Api, call: &Call, part: Part) -> Result<Reply, Failure> {
    let options = options::write(&call.query, &call.user_agent)?;
    let patch = Patch::parse(call)?;
    if let Patch::Apply(applied) = &patch {
        return apply(api, call, &options, part, applied).await;
    }
    for attempt in 1.. {
        let live = list::find(&api.store, &call.path)?;
        let old = body::document_of(call.path.resource, &live);
        let new = patch.apply_to(call.path.resource.kind, &old)?;
        let is_version_meant = new["metadata"]["resourceVersion"] != old["metadata"]["resourceVersion"];
        let sent = body::object(&call.path, new, options.field_validation, Origin::Patch)?;
        let mut typed = sent.typed;
        if typed.meta().resource_version.is_none() {
            typed.meta_mut().resource_version = Some(live.revision().to_string());
        }
        match replace(api, &live, typed, &options, part).await {
            Err(failure) if failure.reason == "Conflict" && !is_version_meant && attempt < ATTEMPTS_MAX => {}
            other => return Ok(written(api, call, &other?, sent.warnings, part)),
        }
    }
    Err(Failure::internal("a patch conflicted with other writes too often"))
}

/// Server-side apply: the body is what the manager wants; other managers' fields stay.
async fn apply(
    api: &Api,
    call: &Call,
    options: &WriteOptions,
    part: Part,
    applied: &Value,
) -> Result<Reply, Failure> {
    if call.query.get("fieldManager").is_none() {
        let message = "Required value: is required for apply patch";
        return Err(Failure::invalid_option("PatchOptions", "fieldManager", "FieldValueRequired", message));
    }
    // Only checked: the merge works on the document as it was sent, and refuses unknown fields
    // whatever `fieldValidation` says.
    body::placed(&call.path, applied.clone())?;
    let key = call.path.key().ok_or_else(Failure::unknown_path)?;
    for attempt in 1.. {
        let live = api.store.get(&key);
        let merged = merged(api, call, options, part, live.as_ref(), applied)?;
        let typed = body::object(&call.path, merged, FieldValidation::Ignore, Origin::Patch)?.typed;
        let Some(live) = live else {
            check_unversioned(&typed)?;
            return create_new(api, call, options, typed.into(), Vec::new()).await;
        };
        match part.write(&api.store_for(options.is_dry_run), typed).await {
            Err(error) if error.is_conflict() && attempt < ATTEMPTS_MAX => {}
            other => {
                let object = other?;
                tracing::debug!(%key, from = live.revision(), to = object.revision(), "applied");
                return Ok(written(api, call, &object, Vec::new(), part));
            }
        }
    }
    Err(Failure::internal("an apply conflicted with other writes too often"))
}

/// `live` with this part applied. An apply to the main part creates a missing object; an apply to
/// the status does not.
fn merged(
    api: &Api,
    call: &Call,
    options: &WriteOptions,
    part: Part,
    live: Option<&Object>,
    applied: &Value,
) -> Result<Value, Failure> {
    let old = live.map(|live| body::document_of(call.path.resource, live));
    let (kind, manager, force) = (call.path.resource.kind, &options.manager, options.is_forced);
    let merged = match (part, &old) {
        (Part::Status, None) => {
            return Err(Failure::not_found(&call.path.key().ok_or_else(Failure::unknown_path)?));
        }
        (Part::Status, Some(old)) => {
            patch::server_side_apply_status(kind, old, applied, manager, force, api.now())
        }
        (Part::Main | Part::Finalizers, old) => {
            patch::server_side_apply(kind, old.as_ref(), applied, manager, force, api.now())
        }
    };
    merged.map_err(|error| apply_failure(&error))
}

fn apply_failure(error: &ApplyError) -> Failure {
    let message = error.to_string();
    match error {
        ApplyError::HasManagedFields | ApplyError::WrongVersion { .. } => Failure::bad_request(message),
        // The client's mistake, but Kubernetes answers 500 without a reason.
        ApplyError::NotTyped { .. } => Failure::new(500, "", message),
        ApplyError::Conflicts(conflicts) => {
            let mut failure = Failure::new(409, "Conflict", message);
            let causes = conflicts.iter().map(|conflict| {
                serde_json::json!({"reason": "FieldManagerConflict",
                    "message": conflict.message(), "field": conflict.field})
            });
            failure.details = serde_json::json!({"causes": causes.collect::<Vec<_>>()});
            failure
        }
    }
}

/// Replaces `live` by `typed`; writes nothing if they are equal.
async fn replace(
    api: &Api,
    live: &Object,
    mut typed: Typed,
    options: &WriteOptions,
    part: Part,
) -> Result<Object, Failure> {
    let store = api.store_for(options.is_dry_run);
    if part == Part::Main {
        let mut new = Defaulted::from(typed);
        new.set_managers(managers(api, Some(live), new.typed(), options, part));
        return Ok(store.update(new).await?);
    }
    typed.meta_mut().managed_fields = managers(api, Some(live), &typed, options, part);
    Ok(part.write(&store, typed).await?)
}

/// The managed fields of `new` once it has replaced `live`; its own if nothing has changed.
fn managers(
    api: &Api,
    live: Option<&Object>,
    new: &Typed,
    options: &WriteOptions,
    part: Part,
) -> Option<Vec<ManagedFieldsEntry>> {
    let old = live.map(body::value_of);
    let value = body::to_value(new);
    if old.as_ref() == Some(&value) {
        return new.meta().managed_fields.clone();
    }
    let (manager, now) = (&options.manager, api.now());
    patch::track_managers(old.as_ref(), &value, manager, "Update", part.subresource(), now)
}

/// A patch of one of the four types.
enum Patch {
    Json(Value),
    Merge(Value),
    Strategic(Value),
    Apply(Value),
}

impl Patch {
    fn parse(call: &Call) -> Result<Self, Failure> {
        let parse = |told: &str| {
            let patch = serde_json::from_slice::<Value>(&call.body);
            patch.map_err(|_| Failure::bad_request(format!("{told}{}", go_json::fault(&call.body))))
        };
        let decoding = "error decoding patch: ";
        Ok(match body::media_type(call.content_type.as_deref()).as_str() {
            "application/json-patch+json" => Self::Json(parse(decoding)?),
            "application/merge-patch+json" => Self::Merge(parse(decoding)?),
            "application/strategic-merge-patch+json" => Self::Strategic(parse("")?),
            "application/apply-patch+yaml" => {
                Self::Apply(body::yaml(&call.body).map_err(|mut failure| {
                    failure.message = format!("error decoding YAML: {}", failure.message);
                    failure
                })?)
            }
            _ => return Err(Failure::unsupported(&PATCH_TYPES)),
        })
    }

    fn apply_to(&self, kind: Kind, live: &Value) -> Result<Value, Failure> {
        let patched = match self {
            Self::Json(patch) => patch::json_patch(live, patch),
            Self::Merge(patch) => patch::merge_patch(live, patch),
            Self::Strategic(patch) => patch::strategic_merge_patch(kind, live, patch),
            Self::Apply(patch) => Ok(patch.clone()),
        };
        patched.map_err(|error| match error {
            PatchError::Malformed(message) => Failure::bad_request(message),
            PatchError::TooLong { .. } => Failure::new(413, "RequestEntityTooLarge", error.to_string()),
            // Kubernetes has the same message, without the reason.
            PatchError::DoesNotFit(message) => {
                let told = "the server rejected our request due to an error in our request";
                Failure::new(422, "Invalid", format!("{told}: {message}"))
            }
        })
    }
}
