//! One connection of a client: who it is, and what its requests are answered from.
//!
//! Every request and every message that is sent counts as a use of the connection. Nothing here knows
//! how messages are framed; TCP, DoT and DoH bring that.

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

/// What the sessions of a listener share.
pub(super) struct Sessions {
    transport: Transport,
    responder: Responder,
    /// Counts requests, so that each client finds another address first.
    rotation: AtomicUsize,
    connections: Connections,
    pub(super) panics: Panics,
}

/// One connection, from its beginning to its end.
pub(super) struct Session {
    shared: Arc<Sessions>,
    connection: Connection,
}

impl Sessions {
    /// No sessions yet; all are closed when `stop` is cancelled.
    pub(super) fn new(
        transport: Transport,
        responder: Responder,
        panics: Panics,
        stop: CancellationToken,
    ) -> Arc<Self> {
        let (rotation, connections) = (AtomicUsize::new(0), Connections::until(stop));
        Arc::new(Self { transport, responder, rotation, connections, panics })
    }

    /// A session of a client at `address`.
    pub(super) fn begin(self: &Arc<Self>, address: IpAddr) -> Session {
        Session { shared: self.clone(), connection: self.connections.enter(address) }
    }
}

impl Session {
    /// What is said at once to a request.
    pub(super) fn converse(&self, request: &[u8]) -> Option<Reply<Waiting>> {
        self.touch();
        self.shared.responder.converse(request, self.asker(), self.next_rotation())
    }

    /// The response to what waited for upstreams.
    pub(super) async fn complete(&self, waiting: Waiting) -> Option<Response> {
        let response = self.shared.responder.complete(waiting).await;
        self.touch();
        response
    }

    /// The one response to a request; `None` for silence.
    pub(super) async fn answer(&self, request: &[u8]) -> Option<Response> {
        self.shared.responder.answer(request, self.asker(), self.next_rotation()).await
    }

    /// Notes that the connection is used now.
    pub(super) fn touch(&self) {
        self.shared.connections.touch(&self.connection);
    }

    /// Ready when the connection is to be closed.
    pub(super) fn closed(&self) -> WaitForCancellationFuture<'_> {
        self.connection.stop.cancelled()
    }

    /// Where panics of tasks beside that of the connection are reported.
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
