//! Accepting connections for TCP, DoT and DoH, and the TLS handshake.
//!
//! ```text
//!   listener ──► Session ──► (TLS) ─┬─ TCP, DoT ──► stream.rs: messages behind their length
//!                                   └─ DoH ───────► doh.rs: HTTP requests
//! ```
//!
//! At its limits: a handshake is waited for [`HANDSHAKE_TIMEOUT`]; when the system has no descriptor for
//! a new connection, accepting rests for [`ACCEPT_PAUSE`]. How many connections there are is
//! `connections.rs`'s matter. A connection that panics ends the server.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

use super::panics::Panics;
use super::session::{Session, Sessions};
use super::{doh, stream};
use crate::clock::Clock;
use crate::dns::service::asker::Transport;
use crate::dns::service::responder::Responder;

/// How long a TLS handshake may take.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(5);
/// How long to wait when the system has no descriptor for a new connection.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// What is spoken on the connections of a listener.
#[derive(Clone)]
pub(super) enum Protocol {
    /// Messages behind their length.
    Tcp,
    /// The same over TLS.
    Dot(TlsAcceptor),
    /// HTTP over TLS.
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

/// Serves the connections of one listener until `stop` is cancelled.
pub(super) async fn serve(
    listener: TcpListener,
    protocol: Protocol,
    responder: Responder,
    panics: Panics,
    stop: CancellationToken,
) {
    let sessions = Sessions::new(protocol.transport(), responder, panics.clone(), stop.clone());
    let clock = Clock::system();
    loop {
        let accepted = tokio::select! {
            () = stop.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, peer)) => {
                let conversation = converse(stream, peer, protocol.clone(), sessions.begin(peer.ip()));
                let panics = panics.clone();
                tokio::spawn(async move { panics.watch(conversation).await });
            }
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                clock.sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// One connection, from its beginning to its end.
async fn converse(stream: TcpStream, peer: SocketAddr, protocol: Protocol, session: Session) {
    let session = Arc::new(session);
    let ended = tokio::select! {
        () = session.closed() => Ok(()),
        ended = speak(stream, &protocol, &session) => ended,
    };
    if let Err(error) = ended {
        tracing::debug!(%error, %peer, "a connection has ended");
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
