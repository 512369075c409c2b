//! DNS over dedicated QUIC connections (RFC 9250), by `hickory-server`.
//!
//! hickory encodes every response itself and compresses fewer names than we do, so what one message
//! can hold is reckoned without compression; and a response is signed over what hickory will make of
//! it. It ends a stream after one message, so transfers are not had here, signed or not: they are
//! refused as not supported (RFC 9250, 4.2 has all messages of one on its stream).
//!
//! It reads the streams of a connection one after the other: one that stalls holds up those behind
//! it until the connection is idle for too long, and one that is reset ends the connection. Messages
//! that RFC 9250, 4.3.3 makes errors of the protocol (an id that is not 0, say) are answered.
//!
//! At its limits: it closes a connection after 100 queries and one that is idle. It has no limit of
//! connections per address; QUIC proves addresses before a connection costs memory, and this
//! listener is off unless it is asked for.

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
use tokio_util::sync::CancellationToken;

use super::panics::Panics;
use crate::dns::message::response::Response;
use crate::dns::message::tsig::Seal;
use crate::dns::service::asker::{Asker, Transport};
use crate::dns::service::policy::STREAM_IDLE_TIMEOUT;
use crate::dns::service::responder::Responder;

/// Serves the connections of one socket until `stop` is cancelled.
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
        () = stop.cancelled() => server.shutdown_gracefully().await,
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
        // hickory runs requests in tasks of their own and drops their panics.
        let response = self.panics.watch(self.responder.answer(request.as_slice(), asker, rotation)).await;
        let sent = match response.flatten() {
            Some(response) => send(request, response, response_handle).await,
            None => Metadata::response_from_request(&request.metadata),
        };
        ResponseInfo::from(Header { metadata: sent, counts: HeaderCounts::default() })
    }
}

async fn send<R: ResponseHandler>(request: &Request, mut response: Response, mut handle: R) -> Metadata {
    // As hickory sends it (RFC 9250, 4.2.1), and as it is signed.
    response.header.id = 0;
    response.shorten(Response::length_uncompressed);
    if let Some(padding) = response.padding(length(request, &response))
        && let Some(edns) = &mut response.edns
    {
        edns.options_mut().insert(padding);
    }
    if let Err(error) = handle.send_response(sealed(request, &response)).await {
        tracing::debug!(%error, client = %request.src(), "a response could not be sent");
    }
    response.header
}

type Records<'a> = std::slice::Iter<'a, Record>;
type Encodable<'a> = MessageResponse<'a, 'a, Records<'a>, Records<'a>, Records<'a>, Records<'a>>;

/// The response for hickory to encode, with the TSIG record that it has.
fn sealed<'a>(request: &'a Request, response: &'a Response) -> Encodable<'a> {
    let mut message = unsealed(request, response);
    if let Some(signature) = response.seal.as_ref().and_then(|seal| signature(seal, request, response)) {
        message.set_signature(signature);
    }
    message
}

fn unsealed<'a>(request: &'a Request, response: &'a Response) -> Encodable<'a> {
    let mut builder = MessageResponseBuilder::from_message_request(request);
    if let Some(edns) = &response.edns {
        builder.edns(edns);
    }
    let Response { header, answers, authority, additional, .. } = response;
    builder.build(*header, answers, authority, &[], additional)
}

/// The record that signs the octets which hickory makes of the response.
fn signature(seal: &Seal, request: &Request, response: &Response) -> Option<Box<Record<TSIG>>> {
    let octets = encoded(unsealed(request, response))?;
    let start = octets.len();
    let sealed = seal.put_on(octets);
    let record: Record = Record::read(&mut BinDecoder::new(&sealed[start..])).ok()?;
    record.map(|data| if let RData::TSIG(data) = data { Some(data) } else { None }).map(Box::new)
}

/// How many octets hickory will make of the response.
fn length(request: &Request, response: &Response) -> usize {
    encoded(sealed(request, response)).map_or(usize::MAX, |octets| octets.len())
}

/// `None` if a record cannot be encoded; hickory then says SERVFAIL by itself.
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
