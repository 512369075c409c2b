//! What `hickory-server` calls for each datagram that it could read.
//!
//! hickory encodes every response itself and gives a handler no way to hand over octets, so the
//! handler holds a second handle of the socket that the request came by and answers there.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use hickory_server::net::runtime::Time;
use hickory_server::proto::op::{Header, HeaderCounts, Metadata};
use hickory_server::server::{Request, RequestHandler, ResponseHandler, ResponseInfo};
use tokio::net::UdpSocket;

use crate::dns::respond::Transport;
use crate::dns::responder::Responder;

/// Answers the requests of one address.
pub(super) struct Handler {
    responder: Responder,
    udp: Arc<UdpSocket>,
    turn: AtomicUsize,
}

impl Handler {
    /// A handler that answers datagrams from the address of `udp`.
    pub(super) fn new(responder: Responder, udp: &UdpSocket) -> io::Result<Self> {
        let socket = std::os::fd::AsFd::as_fd(udp).try_clone_to_owned()?;
        let udp = Arc::new(UdpSocket::from_std(socket.into())?);
        Ok(Self { responder, udp, turn: AtomicUsize::new(0) })
    }
}

#[async_trait]
impl RequestHandler for Handler {
    async fn handle_request<R: ResponseHandler, T: Time>(
        &self,
        request: &Request,
        _response_handle: R,
    ) -> ResponseInfo {
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        let (octets, client) = (request.as_slice(), request.src());
        let response = self.responder.respond(octets, client.ip(), Transport::Datagram, turn);
        if let Some(response) = response
            && let Err(error) = self.udp.send_to(&response, client).await
        {
            tracing::debug!(%error, %client, "a response could not be sent");
        }
        info(Metadata::response_from_request(&request.metadata))
    }
}

fn info(metadata: Metadata) -> ResponseInfo {
    ResponseInfo::from(Header { metadata, counts: HeaderCounts::default() })
}
