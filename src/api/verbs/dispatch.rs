//! Dispatch of requests to verbs.
//!
//! The body is read here, with its limits; verbs get bytes.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::Request;
use axum::http::{HeaderMap, HeaderName, Method, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;

use super::{Api, Call, Reply, documents, list, log, pod, remove, scale, stream, watch, write};
use crate::api::answer::rendering::Rendering;
use crate::api::answer::status::Failure;
use crate::api::request::accept;
use crate::api::request::path::{ResourcePath, Subresource, Target};
use crate::api::request::query::Query;

/// The maximum size of a body, as in the API server.
pub(crate) const BODY_BYTES_MAX: usize = 3 * 1024 * 1024;
/// How long a body may take to arrive.
const BODY_PATIENCE: Duration = Duration::from_secs(30);

/// Answers an authenticated request; `target` is its parsed path.
pub(crate) async fn answer(api: &Arc<Api>, target: Option<Target>, request: Request) -> Response {
    match route(api, target, request).await {
        Ok(response) => response,
        Err(failure) => failure.into_response(),
    }
}

async fn route(api: &Arc<Api>, target: Option<Target>, request: Request) -> Result<Response, Failure> {
    let target = target.ok_or_else(Failure::unknown_path)?;
    let headers = request.headers();
    let accepted = text(headers, &header::ACCEPT);
    match target {
        Target::Objects(path) => {
            if let Some(part) = path.subresource.filter(|part| part.is_stream()) {
                return stream::open(api, &path, part, request).await;
            }
            let (method, call) = understand(api, path, request).await?;
            return Ok(carry_out(api, method, call).await?.into_response());
        }
        Target::Review(review) => {
            only(request.method(), &Method::POST)?;
            let (parts, body) = request.into_parts();
            let body = read(api, &parts.headers, body).await?;
            let content_type = text(&parts.headers, &header::CONTENT_TYPE);
            return Ok(documents::review(review, content_type.as_deref(), &body)?.into_response());
        }
        _ => only_read(request.method())?,
    }
    let known = text(headers, &header::IF_NONE_MATCH);
    Ok(documents::document(api, &target, accepted.as_deref(), known.as_deref())?.into_response())
}

async fn understand(api: &Api, path: ResourcePath, request: Request) -> Result<(Method, Call), Failure> {
    let (parts, body) = request.into_parts();
    let is_log = path.subresource == Some(Subresource::Log);
    let accepted = text(&parts.headers, &header::ACCEPT).filter(|_| !is_log);
    let query = Query::parse(parts.uri.query().unwrap_or_default());
    let form = accept::negotiate(accepted.as_deref())?;
    let call = Call {
        rendering: Rendering::new(path.resource, form, &query)?,
        path,
        query,
        content_type: text(&parts.headers, &header::CONTENT_TYPE),
        user_agent: text(&parts.headers, &header::USER_AGENT).unwrap_or_default(),
        body: read(api, &parts.headers, body).await?,
    };
    Ok((parts.method, call))
}

async fn carry_out(api: &Arc<Api>, method: Method, call: Call) -> Result<Reply, Failure> {
    let is_object = call.path.name.is_some();
    match (call.path.subresource, method.as_str()) {
        (None, "GET") if is_object => list::get(api, &call),
        (None, "GET") if call.query.is_set("watch") => watch::watch(api, &call),
        (None, "GET") => list::list(api, &call),
        (None, "POST") if !is_object && has_one_namespace(&call.path) => write::create(api, &call).await,
        (None, "PUT") if is_object => write::update(api, &call, write::Part::Main).await,
        (None, "PATCH") if is_object => write::patch(api, &call, write::Part::Main).await,
        (None, "DELETE") if is_object => remove::delete(api, &call).await,
        (None, "DELETE") if has_one_namespace(&call.path) => remove::delete_collection(api, &call).await,
        (Some(Subresource::Status), "GET") => list::get(api, &call),
        (Some(Subresource::Status), "PUT") => write::update(api, &call, write::Part::Status).await,
        (Some(Subresource::Status), "PATCH") => write::patch(api, &call, write::Part::Status).await,
        (Some(Subresource::Finalize), "PUT") => write::update(api, &call, write::Part::Finalizers).await,
        (Some(Subresource::Scale), "GET") => scale::get(api, &call),
        (Some(Subresource::Scale), "PUT") => scale::update(api, &call).await,
        (Some(Subresource::Scale), "PATCH") => scale::patch(api, &call).await,
        (Some(Subresource::Eviction), "POST") => pod::evict(api, &call).await,
        (Some(Subresource::Log), "GET") => log::log(api, &call).await,
        _ => Err(Failure::wrong_method()),
    }
}

/// Whether objects can be created here: not in all namespaces at once.
fn has_one_namespace(path: &ResourcePath) -> bool {
    path.namespace.is_some() || !path.resource.kind.info().is_namespaced
}

fn only(method: &Method, wanted: &Method) -> Result<(), Failure> {
    if method == wanted { Ok(()) } else { Err(Failure::wrong_method()) }
}

fn only_read(method: &Method) -> Result<(), Failure> {
    if method == Method::GET || method == Method::HEAD { Ok(()) } else { Err(Failure::wrong_method()) }
}

async fn read(api: &Api, headers: &HeaderMap, body: axum::body::Body) -> Result<Bytes, Failure> {
    let length = text(headers, &header::CONTENT_LENGTH).and_then(|length| length.parse::<usize>().ok());
    if length.is_some_and(|length| length > BODY_BYTES_MAX) {
        return Err(Failure::too_large(BODY_BYTES_MAX));
    }
    tokio::select! {
        body = axum::body::to_bytes(body, BODY_BYTES_MAX) => body.map_err(|error| {
            if length.is_none() {
                return Failure::too_large(BODY_BYTES_MAX);
            }
            Failure::bad_request(format!("the body ended early: {error}"))
        }),
        () = api.clock().sleep(BODY_PATIENCE) => {
            Err(Failure::new(408, "Timeout", "the body of the request did not arrive in time"))
        }
    }
}

fn text(headers: &HeaderMap, name: &HeaderName) -> Option<String> {
    Some(headers.get(name)?.to_str().ok()?.to_owned())
}
