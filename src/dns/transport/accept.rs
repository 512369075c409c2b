//! Accepting connections for TCP, DoT and DoH, and the TLS handshake.
//!
//! ```text
//!   listener ──► Session ──► (TLS) ─┬─ TCP, DoT ──► stream.rs: messages with a length prefix
//!                                   └─ DoH ───────► doh.rs: HTTP requests
//! ```
//!
//! At the end nothing more is accepted, and connections may answer what they have received, for
//! [`DRAIN_TIMEOUT`] at most; then they are closed.
//!
//! Limits: a handshake may take [`HANDSHAKE_TIMEOUT`]; after an error, such as no free file descriptor,
//! the next accept waits for [`ACCEPT_PAUSE`]. `connections.rs` limits the number of connections. A
//! connection that panics ends the server.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::panics::Panics;
use super::session::{Session, Sessions};
use super::{doh, stream};
use crate::clock::Clock;
use crate::dns::service::asker::Transport;
use crate::dns::service::responder::Responder;

/// Timeout of a TLS handshake.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(5);
/// Pause after a failed accept, which otherwise would fail again at once.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// How long connections may take to answer what they have received before the end.
pub(super) const DRAIN_TIMEOUT: Duration = Duration::from_secs(2);

/// The protocol of a listener.
#[derive(Clone)]
pub(super) enum Protocol {
    /// DNS over TCP.
    Tcp,
    /// DNS over TLS.
    Dot(TlsAcceptor),
    /// DNS over HTTPS.
    Doh(TlsAcceptor),
}

impl Protocol {
    fn transport(&self) -> Transport {
        match self {
            Self::Tcp => Transport::Tcp,
            Self::Dot(_) => Transport::Dot,
            Self::Doh(_) => Transport::Doh,
        }
    }
}

/// Serves the connections of one listener until `stop` is cancelled and they are drained.
pub(super) async fn serve(
    listener: TcpListener,
    protocol: Protocol,
    responder: Responder,
    panics: Panics,
    stop: CancellationToken,
) -> io::Result<()> {
    // Cancelled on every return path, so that no connection outlives its listener.
    let close = CancellationToken::new();
    let _connections_end = close.clone().drop_guard();
    let sessions =
        Sessions::new(protocol.transport(), responder, panics.clone(), stop.clone(), close.clone());
    let conversations = TaskTracker::new();
    let clock = Clock::system();
    loop {
        let accepted = tokio::select! {
            () = stop.cancelled() => break,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, peer)) => {
                let conversation = converse(stream, peer, protocol.clone(), sessions.begin(peer.ip()));
                let panics = panics.clone();
                conversations.spawn(async move { panics.watch(conversation).await });
            }
            Err(error) => {
                tracing::warn!(%error, "cannot accept a connection");
                clock.sleep(ACCEPT_PAUSE).await;
            }
        }
    }
    drop(listener);
    conversations.close();
    if timeout(DRAIN_TIMEOUT, conversations.wait()).await.is_err() {
        tracing::debug!(n_connections = conversations.len(), "connections are closed before they have ended");
    }
    Ok(())
}

/// Serves one connection until it ends or is closed to make room.
async fn converse(stream: TcpStream, peer: SocketAddr, protocol: Protocol, session: Session) {
    let session = Arc::new(session);
    let ended = tokio::select! {
        () = session.closed() => Ok(()),
        ended = speak(stream, &protocol, &session) => ended,
    };
    if let Err(error) = ended {
        tracing::debug!(%error, %peer, "connection closed");
    }
}

async fn speak(stream: TcpStream, protocol: &Protocol, session: &Arc<Session>) -> io::Result<()> {
    stream.set_nodelay(true)?;
    match protocol {
        Protocol::Tcp => stream::converse(session, stream).await,
        Protocol::Dot(tls) => {
            let stream = timeout(HANDSHAKE_TIMEOUT, tls.accept(stream)).await??;
            stream::converse(session, stream).await
        }
        Protocol::Doh(tls) => {
            let stream = timeout(HANDSHAKE_TIMEOUT, tls.accept(stream)).await??;
            doh::converse(session, stream).await
        }
    }
}
