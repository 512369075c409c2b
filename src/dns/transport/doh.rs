//! DNS over HTTPS (RFC 8484): GET and POST of `/dns-query`, HTTP/2 and HTTP/1.1.
//!
//! This transport is our own because hickory's sends no cache lifetime (RFC 8484, 5.1), supports HTTP/2
//! only, encodes responses itself, and does not limit connections. HTTP is hyper's.
//!
//! Limits: a body or `dns` parameter longer than a DNS message gets 413 or 414, another media type 415,
//! another method 405. Headers have to arrive within [`HEADERS_TIMEOUT`], a body within
//! [`BODY_TIMEOUT`]. A connection may have [`STREAMS_MAX`] concurrent requests; without any for
//! [`STREAM_IDLE_TIMEOUT`] it is closed. A request that panics ends the server.

use std::convert::Infallible;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderValue, Method, Request, Response, StatusCode, header};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::watch;
use tokio::time::timeout;

use super::session::Session;
use crate::dns::message::protocol::MESSAGE_LENGTH_MAX;
use crate::dns::message::response::Response as DnsResponse;
use crate::dns::service::policy::STREAM_IDLE_TIMEOUT;

/// The path of the service; RFC 8484, section 3 leaves it to the server, and this is what clients assume.
const PATH: &str = "/dns-query";
const MEDIA_TYPE: &str = "application/dns-message";
/// Timeout of the headers of a request.
const HEADERS_TIMEOUT: Duration = Duration::from_secs(5);
/// Timeout of the body.
const BODY_TIMEOUT: Duration = Duration::from_secs(5);
/// Timeout of a graceful shutdown, in which requests in progress are answered.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(2);
/// Maximum number of concurrent requests on a connection.
const STREAMS_MAX: u32 = 100;
/// Maximum length of a body.
const BODY_LENGTH_MAX: usize = MESSAGE_LENGTH_MAX as usize;

/// Serves the requests of one connection until it ends.
pub(super) async fn converse(
    session: &Arc<Session>,
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
) -> io::Result<()> {
    let under_way = watch::Sender::new(0);
    let service = service_fn(|request| {
        let (session, counted) = (session.clone(), Counted::new(&under_way));
        async move {
            session.touch();
            // hyper runs HTTP/2 requests in tasks of its own and discards their panics.
            let response = session.panics().watch(answer(&session, request)).await;
            drop(counted);
            Ok::<_, Infallible>(response.unwrap_or_else(|| refused(StatusCode::INTERNAL_SERVER_ERROR, None)))
        }
    });
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(HEADERS_TIMEOUT);
    builder.http2().timer(TokioTimer::new()).max_concurrent_streams(STREAMS_MAX);
    let connection = builder.serve_connection(TokioIo::new(stream), service);
    tokio::pin!(connection);
    tokio::select! {
        ended = &mut connection => return ended.map_err(io::Error::other),
        () = idle(under_way.subscribe()) => {}
        () = session.draining() => {}
    }
    connection.as_mut().graceful_shutdown();
    timeout(CLOSE_TIMEOUT, connection).await?.map_err(io::Error::other)
}

/// Counts a request as in progress until it is dropped.
struct Counted(watch::Sender<usize>);

impl Counted {
    fn new(under_way: &watch::Sender<usize>) -> Self {
        under_way.send_modify(|n| *n += 1);
        Self(under_way.clone())
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.send_modify(|n| *n -= 1);
    }
}

/// Returns when no request has been in progress for the idle timeout.
async fn idle(mut under_way: watch::Receiver<usize>) {
    loop {
        let is_busy = *under_way.borrow_and_update() > 0;
        let changed = under_way.changed();
        if is_busy {
            // An error is impossible: the sender lives as long as the connection.
            let _ = changed.await;
        } else if timeout(STREAM_IDLE_TIMEOUT, changed).await.is_err() {
            return;
        }
    }
}

async fn answer(session: &Session, request: Request<Incoming>) -> Response<Body> {
    let is_head = request.method() == Method::HEAD;
    let message = match message_of(request).await {
        Ok(message) => message,
        // A response to HEAD has no content (RFC 9110, 9.3.2); hyper does not enforce that for HTTP/2.
        Err((status, _)) if is_head => return refused(status, None),
        Err((status, advice)) => return refused(status, Some(advice)),
    };
    match session.answer(&message).await {
        Some(response) => answered(&response),
        None => refused(StatusCode::BAD_REQUEST, Some("the body is not a DNS query")),
    }
}

