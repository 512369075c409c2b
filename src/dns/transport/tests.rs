//! A part of the server that panics ends its run with the same panic.

use std::sync::Arc;

use arc_swap::ArcSwap;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hickory_proto::op::{Edns, Message, MessageType, OpCode, Query};
use hickory_proto::rr::{Name, RecordType};
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpStream, UdpSocket};
use tokio::time::timeout;

use super::session::Sessions;
use super::*;
use crate::dns::service::asker::Transport;
use crate::dns::zone::{Reason, Reasons, Zones};
use crate::dns::zonefile::master;

const ZONE: &str = "$ORIGIN example.\n@ 5 SOA ns root 1 2 3 4 5\n";
const ENDS_WITHIN: std::time::Duration = std::time::Duration::from_secs(10);

/// Panics whenever a client asks for a name that does not exist.
#[derive(Debug)]
struct Fault;

impl Reasons for Fault {
    fn reason(&self, name: &Name, _: RecordType) -> Option<Reason> {
        panic!("planted fault at {name}")
    }
}

/// A query whose answer panics.
pub(super) fn query() -> Vec<u8> {
    let mut message = Message::new(7, MessageType::Query, OpCode::Query);
    message.add_query(Query::query(Name::from_ascii("missing.example.").unwrap(), RecordType::A));
    message.edns = Some(Edns::new());
    message.to_vec().unwrap()
}

fn zones() -> SharedZones {
    let mut zones = Zones::new([master::parse_zone("test", ZONE, None).unwrap()]);
    zones.set_reasons(Arc::new(Fault));
    Arc::new(ArcSwap::from_pointee(zones))
}

/// A responder that panics at [`query`].
pub(super) fn responder() -> Responder {
    Responder::new(zones(), Arc::default())
}

/// What the run of a server panics with when it is sent a query by `send`.
async fn reason_after(send: impl AsyncFnOnce(SocketAddr, Vec<u8>)) -> String {
    let server = DnsServer::bind(&["127.0.0.1:0".parse().unwrap()], zones()).await.unwrap();
    let address = server.addresses()[0];
    let running = tokio::spawn(server.run(CancellationToken::new()));
    send(address, query()).await;
    let ended = timeout(ENDS_WITHIN, running).await.expect("the run ends");
    *ended.unwrap_err().into_panic().downcast().unwrap()
}

const REASON: &str = "planted fault at missing.example.";

#[tokio::test]
async fn a_udp_worker_that_panics_ends_the_server_with_its_reason() {
    let reason = reason_after(async |address, query| {
        let client = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        client.send_to(&query, address).await.unwrap();
    });
    assert_eq!(reason.await, REASON);
}

#[tokio::test]
async fn a_tcp_connection_that_panics_ends_the_server_with_its_reason() {
    let reason = reason_after(async |address, query| {
        let mut client = TcpStream::connect(address).await.unwrap();
        let length = u16::try_from(query.len()).unwrap().to_be_bytes();
        client.write_all(&[&length[..], &query].concat()).await.unwrap();
    });
    assert_eq!(reason.await, REASON);
}

#[tokio::test]
async fn a_request_over_https_that_panics_is_reported_with_its_reason() {
    let (panics, mut reported) = Panics::new();
    let sessions = Sessions::new(Transport::Doh, responder(), panics, CancellationToken::new());
    let session = Arc::new(sessions.begin([127, 0, 0, 1].into()));
    let (mut client, server) = tokio::io::duplex(4096);
    let served = tokio::spawn(async move { doh::converse(&session, server).await });
    let text = URL_SAFE_NO_PAD.encode(query());
    client
        .write_all(format!("GET /dns-query?dns={text} HTTP/1.1\r\nHost: a\r\n\r\n").as_bytes())
        .await
        .unwrap();
    let payload = timeout(ENDS_WITHIN, reported.recv()).await.expect("it is reported").unwrap();
    assert_eq!(payload.downcast_ref::<String>().unwrap(), REASON);
    served.abort();
}
