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

use super::Served;
use crate::dns::respond::{Asker, Transport, respond};

/// Answers the requests of one address.
pub(super) struct Handler {
    served: Served,
    udp: Arc<UdpSocket>,
    turn: AtomicUsize,
}

impl Handler {
    /// A handler that answers datagrams from the address of `udp`.
    pub(super) fn new(served: Served, udp: &UdpSocket) -> io::Result<Self> {
        let socket = std::os::fd::AsFd::as_fd(udp).try_clone_to_owned()?;
        let udp = Arc::new(UdpSocket::from_std(socket.into())?);
        Ok(Self { served, udp, turn: AtomicUsize::new(0) })
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
        let asker = Asker { address: request.src().ip(), transport: Transport::Datagram };
        let Served { zones, conduct } = &self.served;
        let response = respond(&zones.load(), conduct, request.as_slice(), asker, turn);
        let Some(response) = response else {
            return info(Metadata::response_from_request(&request.metadata));
        };
        if let Err(error) = self.udp.send_to(&response.to_octets(), request.src()).await {
            tracing::debug!(%error, client = %request.src(), "a response could not be sent");
        }
        info(response.header)
    }
}

fn info(metadata: Metadata) -> ResponseInfo {
    ResponseInfo::from(Header { metadata, counts: HeaderCounts::default() })
}
