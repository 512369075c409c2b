//! DNS over dedicated QUIC connections (RFC 9250), by `hickory-server`.
//!
//! hickory encodes every response itself and compresses fewer names than we do, so what one message
//! can hold is reckoned without compression; it closes a connection after 100 queries and one that
//! is idle. It has no limit of connections per address; QUIC proves addresses before a connection
//! costs memory, and this listener is off unless it is asked for.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use hickory_server::Server;
use hickory_server::net::runtime::Time;
use hickory_server::proto::op::{Header, HeaderCounts, Metadata};
use hickory_server::proto::serialize::binary::BinEncoder;
use hickory_server::server::{Request, RequestHandler, ResponseHandler, ResponseInfo};
use hickory_server::zone_handler::MessageResponseBuilder;
use rustls::server::ResolvesServerCert;
use tokio::net::UdpSocket;
use tokio_util::sync::CancellationToken;

use super::stream::STREAM_IDLE_TIMEOUT;
use crate::dns::respond::Transport;
use crate::dns::responder::Responder;
use crate::dns::response::Response;

/// Serves the connections of one socket until `stop` is cancelled.
pub(super) async fn serve(
    socket: UdpSocket,
    certificate: Arc<dyn ResolvesServerCert>,
    responder: Responder,
    stop: CancellationToken,
) -> io::Result<()> {
    let mut server = Server::new(Handler { responder, turn: AtomicUsize::new(0) });
    server.register_quic_listener(socket, STREAM_IDLE_TIMEOUT, certificate)?;
    let ended = tokio::select! {
        () = stop.cancelled() => server.shutdown_gracefully().await,
        ended = server.block_until_done() => ended,
    };
    ended.map_err(io::Error::other)
}

struct Handler {
    responder: Responder,
    turn: AtomicUsize,
}

#[async_trait]
impl RequestHandler for Handler {
    async fn handle_request<R: ResponseHandler, T: Time>(
        &self,
        request: &Request,
        response_handle: R,
    ) -> ResponseInfo {
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        let response =
            self.responder.answer(request.as_slice(), request.src().ip(), Transport::Quic, turn).await;
        let sent = match response {
            Some(response) => send(request, response, response_handle).await,
            None => Metadata::response_from_request(&request.metadata),
        };
        ResponseInfo::from(Header { metadata: sent, counts: HeaderCounts::default() })
    }
}

async fn send<R: ResponseHandler>(request: &Request, mut response: Response, mut handle: R) -> Metadata {
    response.shorten(Response::length_uncompressed);
    let padded = response.padded(|response| length(request, response));
    let response = padded.unwrap_or(response);
    let Response { header, answers, authority, additional, .. } = &response;
    let message = builder(request, &response).build(*header, answers, authority, &[], additional);
    if let Err(error) = handle.send_response(message).await {
        tracing::debug!(%error, client = %request.src(), "a response could not be sent");
    }
    *header
}

fn builder<'q>(request: &'q Request, response: &'q Response) -> MessageResponseBuilder<'q> {
    let mut builder = MessageResponseBuilder::from_message_request(request);
    if let Some(edns) = &response.edns {
        builder.edns(edns);
    }
    builder
}

/// How many octets hickory will make of the response.
fn length(request: &Request, response: &Response) -> usize {
    let Response { header, answers, authority, additional, .. } = response;
    let message = builder(request, response).build(*header, answers, authority, &[], additional);
    let mut octets = Vec::new();
    match message.destructive_emit(&mut BinEncoder::new(&mut octets)) {
        Ok(_) => octets.len(),
        Err(_) => usize::MAX,
    }
}
