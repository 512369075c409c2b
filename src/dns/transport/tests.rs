//! How a server ends: a part that panics ends its run with the same panic, and what is in progress when it
//! is asked to end is finished.

use std::sync::Arc;

use arc_swap::ArcSwap;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hickory_proto::op::{Edns, Message, MessageType, OpCode, Query, ResponseCode};
use hickory_proto::rr::rdata::SOA;
use hickory_proto::rr::{Name, RData, Record, RecordType};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UdpSocket};
use tokio::sync::oneshot;
use tokio::time::timeout;

use super::session::Sessions;
use super::*;
use crate::clock::Clock;
use crate::dns::service::access::Clients;
use crate::dns::service::asker::Transport;
use crate::dns::service::forward::Forwarder;
use crate::dns::service::policy::Recursion;
use crate::dns::zone::{Reason, Reasons, Zone, Zones};
use crate::dns::zonefile::master;

const ZONE: &str = "$ORIGIN example.\n@ 5 SOA ns root 1 2 3 4 5\nout 5 CNAME missing.test.\n";
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
    query_for("missing.example.")
}

fn query_for(name: &str) -> Vec<u8> {
    let mut message = Message::new(7, MessageType::Query, OpCode::Query);
    message.metadata.recursion_desired = true;
    message.add_query(Query::query(Name::from_ascii(name).unwrap(), RecordType::A));
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

/// What the run of a server panics with when `send` sends to it.
async fn reason_after(policy: Policy, send: impl AsyncFnOnce(SocketAddr)) -> String {
    let server = DnsServer::bind(&["127.0.0.1:0".parse().unwrap()], zones()).await.unwrap();
    let server = server.with_policy(policy);
    let address = server.addresses()[0];
    let running = tokio::spawn(server.run(CancellationToken::new()));
    send(address).await;
    let ended = timeout(ENDS_WITHIN, running).await.expect("the run ends");
    *ended.unwrap_err().into_panic().downcast().unwrap()
}

async fn send_datagram(address: SocketAddr, query: &[u8]) {
    let client = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    client.send_to(query, address).await.unwrap();
}

/// An upstream that answers NXDOMAIN to everything.
async fn denying_upstream() -> SocketAddr {
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let address = socket.local_addr().unwrap();
    let soa = RData::SOA(SOA::new(Name::root(), Name::root(), 1, 2, 3, 4, 5));
    tokio::spawn(async move {
        let mut buffer = [0; 512];
        loop {
            let (length, from) = socket.recv_from(&mut buffer).await.unwrap();
            let mut message = Message::from_vec(&buffer[..length]).unwrap();
            message.metadata.message_type = MessageType::Response;
            message.metadata.response_code = ResponseCode::NXDomain;
            message.authorities.push(Record::from_rdata(Name::root(), 5, soa.clone()));
            socket.send_to(&message.to_vec().unwrap(), from).await.unwrap();
        }
    });
    address
}

const REASON: &str = "planted fault at missing.example.";

#[tokio::test]
async fn a_udp_worker_that_panics_ends_the_server_with_its_reason() {
    let send = async |address: SocketAddr| send_datagram(address, &query()).await;
    assert_eq!(reason_after(Policy::default(), send).await, REASON);
}

#[tokio::test]
async fn a_tcp_connection_that_panics_ends_the_server_with_its_reason() {
    let send = async |address: SocketAddr| {
        let mut client = TcpStream::connect(address).await.unwrap();
        let query = query();
        let length = u16::try_from(query.len()).unwrap().to_be_bytes();
        client.write_all(&[&length[..], &query].concat()).await.unwrap();
    };
    assert_eq!(reason_after(Policy::default(), send).await, REASON);
}

#[tokio::test]
async fn a_forwarded_response_that_panics_ends_the_server_with_its_reason() {
    let forwarder = Forwarder::new(&[denying_upstream().await], None, Clock::system()).unwrap();
    let clients = Clients(vec!["127.0.0.0/8".parse().unwrap()]);
    let recursion = Some(Recursion { clients, forwarder: Arc::new(forwarder) });
    let send = async |address: SocketAddr| send_datagram(address, &query_for("out.example.")).await;
    let reason = reason_after(Policy { recursion, ..Policy::default() }, send).await;
    assert_eq!(reason, "planted fault at missing.test.");
}

/// An upstream that answers once it is allowed to, and says when it has been asked.
async fn hesitating_upstream() -> (SocketAddr, oneshot::Receiver<()>, oneshot::Sender<()>) {
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let address = socket.local_addr().unwrap();
    let (tell, asked) = oneshot::channel();
    let (allow, allowed) = oneshot::channel::<()>();
    tokio::spawn(async move {
        let mut buffer = [0; 512];
        let (length, from) = socket.recv_from(&mut buffer).await.unwrap();
        tell.send(()).unwrap();
        allowed.await.unwrap();
        let mut message = Message::from_vec(&buffer[..length]).unwrap();
        message.metadata.message_type = MessageType::Response;
        message.metadata.response_code = ResponseCode::Refused;
        socket.send_to(&message.to_vec().unwrap(), from).await.unwrap();
    });
    (address, asked, allow)
}

#[tokio::test]
async fn what_is_in_progress_when_the_server_ends_is_answered_and_nothing_more_is_accepted() {
    let soa = SOA::new(Name::root(), Name::root(), 1, 2, 3, 4, 5);
    let zone = Zone::new(Name::from_ascii("ours.example.").unwrap(), soa, 5);
    let zones = Arc::new(ArcSwap::from_pointee(Zones::new([zone])));
    for is_stream in [false, true] {
        let (upstream, asked, allow) = hesitating_upstream().await;
        let forwarder = Forwarder::new(&[upstream], None, Clock::system()).unwrap();
        let clients = Clients(vec!["127.0.0.0/8".parse().unwrap()]);
        let recursion = Some(Recursion { clients, forwarder: Arc::new(forwarder) });
        let server = DnsServer::bind(&["127.0.0.1:0".parse().unwrap()], zones.clone()).await.unwrap();
        let server = server.with_policy(Policy { recursion, ..Policy::default() });
        let (address, stop) = (server.addresses()[0], CancellationToken::new());
        let running = tokio::spawn(server.run(stop.clone()));
        let query = query_for("out.example.");
        let mut answer = [0; 512];
        let datagram = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let mut stream = TcpStream::connect(address).await.unwrap();
        if is_stream {
            let length = u16::try_from(query.len()).unwrap().to_be_bytes();
            stream.write_all(&[&length[..], &query].concat()).await.unwrap();
        } else {
            datagram.send_to(&query, address).await.unwrap();
        }
        asked.await.unwrap();
        stop.cancel();
        // It listens no more before what is in progress has ended.
        while TcpStream::connect(address).await.is_ok() {
            tokio::task::yield_now().await;
        }
        allow.send(()).unwrap();
        let n_octets = match is_stream {
            true => timeout(ENDS_WITHIN, stream.read(&mut answer)).await.expect("it is answered").unwrap(),
            false => timeout(ENDS_WITHIN, datagram.recv(&mut answer)).await.expect("it is answered").unwrap(),
        };
        assert!(n_octets > query.len() / 2, "over TCP: {is_stream}");
        timeout(ENDS_WITHIN, running).await.expect("the run ends").unwrap().unwrap();
    }
}

#[tokio::test]
async fn a_request_over_https_that_panics_is_reported_with_its_reason() {
    let (panics, mut reported) = Panics::new();
    let sessions = Sessions::new(
        Transport::Doh,
        responder(),
        panics,
        CancellationToken::new(),
        CancellationToken::new(),
    );
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
