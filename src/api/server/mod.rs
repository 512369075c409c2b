//! The HTTPS server: sockets, TLS, and the limits of connections.
//!
//! ```text
//!   accept (CONNECTIONS_MAX) ─► TLS (HANDSHAKE_PATIENCE) ─► HTTP/1.1 ─► gate ─► verbs
//! ```
//!
//! HTTP/2 is not offered: every client speaks HTTP/1.1, and with a connection of its own a slow watch
//! can be closed without affecting others. At shutdown, watches end and requests in progress are
//! answered.

pub(crate) mod gate;
mod kubeconfig;
pub use kubeconfig::ADMIN;
mod patience;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::clock::until;
use crate::pki::authority::Authority;
use crate::pki::credentials::{CredentialError, Credentials};
use crate::pki::private_file::Prepared;
use gate::Gate;
use patience::Patient;

use super::request::path;
use super::verbs::Api;
use super::verbs::dispatch::answer;
use super::verbs::stream::STREAMS_MAX;
use super::verbs::watches::Watches;
use crate::store::Store;
use crate::streaming::ContainerStreams;

/// The maximum number of connections; more wait to be accepted.
const CONNECTIONS_MAX: usize = 4096;
/// The wanted limit of file descriptors: for the connections and everything else.
const DESCRIPTORS_WANTED: u64 = 2 * CONNECTIONS_MAX as u64;
/// How long a client may take for the TLS handshake.
const HANDSHAKE_PATIENCE: Duration = Duration::from_secs(10);
/// How long a client may take to send the head of a request, and how long a connection may be idle.
const HEAD_PATIENCE: Duration = Duration::from_secs(90);
/// How long a client may read nothing of a response.
const WRITE_PATIENCE: Duration = Duration::from_secs(30);
/// The largest head of a request, in octets.
const HEAD_OCTETS_MAX: usize = 64 * 1024;
/// The maximum number of header fields of a request.
const HEADERS_MAX: usize = 64;
/// How long requests in progress may take at shutdown.
const STOP_PATIENCE: Duration = Duration::from_secs(3);
/// The pause after a failed accept, for example without free file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// The first octet of a TLS connection (RFC 8446, section 5.1: handshake).
const TLS_HANDSHAKE: u8 = 22;
/// The response to plain HTTP on the TLS port, as Go's server words it.
const PLAIN_HTTP: &[u8] =
    b"HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n";

/// Options of the server.
#[derive(Clone, Debug)]
pub struct ApiOptions {
    /// The address to listen at.
    pub listen: SocketAddr,
    /// More names and addresses of this server, for its certificate.
    pub names: Vec<String>,
    /// Where the kubeconfig is written.
    pub kubeconfig: PathBuf,
    /// The name of the context in it.
    pub context: String,
}

/// Why the server could not start.
#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    /// The address cannot be bound.
    #[error("cannot listen on {address}: {source}; choose another with --api-listen, or off")]
    Bind {
        /// The address.
        address: SocketAddr,
        /// The error of the system.
        source: std::io::Error,
    },
    /// There are no credentials.
    #[error(transparent)]
    Credentials(#[from] CredentialError),
    /// The kubeconfig cannot be written.
    #[error("cannot write {}: {source}; choose another place with --kubeconfig-out", .path.display())]
    Kubeconfig {
        /// Where.
        path: PathBuf,
        /// The error of the system.
        source: std::io::Error,
    },
}

/// The server, bound but not yet serving.
pub struct ApiServer {
    listener: TcpListener,
    address: SocketAddr,
    acceptor: TlsAcceptor,
    gate: Arc<Gate>,
    kubeconfig: PathBuf,
    /// The kubeconfig, until it is put in its place.
    prepared: Option<Prepared>,
}

impl ApiServer {
    /// Binds the address, with a certificate of `authority`, and prepares the kubeconfig; it is put in
    /// its place by [`publish`](Self::publish).
    pub async fn bind(options: &ApiOptions, authority: &Authority, store: &Store) -> Result<Self, ApiError> {
        raise_descriptor_limit();
        let failed = |source| ApiError::Bind { address: options.listen, source };
        let listener = TcpListener::bind(options.listen).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let names = names(options, address);
        let now = store.clock().now();
        let credentials = Credentials::of(authority.kept().clone(), &names, now)?;
        let acceptor = TlsAcceptor::from(Arc::new(credentials.tls(&[b"http/1.1"])?));
        let url = format!("https://{}", reachable(address));
        let config = kubeconfig::write(&credentials.kept, &url, &options.context);
        let kubeconfig = options.kubeconfig.clone();
        let prepared = Prepared::write(&kubeconfig, &config)
            .map_err(|source| ApiError::Kubeconfig { path: kubeconfig.clone(), source })?;
        let gate = Arc::new(Gate::new(credentials.kept.token, names));
        Ok(Self { listener, address, acceptor, gate, kubeconfig, prepared: Some(prepared) })
    }

