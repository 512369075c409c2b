//! The page over HTTP: `GET /metrics` at an address of its own.
//!
//! At its limits: [`CONNECTIONS_MAX`] connections at once, a request has to be there within
//! [`HEAD_PATIENCE`]; whoever keeps one open for longer than [`CONNECTION_PATIENCE`] is cut off.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hyper::body::Incoming;
use hyper::header::CONTENT_TYPE;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use super::figures::Metrics;
use super::page;

const CONNECTIONS_MAX: usize = 16;
const HEAD_PATIENCE: Duration = Duration::from_secs(5);
const CONNECTION_PATIENCE: Duration = Duration::from_secs(60);

/// Serves the page until `stop` is cancelled.
pub async fn serve(listener: TcpListener, metrics: Arc<Metrics>, stop: CancellationToken) {
    let connections = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    loop {
        let accepted = tokio::select! {
            () = stop.cancelled() => return,
            accepted = accept(&listener, &connections) => accepted,
        };
        let Some((stream, peer, permit)) = accepted else { continue };
        let (metrics, stop) = (metrics.clone(), stop.clone());
        tokio::spawn(async move {
            tokio::select! {
                () = stop.cancelled() => {}
                () = converse(stream, peer, metrics) => {}
            }
            drop(permit);
        });
    }
}

async fn accept(
    listener: &TcpListener,
    connections: &Arc<Semaphore>,
) -> Option<(TcpStream, SocketAddr, tokio::sync::OwnedSemaphorePermit)> {
    let permit = connections.clone().acquire_owned().await.ok()?;
    match listener.accept().await {
        Ok((stream, peer)) => Some((stream, peer, permit)),
        Err(error) => {
            tracing::warn!(%error, "a connection for metrics could not be accepted");
            tokio::task::yield_now().await;
            None
        }
    }
}

async fn converse(stream: TcpStream, peer: SocketAddr, metrics: Arc<Metrics>) {
    let service = service_fn(move |request| {
        let response = answer(&request, &metrics);
        async { Ok::<_, Infallible>(response) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_PATIENCE)
        .serve_connection(TokioIo::new(stream), service);
    match tokio::time::timeout(CONNECTION_PATIENCE, connection).await {
        Ok(Ok(())) | Err(_) => {}
        Ok(Err(error)) => tracing::debug!(%error, %peer, "a connection for metrics ended early"),
    }
}

fn answer(request: &Request<Incoming>, metrics: &Arc<Metrics>) -> Response<String> {
    let plain = |status: StatusCode, text: &str| {
        let mut response = Response::new(format!("{text}\n"));
        *response.status_mut() = status;
        response
    };
    match (request.method(), request.uri().path()) {
        (&Method::GET, "/metrics") => {
            let mut response = Response::new(metrics.page());
            let value = hyper::header::HeaderValue::from_static(page::CONTENT_TYPE);
            response.headers_mut().insert(CONTENT_TYPE, value);
            response
        }
        (_, "/metrics") => plain(StatusCode::METHOD_NOT_ALLOWED, "only GET"),
        _ => plain(StatusCode::NOT_FOUND, "the page is at /metrics"),
    }
}
