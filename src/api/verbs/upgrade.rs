//! Upgrades of a connection: to a WebSocket, or to SPDY/3.1 for kubectl before 1.30.

use axum::body::Body;
use axum::extract::FromRequestParts;
use axum::extract::ws::{WebSocket, WebSocketUpgrade};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::Response;
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;

use crate::api::answer::status::Failure;
use crate::api::streams::tunnel::{self, Halves};

/// The largest message that a client may send.
const MESSAGE_OCTETS_MAX: usize = 1024 * 1024;

const SPDY: &str = "SPDY/3.1";
/// The header in which a client offers subprotocols, best first, and the server answers its choice.
const STREAM_PROTOCOL: HeaderName = HeaderName::from_static("x-stream-protocol-version");

/// A connection that both ends will upgrade.
pub(super) enum Upgrade {
    WebSocket(WebSocketUpgrade),
    Spdy(OnUpgrade),
}

/// The supported subprotocols, best first.
pub(super) struct Spoken {
    pub(super) websocket: &'static [&'static str],
    pub(super) spdy: &'static [&'static str],
}

/// The upgrade that the client asks for, and the chosen subprotocol.
pub(super) async fn negotiate(
    parts: &mut Parts,
    spoken: &Spoken,
) -> Result<(Upgrade, &'static str), Failure> {
    if text(&parts.headers, &header::UPGRADE).is_some_and(|wanted| wanted.eq_ignore_ascii_case(SPDY)) {
        let protocol = choose(&parts.headers, spoken.spdy)?;
        let upgrade = parts.extensions.remove::<OnUpgrade>();
        let upgrade = upgrade.ok_or_else(|| Failure::bad_request("this connection cannot be upgraded"))?;
        return Ok((Upgrade::Spdy(upgrade), protocol));
    }
    let upgrade = WebSocketUpgrade::from_request_parts(parts, &()).await.map_err(|error| {
        Failure::bad_request(format!(
            "streams are carried over WebSocket ({}) or {SPDY}: {error}",
            spoken.websocket.join(", ")
        ))
    })?;
    let upgrade = upgrade.protocols(spoken.websocket.iter().copied());
    let chosen = upgrade.selected_protocol().and_then(|chosen| chosen.to_str().ok());
    let protocol = spoken.websocket.iter().find(|known| chosen == Some(**known)).ok_or_else(|| {
        Failure::bad_request(format!("none of the subprotocols {} is asked for", spoken.websocket.join(", ")))
    })?;
    let upgrade = upgrade.max_message_size(MESSAGE_OCTETS_MAX).max_frame_size(MESSAGE_OCTETS_MAX);
    Ok((Upgrade::WebSocket(upgrade), protocol))
}

/// The best of the offered protocols; Kubernetes' message if there is none.
fn choose(headers: &HeaderMap, spoken: &[&'static str]) -> Result<&'static str, Failure> {
    let offered: Vec<&str> = headers
        .get_all(STREAM_PROTOCOL)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(',').map(str::trim))
        .collect();
    spoken.iter().find(|known| offered.contains(known)).copied().ok_or_else(|| {
        let message = format!(
            "unable to upgrade: unable to negotiate protocol: client supports [{}], server accepts [{}]",
            offered.join(" "),
            spoken.join(" ")
        );
        Failure::new(403, "Forbidden", message)
    })
}

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

/// Answers a client that asks for SPDY; `serve` gets the connection once it has become that.
pub(super) fn to_spdy<F>(
    upgrade: OnUpgrade,
    protocol: &'static str,
    serve: impl FnOnce(Halves) -> F + Send + 'static,
) -> Response
where
    F: Future<Output = ()> + Send,
{
    tokio::spawn(async move {
        match upgrade.await {
            Ok(upgraded) => serve(tunnel::bare(TokioIo::new(upgraded))).await,
            Err(error) => tracing::debug!(%error, "a connection was not upgraded"),
        }
    });
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let headers = response.headers_mut();
    headers.insert(header::CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(header::UPGRADE, HeaderValue::from_static(SPDY));
    headers.insert(STREAM_PROTOCOL, HeaderValue::from_static(protocol));
    response
}

/// Answers a client that asks for SPDY, in a WebSocket or bare.
pub(super) fn to_halves<F>(
    upgrade: Upgrade,
    protocol: &'static str,
    serve: impl FnOnce(Halves) -> F + Send + 'static,
) -> Response
where
    F: Future<Output = ()> + Send + 'static,
{
    match upgrade {
        Upgrade::Spdy(upgrade) => to_spdy(upgrade, protocol, serve),
        Upgrade::WebSocket(upgrade) => {
            upgrade.on_upgrade(move |socket: WebSocket| serve(tunnel::websocket(socket)))
        }
    }
}
