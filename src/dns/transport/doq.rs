//! DNS over dedicated QUIC connections (RFC 9250), by `hickory-server`.
//!
//! hickory encodes responses itself and compresses fewer names than our encoder, so the length limit is
//! applied to the uncompressed length, and TSIG signs the octets that hickory will produce. hickory ends
//! a stream after one message, so zone transfers, which need all messages on one stream (RFC 9250, 4.2),
//! are refused as not supported.
//!
//! hickory reads the streams of a connection one after the other: a stalled stream blocks those behind it
//! until the idle timeout, and a stream reset ends the connection. Messages that RFC 9250, 4.3.3 makes
//! protocol errors, such as an ID other than 0, are answered.
//!
//! Limits: hickory closes a connection after 100 queries or when it is idle. There is no limit per
//! address; QUIC validates addresses, and this listener is off by default. A request that panics ends the
//! server.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use hickory_server::Server;
use hickory_server::net::runtime::Time;
use hickory_server::proto::op::{Header, HeaderCounts, Metadata};
use hickory_server::proto::rr::rdata::TSIG;
use hickory_server::proto::rr::{RData, Record};
use hickory_server::proto::serialize::binary::{BinDecodable, BinDecoder, BinEncoder};
use hickory_server::server::{Request, RequestHandler, ResponseHandler, ResponseInfo};
use hickory_server::zone_handler::{MessageResponse, MessageResponseBuilder};
use rustls::server::ResolvesServerCert;
use tokio::net::UdpSocket;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::accept::DRAIN_TIMEOUT;
use super::panics::Panics;
use crate::dns::message::response::Response;
use crate::dns::message::tsig::ResponseTsig;
use crate::dns::service::asker::{Asker, Transport};
use crate::dns::service::policy::STREAM_IDLE_TIMEOUT;
use crate::dns::service::responder::Responder;

/// Serves the connections of one socket until `stop` is cancelled and hickory has ended them, within
/// [`DRAIN_TIMEOUT`].
pub(super) async fn serve(
    socket: UdpSocket,
    certificate: Arc<dyn ResolvesServerCert>,
    responder: Responder,
    panics: Panics,
    stop: CancellationToken,
) -> io::Result<()> {
    let mut server = Server::new(Handler { responder, panics, rotation: AtomicUsize::new(0) });
    server.register_quic_listener(socket, STREAM_IDLE_TIMEOUT, certificate)?;
    let ended = tokio::select! {
        () = stop.cancelled() => match timeout(DRAIN_TIMEOUT, server.shutdown_gracefully()).await {
            Ok(ended) => ended,
            Err(_) => return Ok(()),
        },
        ended = server.block_until_done() => ended,
    };
    ended.map_err(io::Error::other)
}

struct Handler {
    responder: Responder,
    panics: Panics,
    rotation: AtomicUsize,
}

#[async_trait]
impl RequestHandler for Handler {
    async fn handle_request<R: ResponseHandler, T: Time>(
        &self,
        request: &Request,
        response_handle: R,
    ) -> ResponseInfo {
        let rotation = self.rotation.fetch_add(1, Ordering::Relaxed);
        let asker = Asker { address: request.src().ip(), transport: Transport::Doq };
        // hickory runs requests in tasks of its own and discards their panics.
        let response = self.panics.watch(self.responder.answer(request.as_slice(), asker, rotation)).await;
        let sent = match response.flatten() {
            Some(response) => send(request, response, response_handle).await,
            None => Metadata::response_from_request(&request.metadata),
        };
        ResponseInfo::from(Header { metadata: sent, counts: HeaderCounts::default() })
    }
}

async fn send<R: ResponseHandler>(request: &Request, mut response: Response, mut handle: R) -> Metadata {
    // hickory sends ID 0 (RFC 9250, 4.2.1), so that is what has to be signed.
    response.header.id = 0;
    response.shorten(Response::length_uncompressed);
    if let Some(padding) = response.padding(length(request, &response))
        && let Some(edns) = &mut response.edns
    {
        edns.options_mut().insert(padding);
    }
    if let Err(error) = handle.send_response(with_tsig(request, &response)).await {
        tracing::debug!(%error, client = %request.src(), "cannot send a response");
    }
    response.header
}

type Records<'a> = std::slice::Iter<'a, Record>;
type Encodable<'a> = MessageResponse<'a, 'a, Records<'a>, Records<'a>, Records<'a>, Records<'a>>;

/// The response for hickory to encode, with its TSIG record.
fn with_tsig<'a>(request: &'a Request, response: &'a Response) -> Encodable<'a> {
    let mut message = without_tsig(request, response);
    if let Some(signature) = response.tsig.as_ref().and_then(|tsig| signature(tsig, request, response)) {
        message.set_signature(signature);
    }
    message
}

fn without_tsig<'a>(request: &'a Request, response: &'a Response) -> Encodable<'a> {
    let mut builder = MessageResponseBuilder::from_message_request(request);
    if let Some(edns) = &response.edns {
        builder.edns(edns);
    }
    let Response { header, answers, authority, additional, .. } = response;
    builder.build(*header, answers, authority, &[], additional)
}

/// The TSIG record over the octets that hickory will produce.
fn signature(tsig: &ResponseTsig, request: &Request, response: &Response) -> Option<Box<Record<TSIG>>> {
    let octets = encoded(without_tsig(request, response))?;
    let start = octets.len();
    let signed = tsig.append_to(octets);
    let record: Record = Record::read(&mut BinDecoder::new(&signed[start..])).ok()?;
    record.map(|data| if let RData::TSIG(data) = data { Some(data) } else { None }).map(Box::new)
}

/// The length that hickory will produce.
fn length(request: &Request, response: &Response) -> usize {
    encoded(with_tsig(request, response)).map_or(usize::MAX, |octets| octets.len())
}

/// `None` if a record cannot be encoded; hickory then sends SERVFAIL.
fn encoded(message: Encodable<'_>) -> Option<Vec<u8>> {
    let mut octets = Vec::new();
    message.destructive_emit(&mut BinEncoder::new(&mut octets)).ok()?;
    Some(octets)
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, SocketAddr};

    use hickory_server::net::NetError;
    use hickory_server::net::runtime::TokioTime;
    use hickory_server::net::xfer::Protocol;

    use super::*;
    use crate::dns::transport::tests::{query, responder};

    /// Nothing is to be sent.
    #[derive(Clone)]
    struct Unused;

    #[async_trait]
    impl ResponseHandler for Unused {
        async fn send_response<'a>(
            &mut self,
            _: MessageResponse<
                '_,
                'a,
                impl Iterator<Item = &'a Record> + Send + 'a,
                impl Iterator<Item = &'a Record> + Send + 'a,
                impl Iterator<Item = &'a Record> + Send + 'a,
                impl Iterator<Item = &'a Record> + Send + 'a,
            >,
        ) -> Result<ResponseInfo, NetError> {
            panic!("there is no response")
        }
    }

    #[tokio::test]
    async fn a_request_that_panics_is_reported_with_its_reason() {
        let (panics, mut reported) = Panics::new();
        let handler = Handler { responder: responder(), panics, rotation: AtomicUsize::new(0) };
        let client = SocketAddr::from((Ipv4Addr::LOCALHOST, 853));
        let request = Request::from_bytes(query(), client, Protocol::Quic).unwrap();
        handler.handle_request::<_, TokioTime>(&request, Unused).await;
        let payload = reported.recv().await.unwrap();
        assert_eq!(payload.downcast_ref::<String>().unwrap(), "planted fault at missing.example.");
    }
}
