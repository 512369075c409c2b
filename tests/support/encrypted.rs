//! A server that is asked over TLS, HTTPS and QUIC, and clients that trust it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use hickory_proto::op::{DnsRequest, DnsRequestOptions, Message};
use hickory_proto::rr::{RData, RecordType};
use hickory_server::net::quic::QuicClientStream;
use hickory_server::net::xfer::DnsRequestSender;
use rcgen::{CertificateParams, KeyPair};
use rustls::ClientConfig;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::binary::{self, Program};
use super::message::framed;
use super::raw;

const NAME: &str = "dns.test";
/// Longer than a server that asks others waits for them.
const REPLY_MAX: Duration = Duration::from_secs(20);

/// A server of every encrypted transport, and a client's trust in it.
pub(crate) struct Encrypted {
    pub(crate) program: Program,
    /// By protocol.
    addresses: Vec<(&'static str, SocketAddr)>,
    trust: ClientConfig,
    _folder: TempDir,
}

impl Encrypted {
    /// `dullahan dns FLAGS...` at free ports of 127.0.0.1, its cluster's zone out of the way.
    pub(crate) fn start(flags: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let [certificate_file, key_file] = ["cert.pem", "key.pem"].map(|file| folder.path().join(file));
        let key = KeyPair::generate().unwrap();
        let certificate = CertificateParams::new([NAME.to_owned()]).unwrap().self_signed(&key).unwrap();
        std::fs::write(&key_file, key.serialize_pem()).unwrap();
        std::fs::write(&certificate_file, certificate.pem()).unwrap();
        let mut all = vec!["--cluster-domain=k8s.invalid".to_owned()];
        all.extend(["dot", "doh", "doq"].map(|protocol| format!("--{protocol}-listen=127.0.0.1:0")));
        all.push(format!("--tls-cert={}", certificate_file.display()));
        all.push(format!("--tls-key={}", key_file.display()));
        all.extend(flags.iter().map(|flag| (*flag).to_owned()));
        let program = binary::start_with("dns", &all);
        let addresses = ["DoT", "DoH", "DoQ"].map(|protocol| (protocol, told(&program, protocol)));
        let trust = raw::trust(certificate.pem().as_bytes(), &[&rustls::version::TLS13]);
        Self { program, addresses: addresses.to_vec(), trust, _folder: folder }
    }

    /// The replies over TLS, HTTPS and QUIC.
    pub(crate) async fn over_each(&self, request: &[u8]) -> [(&'static str, Vec<u8>); 3] {
        [
            ("TLS", self.over_tls(request).await),
            ("HTTPS", self.over_https(request).await),
            ("QUIC", self.over_quic(request).await),
        ]
    }

    /// The first message of the reply.
    pub(crate) async fn over_tls(&self, request: &[u8]) -> Vec<u8> {
        let mut stream = self.connect("DoT").await;
        stream.write_all(&framed(request)).await.unwrap();
        let mut reply = vec![0; usize::from(stream.read_u16().await.unwrap())];
        stream.read_exact(&mut reply).await.unwrap();
        reply
    }

    /// By HTTP/1.1.
    pub(crate) async fn over_https(&self, request: &[u8]) -> Vec<u8> {
        let mut stream = self.connect("DoH").await;
        let head = format!(
            "POST /dns-query HTTP/1.1\r\nHost: {NAME}\r\nConnection: close\r\nContent-Type: application/dns-message\r\n\
             Content-Length: {}\r\n\r\n",
            request.len()
        );
        stream.write_all(&[head.as_bytes(), request].concat()).await.unwrap();
        let mut reply = Vec::new();
        stream.read_to_end(&mut reply).await.unwrap();
        let end = reply.windows(4).position(|window| window == b"\r\n\r\n").unwrap() + 4;
        assert!(reply.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&reply[..end]));
        reply.split_off(end)
    }

    /// Encoded anew by the client, which sends the id 0 (RFC 9250, 4.2.1).
    pub(crate) async fn over_quic(&self, request: &[u8]) -> Vec<u8> {
        let builder =
            QuicClientStream::builder().crypto_config(self.trust.clone()).request_timeout(REPLY_MAX);
        let mut connection = builder.build(self.address("DoQ"), NAME.into()).await.unwrap();
        let request = DnsRequest::new(read(request), DnsRequestOptions::default());
        let reply = connection.send_message(request).next().await;
        reply.expect("there is a reply").expect("it can be read").as_buffer().to_vec()
    }

    fn address(&self, protocol: &str) -> SocketAddr {
        self.addresses.iter().find(|(name, _)| *name == protocol).unwrap().1
    }

    async fn connect(&self, protocol: &str) -> TlsStream<TcpStream> {
        let stream = TcpStream::connect(self.address(protocol)).await.unwrap();
        let connector = TlsConnector::from(Arc::new(self.trust.clone()));
        connector.connect(NAME.try_into().unwrap(), stream).await.unwrap()
    }
}

/// A message that is the same again when it is encoded: its TSIG record stays the last.
fn read(request: &[u8]) -> Message {
    let mut message = Message::from_vec(request).unwrap();
    let has_tsig = message.additionals.last().is_some_and(|last| last.record_type() == RecordType::TSIG);
    let tsig = |data| if let RData::TSIG(tsig) = data { Some(tsig) } else { None };
    let last = message.additionals.pop_if(|_| has_tsig);
    message.signature = last.and_then(|last| last.map(tsig)).map(Box::new);
    message
}

/// Where a program says that it speaks a protocol.
pub(crate) fn told(program: &Program, protocol: &str) -> SocketAddr {
    let place = program.told(&format!("{protocol} on "));
    place.trim_start_matches("https://").trim_end_matches("/dns-query").parse().unwrap()
}
