//! A session: one client connection of TCP, DoT or DoH, and how its requests are answered.
//!
//! Requests, completed responses and messages of transfers count as uses of the connection. Framing is up
//! to `stream.rs` and `doh.rs`.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio_util::sync::{CancellationToken, WaitForCancellationFuture};

use super::connections::{Connection, Connections};
use super::panics::Panics;
use crate::dns::message::response::Response;
use crate::dns::service::asker::{Asker, Transport};
use crate::dns::service::pending::Waiting;
use crate::dns::service::respond::Reply;
use crate::dns::service::responder::Responder;

/// Shared by all sessions of a listener.
pub(super) struct Sessions {
    transport: Transport,
    responder: Responder,
    /// Counts requests, to rotate address RRsets.
    rotation: AtomicUsize,
    connections: Connections,
    /// Cancelled when no more requests are to be read.
    drain: CancellationToken,
    pub(super) panics: Panics,
}

/// One connection; it leaves the list of open connections when dropped.
pub(super) struct Session {
    shared: Arc<Sessions>,
    connection: Connection,
}

impl Sessions {
    /// No sessions yet. When `drain` is cancelled, they read no more requests; when `close` is, they are
    /// closed.
    pub(super) fn new(
        transport: Transport,
        responder: Responder,
        panics: Panics,
        drain: CancellationToken,
        close: CancellationToken,
    ) -> Arc<Self> {
        let (rotation, connections) = (AtomicUsize::new(0), Connections::until(close));
        Arc::new(Self { transport, responder, rotation, connections, drain, panics })
    }

    /// Starts a session with the client at `address`.
    pub(super) fn begin(self: &Arc<Self>, address: IpAddr) -> Session {
        Session { shared: self.clone(), connection: self.connections.enter(address) }
    }
}

impl Session {
    /// The immediate reply to a request.
    pub(super) fn converse(&self, request: &[u8]) -> Option<Reply<Waiting>> {
        self.touch();
        self.shared.responder.converse(request, self.asker(), self.next_rotation())
    }

    /// The response after upstreams have been asked.
    pub(super) async fn complete(&self, waiting: Waiting) -> Option<Response> {
        let response = self.shared.responder.complete(waiting).await;
        self.touch();
        response
    }

    /// The single response to a request; `None` if there is none.
    pub(super) async fn answer(&self, request: &[u8]) -> Option<Response> {
        self.shared.responder.answer(request, self.asker(), self.next_rotation()).await
    }

    /// Marks the connection as used now.
    pub(super) fn touch(&self) {
        self.shared.connections.touch(&self.connection);
    }

    /// Completes when the connection is to be closed.
    pub(super) fn closed(&self) -> WaitForCancellationFuture<'_> {
        self.connection.stop.cancelled()
    }

    /// Completes when no more requests are to be read: what has been received is still answered.
    pub(super) fn draining(&self) -> WaitForCancellationFuture<'_> {
        self.shared.drain.cancelled()
    }

    /// Reports panics of tasks other than that of the connection.
    pub(super) fn panics(&self) -> &Panics {
        &self.shared.panics
    }

    fn asker(&self) -> Asker {
        Asker { address: self.connection.address, transport: self.shared.transport }
    }

    fn next_rotation(&self) -> usize {
        self.shared.rotation.fetch_add(1, Ordering::Relaxed)
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.shared.connections.leave(&self.connection);
    }
}
