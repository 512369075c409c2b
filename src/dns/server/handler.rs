//! What `hickory-server` calls for each request that it could read.
//!
//! hickory encodes every response itself and gives a handler no way to hand over octets. For
//! datagrams there is one: the handler holds a second handle of the socket they came by. On a
//! stream hickory's encoder stays: it repeats the first owner in full, which costs nothing there,
//! but it compresses 120 names at most, so that an RRset may have to be answered in part.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use hickory_server::net::runtime::Time;
use hickory_server::net::xfer::Protocol;
use hickory_server::proto::op::{Header, HeaderCounts, Metadata};
use hickory_server::proto::serialize::binary::BinDecoder;
use hickory_server::server::{Request, RequestHandler, ResponseHandler, ResponseInfo};
use hickory_server::zone_handler::{MessageResponseBuilder, Queries};
use tokio::net::UdpSocket;

use crate::dns::SharedZones;
use crate::dns::respond::{Transport, respond};
use crate::dns::response::Response;

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
        response_handle: R,
    ) -> ResponseInfo {
        let transport = match request.protocol() {
            Protocol::Udp => Transport::Datagram,
            _ => Transport::Stream,
        };
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        let response = respond(&self.zones.load(), request.as_slice(), transport, turn);
        let Some(mut response) = response else {
            return info(Metadata::response_from_request(&request.metadata));
        };
        let sent = match transport {
            Transport::Datagram => self.udp.send_to(&response.to_octets(), request.src()).await.map(drop),
            Transport::Stream => send(&mut response, request, response_handle).await,
        };
        if let Err(error) = sent {
            tracing::debug!(%error, client = %request.src(), "a response could not be sent");
        }
        if transport == Transport::Stream {
            // Whoever sends thousands of queries at once on one connection lets others in between.
            tokio::task::yield_now().await;
        }
        info(response.header)
    }
}

/// Sends `response` through hickory's encoder.
async fn send(
    response: &mut Response,
    request: &Request,
    mut handle: impl ResponseHandler,
) -> io::Result<()> {
    response.shorten(Response::length_uncompressed);
    let no_question = Queries::read(&mut BinDecoder::new(&[]), 0).map_err(io::Error::other)?;
    let question = if response.question.is_empty() { &no_question } else { &request.queries };
    let message = MessageResponseBuilder::new(question, response.edns.as_ref()).build(
        response.header,
        &response.answers,
        &response.authority,
        [],
        &response.additional,
    );
    handle.send_response(message).await.map(drop).map_err(io::Error::other)
}

fn info(metadata: Metadata) -> ResponseInfo {
    ResponseInfo::from(Header { metadata, counts: HeaderCounts::default() })
}
