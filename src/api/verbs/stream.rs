//! exec, attach and port-forward.
//!
//! Errors before the upgrade are a Status, which kubectl prints in one line; later errors are sent
//! in the stream.

use std::sync::Arc;

use axum::extract::Request;
use axum::http::Method;
use axum::response::Response;
use k8s_openapi::api::core::v1::Pod;
use tokio::sync::OwnedSemaphorePermit;

use super::upgrade::{self, Spoken, Upgrade};
use super::{Api, container, list};
use crate::api::answer::status::Failure;
use crate::api::request::path::{ResourcePath, Subresource};
use crate::api::request::query::Query;
use crate::api::streams::carry::{Way, carry};
use crate::api::streams::channel::{PROTOCOLS, Version};
use crate::api::streams::forward::{self, Forwarder};
use crate::api::streams::remote::{self, Remote};
use crate::api::streams::spdy::connection;
use crate::streaming::Wanted;

/// The maximum number of open streams; one more gets 429.
pub(crate) const STREAMS_MAX: usize = 512;

/// The protocols of exec and attach.
const COMMANDS: Spoken = Spoken { websocket: &PROTOCOLS, spdy: &PROTOCOLS };
/// The protocols of port-forward.
const PORTS: Spoken = Spoken { websocket: &[forward::TUNNEL], spdy: &[forward::PROTOCOL] };

/// Opens a stream into the pod at the path.
pub(crate) async fn open(
    api: &Arc<Api>,
    path: &ResourcePath,
    subresource: Subresource,
    request: Request,
) -> Result<Response, Failure> {
    if request.method() != Method::GET && request.method() != Method::POST {
        return Err(Failure::wrong_method());
    }
    let object = list::find(&api.store, path)?;
    let pod = object.get::<Pod>().ok_or_else(Failure::unknown_path)?;
    match subresource {
        Subresource::PortForward => open_ports(api, pod, request).await,
        part => open_command(api, pod, part == Subresource::Attach, request).await,
    }
}

async fn open_ports(api: &Arc<Api>, pod: &Pod, request: Request) -> Result<Response, Failure> {
    container::check_scheduled(pod)?;
    check_reachable(api, pod)?;
    check_served(api, pod, "forward ports to")?;
    let (mut parts, _) = request.into_parts();
    let (upgrade, protocol) = upgrade::negotiate(&mut parts, &PORTS).await?;
    let permit = permit(api)?;
    let forwarder = Forwarder { streams: api.streams.clone(), pod: pod.clone(), clock: api.clock().clone() };
    let (clock, stop) = (api.clock().clone(), api.stop.clone());
    Ok(upgrade::to_halves(upgrade, protocol, move |halves| async move {
        connection::serve(halves.incoming, halves.outgoing, clock, stop, forward::accept(forwarder)).await;
        drop(permit);
    }))
}

async fn open_command(
    api: &Arc<Api>,
    pod: &Pod,
    is_attached: bool,
    request: Request,
) -> Result<Response, Failure> {
    let (mut parts, _) = request.into_parts();
    let query = Query::parse(parts.uri.query().unwrap_or_default());
    let name = container::choose(pod, query.get("container"))?;
    let wanted = wanted(&query)?;
    let command: Vec<String> = query.all("command").map(str::to_owned).collect();
    if command.is_empty() && !is_attached {
        return Err(Failure::bad_request("you must specify the command to run, as ?command="));
    }
    container::check_scheduled(pod)?;
    check_reachable(api, pod)?;
    container::check_running(pod, name)?;
    check_served(api, pod, if is_attached { "attach to" } else { "run commands in" })?;
    let (upgrade, protocol) = upgrade::negotiate(&mut parts, &COMMANDS).await?;
    let permit = permit(api)?;
    let session = if is_attached {
        api.streams.attach(pod, name, wanted).await
    } else {
        api.streams.exec(pod, name, &command, wanted).await
    };
    let (clock, stop) = (api.clock().clone(), api.stop.clone());
    Ok(match upgrade {
        Upgrade::WebSocket(upgrade) => {
            let version = Version::of(protocol).unwrap_or(Version::V4);
            let way = Way { version, is_attached, clock, stop };
            upgrade.on_upgrade(move |socket| async move {
                carry(socket, session, way).await;
                drop(permit);
            })
        }
        Upgrade::Spdy(upgrade) => {
            let remote = remote::accept(Remote { session, wanted, is_attached, clock: clock.clone() });
            upgrade::to_spdy(upgrade, protocol, move |halves| async move {
                connection::serve(halves.incoming, halves.outgoing, clock, stop, remote).await;
                drop(permit);
            })
        }
    })
}

fn permit(api: &Api) -> Result<OwnedSemaphorePermit, Failure> {
    let permit = api.n_streams.clone().try_acquire_owned();
    permit.map_err(|_| Failure::too_many("too many streams are open; close some and try again"))
}

/// kubectl prints this as `Error from server: error dialing backend: dial tcp ...`.
fn check_reachable(api: &Api, pod: &Pod) -> Result<(), Failure> {
    match api.streams.unreachable(pod) {
        Some(at) => Err(Failure::unreachable("error dialing backend", at)),
        None => Ok(()),
    }
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

#[cfg(test)]
mod tests;
