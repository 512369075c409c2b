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

use crate::dns::SharedZones;
use crate::dns::respond::{Transport, respond};

/// Answers the requests of one address.
pub(super) struct Handler {
    zones: SharedZones,
    udp: Arc<UdpSocket>,
    turn: AtomicUsize,
}

impl Handler {
    /// A handler that answers datagrams from the address of `udp`.
    pub(super) fn new(zones: SharedZones, udp: &UdpSocket) -> io::Result<Self> {
        let socket = std::os::fd::AsFd::as_fd(udp).try_clone_to_owned()?;
        let udp = Arc::new(UdpSocket::from_std(socket.into())?);
        Ok(Self { zones, udp, turn: AtomicUsize::new(0) })
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
        let response = respond(&self.zones.load(), request.as_slice(), Transport::Datagram, turn);
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