    /// Puts the kubeconfig in its place, over that of an earlier server.
    pub fn publish(&mut self) -> Result<(), ApiError> {
        let put = self.prepared.take().map_or(Ok(()), Prepared::put);
        tracing::info!(file = %self.kubeconfig.display(), "the kubeconfig is written");
        put.map_err(|source| ApiError::Kubeconfig { path: self.kubeconfig.clone(), source })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where the kubeconfig is.
    pub fn kubeconfig(&self) -> &std::path::Path {
        &self.kubeconfig
    }

    /// Serves until `stop` is cancelled; `streams` connects to containers.
    pub async fn run(
        self,
        store: Store,
        streams: Arc<dyn ContainerStreams>,
        stop: CancellationToken,
    ) -> Result<(), ApiError> {
        let api = Arc::new(Api {
            store,
            address: reachable(self.address).to_string(),
            watches: Watches::default(),
            streams,
            n_streams: Arc::new(Semaphore::new(STREAMS_MAX)),
            stop: stop.clone(),
        });
        let connections = Arc::new(Semaphore::new(CONNECTIONS_MAX));
        let tasks = TaskTracker::new();
        while let Some((stream, permit)) = self.accept(&connections, &api, &stop).await {
            let (acceptor, gate, api) = (self.acceptor.clone(), self.gate.clone(), api.clone());
            tasks.spawn(async move {
                serve(stream, acceptor, gate, api).await;
                drop(permit);
            });
        }
        tasks.close();
        tasks.wait().await;
        Ok(())
    }

    async fn accept(
        &self,
        connections: &Arc<Semaphore>,
        api: &Api,
        stop: &CancellationToken,
    ) -> Option<(TcpStream, OwnedSemaphorePermit)> {
        loop {
            let permit = tokio::select! {
                permit = connections.clone().acquire_owned() => permit.ok()?,
                () = stop.cancelled() => return None,
            };
            let accepted = tokio::select! {
                accepted = self.listener.accept() => accepted,
                () = stop.cancelled() => return None,
            };
            match accepted {
                Ok((stream, _)) => return Some((stream, permit)),
                Err(error) => {
                    tracing::warn!(%error, "cannot accept a connection");
                    api.clock().sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }
}

/// Serves one connection to its end. A client's mistake ends it and is not an error of the server.
async fn serve(stream: TcpStream, acceptor: TlsAcceptor, gate: Arc<Gate>, api: Arc<Api>) {
    // Small responses are sent at once; without it they are only slower.
    let _ = stream.set_nodelay(true);
    let clock = api.clock().clone();
    let tls = tokio::select! {
        tls = shake_hands(stream, &acceptor) => tls,
        () = clock.sleep(HANDSHAKE_PATIENCE) => return,
        () = api.stop.cancelled() => return,
    };
    let Some(tls) = tls else { return };
    let is_certified = tls.get_ref().1.peer_certificates().is_some();
    let answering = api.clone();
    let router = Router::new().fallback(move |request: Request| {
        let (gate, api) = (gate.clone(), answering.clone());
        async move { respond(&gate, is_certified, &api, request).await }
    });
    let service = TowerToHyperService::new(router);
    let io = TokioIo::new(Patient::new(tls, clock.clone(), WRITE_PATIENCE));
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_PATIENCE)
        .max_buf_size(HEAD_OCTETS_MAX)
        .max_headers(HEADERS_MAX)
        .serve_connection(io, service)
        .with_upgrades();
    let mut connection = std::pin::pin!(connection);
    tokio::select! {
        ended = connection.as_mut() => return log_end(ended),
        () = api.stop.cancelled() => connection.as_mut().graceful_shutdown(),
    }
    tokio::select! {
        ended = connection => log_end(ended),
        () = clock.sleep(STOP_PATIENCE) => {}
    }
}

fn log_end(ended: Result<(), hyper::Error>) {
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection ended early");
    }
}

async fn respond(gate: &Gate, is_certified: bool, api: &Arc<Api>, request: Request) -> Response {
    let target = path::parse(request.uri().path());
    let (method, uri, began) = (request.method().clone(), request.uri().clone(), api.clock().now());
    let response = match gate.admit(target.as_ref(), request.headers(), is_certified) {
        Ok(()) => answer(api, target, request).await,
        Err(failure) => failure.into_response(),
    };
    let took = until(began, api.clock().now());
    // The head of a watch; its events follow.
    tracing::debug!(%method, %uri, status = response.status().as_u16(), ?took, "request");
    response
}

/// TLS, or `None` for a client that does not speak it; one that speaks plain HTTP gets
/// [`PLAIN_HTTP`].
async fn shake_hands(
    mut stream: TcpStream,
    acceptor: &TlsAcceptor,
) -> Option<tokio_rustls::server::TlsStream<TcpStream>> {
    let mut first = [0];
    if stream.peek(&mut first).await.ok()? == 0 {
        return None;
    }
    if first[0] != TLS_HANDSHAKE {
        if first[0].is_ascii_uppercase() {
            // The connection is closed either way.
            let _ = stream.write_all(PLAIN_HTTP).await;
            let _ = stream.shutdown().await;
        }
        return None;
    }
    match acceptor.accept(stream).await {
        Ok(tls) => Some(tls),
        Err(error) => {
            tracing::debug!(%error, "a TLS handshake failed");
            None
        }
    }
}

/// Raises the limit of file descriptors as far as the system allows: the usual one is below
/// [`CONNECTIONS_MAX`], and without a free descriptor nothing else works either.
fn raise_descriptor_limit() {
    let Ok((soft, hard)) = getrlimit(Resource::RLIMIT_NOFILE) else { return };
    let wanted = hard.min(DESCRIPTORS_WANTED);
    if soft < wanted
        && let Err(error) = setrlimit(Resource::RLIMIT_NOFILE, wanted, hard)
    {
        tracing::debug!(%error, soft, wanted, "the limit of open files stays");
    }
}

/// The names and addresses of the certificate.
fn names(options: &ApiOptions, address: SocketAddr) -> Vec<String> {
    let fixed =
        ["localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc", "127.0.0.1", "::1"];
    let mut names: Vec<String> = fixed.map(str::to_owned).to_vec();
    if !address.ip().is_unspecified() {
        names.push(address.ip().to_string());
    }
    names.extend(options.names.iter().cloned());
    names.sort();
    names.dedup();
    names
}

/// The address of the server as seen from this machine.
fn reachable(address: SocketAddr) -> SocketAddr {
    if address.ip().is_unspecified() {
        return SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), address.port());
    }
    address
}
