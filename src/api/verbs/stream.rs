//! exec, attach and port-forward.
//!
//! What can be said before the connection is upgraded is said as a Status: kubectl prints it in
//! one line. What goes wrong later is told in the stream.

use std::sync::Arc;

use axum::extract::ws::{WebSocketUpgrade, rejection::WebSocketUpgradeRejection};
use axum::extract::{FromRequestParts, Request};
use axum::http::Method;
use axum::response::Response;
use k8s_openapi::api::core::v1::Pod;

use super::{Api, container, list};
use crate::api::answer::status::Failure;
use crate::api::request::path::{Place, Subresource};
use crate::api::request::query::Query;
use crate::api::streams::Wanted;
use crate::api::streams::carry::{Way, carry};
use crate::api::streams::channel::{PROTOCOLS, Version};

/// How many streams there may be at once; one more is told to come back later.
pub(crate) const STREAMS_MAX: usize = 512;
/// The largest message that a client may send.
const MESSAGE_OCTETS_MAX: usize = 1024 * 1024;

/// Opens a stream into the pod at the place.
pub(crate) async fn open(
    api: &Arc<Api>,
    place: &Place,
    subresource: Subresource,
    request: Request,
) -> Result<Response, Failure> {
    if request.method() != Method::GET && request.method() != Method::POST {
        return Err(Failure::wrong_method());
    }
    let (mut parts, _) = request.into_parts();
    let query = Query::parse(parts.uri.query().unwrap_or_default());
    let object = list::find(&api.store, place)?;
    let pod = object.get::<Pod>().ok_or_else(Failure::unknown_path)?;
    if subresource == Subresource::PortForward {
        container::check_scheduled(pod)?;
        check_served(api, pod, "forward ports to")?;
        return Err(Failure::bad_request(
            "ports of this pod cannot be forwarded yet; connect to the address of the pod instead",
        ));
    }
    let is_attached = subresource == Subresource::Attach;
    let name = container::choose(pod, query.get("container"))?;
    let wanted = wanted(&query)?;
    let command: Vec<String> = query.all("command").map(str::to_owned).collect();
    if command.is_empty() && !is_attached {
        return Err(Failure::bad_request("you must specify the command to run, as ?command="));
    }
    container::check_running(pod, name)?;
    check_served(api, pod, if is_attached { "attach to" } else { "run commands in" })?;
    let upgrade =
        WebSocketUpgrade::from_request_parts(&mut parts, &()).await.map_err(|error| refused(&error))?;
    let upgrade =
        upgrade.protocols(PROTOCOLS).max_message_size(MESSAGE_OCTETS_MAX).max_frame_size(MESSAGE_OCTETS_MAX);
    let chosen = upgrade.selected_protocol().and_then(|chosen| chosen.to_str().ok());
    let version = chosen.and_then(Version::of).ok_or_else(|| {
        Failure::bad_request(format!("none of the subprotocols {} is asked for", PROTOCOLS.join(", ")))
    })?;
    let permit = api
        .n_streams
        .clone()
        .try_acquire_owned()
        .map_err(|_| Failure::too_many("too many streams are open; close some and try again"))?;
    let session = if is_attached {
        api.streams.attach(pod, name, wanted).await
    } else {
        api.streams.exec(pod, name, &command, wanted).await
    };
    let way = Way { version, is_attached, clock: api.clock().clone(), stop: api.stop.clone() };
    Ok(upgrade.on_upgrade(move |socket| async move {
        carry(socket, session, way).await;
        drop(permit);
    }))
}

fn check_served(api: &Api, pod: &Pod, verb: &str) -> Result<(), Failure> {
    let Some(reason) = api.streams.refuses(pod) else { return Ok(()) };
    let namespace = pod.metadata.namespace.as_deref().unwrap_or_default();
    let name = pod.metadata.name.as_deref().unwrap_or_default();
    Err(Failure::bad_request(format!("cannot {verb} pod {namespace}/{name}: {reason}")))
}

fn wanted(query: &Query) -> Result<Wanted, Failure> {
    let tty = query.is_set("tty");
    let (stdin, stdout) = (query.is_set("stdin"), query.is_set("stdout"));
    // A terminal has one output for both.
    let stderr = query.is_set("stderr") && !tty;
    if !(stdin || stdout || stderr) {
        return Err(Failure::bad_request("you must specify at least 1 of stdin, stdout, stderr"));
    }
    Ok(Wanted { stdin, stdout, stderr, tty })
}

/// A plain request, or one for the older SPDY, which nothing here speaks.
fn refused(error: &WebSocketUpgradeRejection) -> Failure {
    Failure::bad_request(format!(
        "streams are carried over WebSocket ({}), as kubectl 1.31 and newer do: {error}",
        PROTOCOLS.join(", ")
    ))
}

#[cfg(test)]
mod tests;
