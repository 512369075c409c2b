//! DNS over HTTPS (RFC 8484): GET and POST of `/dns-query`, HTTP/2 and HTTP/1.1.
//!
//! This is a transport of our own because hickory's tells caches nothing of how long a response may
//! be kept (RFC 8484, 5.1), speaks HTTP/2 alone, encodes responses itself, and has no limit of
//! connections. HTTP is hyper's; what a message is answered with is `respond`'s.
//!
//! At its limits: a body, or the parameter `dns`, longer than a DNS message is refused with 413 or
//! 414, another media type with 415, another method with 405. Headers must be there within
//! [`HEADERS_TIMEOUT`], a body within [`BODY_TIMEOUT`]; a connection has [`STREAMS_MAX`] requests under
//! way, and one that has none for [`STREAM_IDLE_TIMEOUT`] is closed.

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

/// The one path (RFC 8484, 4.1.1 leaves it open; this is what clients assume).
const PATH: &str = "/dns-query";
const MEDIA_TYPE: &str = "application/dns-message";
/// How long the headers of a request may take.
const HEADERS_TIMEOUT: Duration = Duration::from_secs(5);
/// How long its body may take.
const BODY_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a connection that is to be closed may take to say so.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);
/// How many requests of a connection may be under way.
const STREAMS_MAX: u32 = 100;
/// The longest body.
const BODY_LENGTH_MAX: usize = MESSAGE_LENGTH_MAX as usize;

/// Answers the requests of one connection until it ends.
pub(super) async fn converse(
    session: &Arc<Session>,
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
) -> io::Result<()> {
    let under_way = watch::Sender::new(0);
    let service = service_fn(|request| {
        let (session, counted) = (session.clone(), Counted::new(&under_way));
        async move {
            session.touch();
            // hyper runs requests of HTTP/2 in tasks of their own and drops their panics.
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
    }
    connection.as_mut().graceful_shutdown();
    timeout(CLOSE_TIMEOUT, connection).await?.map_err(io::Error::other)
}

/// A request that is under way.
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

/// Ends when nothing has been under way for long enough.
async fn idle(mut under_way: watch::Receiver<usize>) {
    loop {
        let is_busy = *under_way.borrow_and_update() > 0;
        let changed = under_way.changed();
        if is_busy {
            // Its sender lives as long as the connection that this is a part of.
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
        // What answers HEAD has no content, which HTTP/2 does not see to (RFC 9110 section 9.3.2).
        Err((status, _)) if is_head => return refused(status, None),
        Err((status, advice)) => return refused(status, Some(advice)),
    };
    match session.answer(&message).await {
        Some(response) => answered(&response),
        None => refused(StatusCode::BAD_REQUEST, Some("the body is no DNS query")),
    }
}

type Refusal = (StatusCode, &'static str);

async fn message_of(request: Request<Incoming>) -> Result<Vec<u8>, Refusal> {
    if request.uri().path() != PATH {
        return Err((StatusCode::NOT_FOUND, "DNS is answered at /dns-query"));
    }
    match *request.method() {
        Method::GET => of_parameter(request.uri().query().unwrap_or_default()),
        Method::POST => {
            let is_dns = request.headers().get(header::CONTENT_TYPE).is_some_and(is_dns_message);
            let body = axum::body::to_bytes(Body::new(request.into_body()), BODY_LENGTH_MAX);
            let late = (StatusCode::REQUEST_TIMEOUT, "the body did not come to its end");
            let body = timeout(BODY_TIMEOUT, body).await.map_err(|_| late)?;
            // The body is read first, since over HTTP/2 a client that still sends loses the answer.
            if !is_dns {
                let advice = "the content type of a query is application/dns-message";
                return Err((StatusCode::UNSUPPORTED_MEDIA_TYPE, advice));
            }
            let too_large = (StatusCode::PAYLOAD_TOO_LARGE, "a DNS message has at most 65535 octets");
            body.map(Vec::from).map_err(|_| too_large)
        }
        _ => Err((StatusCode::METHOD_NOT_ALLOWED, "ask with GET or POST")),
    }
}

/// Whether this is the media type of DNS messages, in any case and whatever its parameters.
fn is_dns_message(content_type: &HeaderValue) -> bool {
    let essence = content_type.to_str().unwrap_or_default().split(';').next().unwrap_or_default();
    essence.trim().eq_ignore_ascii_case(MEDIA_TYPE)
}

/// The message in the parameter `dns` (RFC 8484, 4.1).
fn of_parameter(query: &str) -> Result<Vec<u8>, Refusal> {
    let missing =
        (StatusCode::BAD_REQUEST, "the parameter dns holds the query, as base64url without padding");
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

/// How long a cache may keep the response: as the least of its TTLs says (RFC 8484, 5.1); a negative
/// one as the SOA record says, whose TTL is already the lesser of its two.
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