type Refusal = (StatusCode, &'static str);

async fn message_of(request: Request<Incoming>) -> Result<Vec<u8>, Refusal> {
    if request.uri().path() != PATH {
        return Err((StatusCode::NOT_FOUND, "DNS queries are answered at /dns-query"));
    }
    match *request.method() {
        Method::GET => of_parameter(request.uri().query().unwrap_or_default()),
        Method::POST => {
            let is_dns = request.headers().get(header::CONTENT_TYPE).is_some_and(is_dns_message);
            let body = axum::body::to_bytes(Body::new(request.into_body()), BODY_LENGTH_MAX);
            let late = (StatusCode::REQUEST_TIMEOUT, "the body was not received in time");
            let body = timeout(BODY_TIMEOUT, body).await.map_err(|_| late)?;
            // Read the body before refusing: an HTTP/2 client that is still sending would lose the response.
            if !is_dns {
                let advice = "the content type must be application/dns-message";
                return Err((StatusCode::UNSUPPORTED_MEDIA_TYPE, advice));
            }
            let too_large = (StatusCode::PAYLOAD_TOO_LARGE, "a DNS message has at most 65535 octets");
            body.map(Vec::from).map_err(|_| too_large)
        }
        _ => Err((StatusCode::METHOD_NOT_ALLOWED, "use GET or POST")),
    }
}

/// Whether this is the media type of DNS messages, ignoring case and parameters.
fn is_dns_message(content_type: &HeaderValue) -> bool {
    let essence = content_type.to_str().unwrap_or_default().split(';').next().unwrap_or_default();
    essence.trim().eq_ignore_ascii_case(MEDIA_TYPE)
}

/// The message in the `dns` parameter (RFC 8484, 4.1).
fn of_parameter(query: &str) -> Result<Vec<u8>, Refusal> {
    let missing =
        (StatusCode::BAD_REQUEST, "the dns parameter must hold the query as base64url without padding");
    let mut parameters = form_urlencoded::parse(query.as_bytes());
    let (_, text) = parameters.find(|(name, _)| name == "dns").ok_or(missing)?;
    if text.len() > BODY_LENGTH_MAX.div_ceil(3) * 4 {
        return Err((StatusCode::URI_TOO_LONG, "a DNS message has at most 65535 octets"));
    }
    URL_SAFE_NO_PAD.decode(text.as_bytes()).map_err(|_| missing)
}

fn answered(response: &DnsResponse) -> Response<Body> {
    let mut http = Response::new(Body::from(response.to_octets()));
    let headers = http.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
    if let Ok(value) = format!("max-age={}", max_age_s(response)).parse() {
        headers.insert(header::CACHE_CONTROL, value);
    }
    http
}

/// Cache lifetime of the response: the smallest TTL in it (RFC 8484, 5.1). For a negative response that is
/// the TTL of the SOA record, which is already the minimum of TTL and MINIMUM (RFC 2308, section 5).
fn max_age_s(response: &DnsResponse) -> u32 {
    let sections = [&response.answers, &response.authority, &response.additional];
    sections.into_iter().flatten().map(|record| record.ttl).min().unwrap_or(0)
}

fn refused(status: StatusCode, advice: Option<&'static str>) -> Response<Body> {
    let mut http = Response::new(advice.map_or_else(Body::empty, |advice| Body::from(format!("{advice}\n"))));
    *http.status_mut() = status;
    if status == StatusCode::METHOD_NOT_ALLOWED {
        http.headers_mut().insert(header::ALLOW, HeaderValue::from_static("GET, POST"));
    }
    http
}

#[cfg(test)]
mod tests {
    use tokio::time::Instant;

    use super::*;

    #[test]
    fn the_media_type_is_read_in_any_case_and_with_parameters() {
        for (content_type, expected) in [
            ("application/dns-message", true),
            ("Application/DNS-Message ; charset=utf-8", true),
            ("application/dns-message2", false),
            ("text/plain; application/dns-message", false),
            ("", false),
        ] {
            assert_eq!(is_dns_message(&HeaderValue::from_static(content_type)), expected, "{content_type}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_is_idle_once_nothing_has_been_under_way_for_long_enough() {
        let under_way = watch::Sender::new(0);
        let began = Instant::now();
        let request = async {
            let of = |seconds| tokio::time::sleep_until(began + Duration::from_secs(seconds));
            of(9).await;
            let first = Counted::new(&under_way);
            of(15).await;
            let second = Counted::new(&under_way);
            of(30).await;
            drop(first);
            of(50).await;
            drop(second);
        };
        let idle_at = async {
            idle(under_way.subscribe()).await;
            began.elapsed()
        };
        let (idle_at, ()) = tokio::join!(idle_at, request);
        assert_eq!(idle_at, Duration::from_secs(50) + STREAM_IDLE_TIMEOUT);
    }

    #[test]
    fn the_parameter_is_base64url_without_padding() {
        let ok = |octets: &[u8]| Ok(octets.to_vec());
        let status = |status: StatusCode| Err(status);
        for (query, expected) in [
            ("dns=AAAB", ok(&[0, 0, 1])),
            ("ct&dns=_-8", ok(&[255, 239])),
            ("dns=AA==", status(StatusCode::BAD_REQUEST)),
            ("dns=+", status(StatusCode::BAD_REQUEST)),
            ("dn=AAAB", status(StatusCode::BAD_REQUEST)),
            ("", status(StatusCode::BAD_REQUEST)),
            (&format!("dns={}", "A".repeat(90_000)), status(StatusCode::URI_TOO_LONG)),
        ] {
            let read = of_parameter(query).map_err(|(status, _)| status);
            assert_eq!(read, expected, "{}", &query[..query.len().min(20)]);
        }
    }
}
