//! Transfers where they are not had: over HTTPS and QUIC a client is told so, with the reason.
//!
//! HTTPS carries one message for one (RFC 8484, 4.2.1); over QUIC this server does not send more
//! than one either. Over TLS transfers are had as over TCP.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod support;

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use hickory_proto::op::{DnsRequest, DnsRequestOptions, Message, ResponseCode};
use hickory_proto::rr::rdata::opt::EdnsOption;
use hickory_server::net::quic::QuicClientStream;
use hickory_server::net::xfer::DnsRequestSender;
use rcgen::{CertificateParams, KeyPair};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use support::binary::{self, Program};
use support::message::{ask, framed};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

const NAME: &str = "dns.test";
const AXFR: u16 = 252;
const EXTENDED_ERROR: u16 = 15;
/// RFC 8914, 4.22.
const NOT_SUPPORTED: [u8; 2] = [0, 21];
const START_MAX: Duration = Duration::from_secs(30);
const REPLY_MAX: Duration = Duration::from_secs(10);

/// A server of every encrypted transport, and a client's trust in it.
struct World {
    _program: Program,
    /// By protocol.
    addresses: Vec<(&'static str, SocketAddr)>,
    trust: ClientConfig,
}

impl World {
    fn start(folder: &Path) -> Self {
        let key = KeyPair::generate().unwrap();
        let certificate = CertificateParams::new([NAME.to_owned()]).unwrap().self_signed(&key).unwrap();
        std::fs::write(folder.join("key.pem"), key.serialize_pem()).unwrap();
        std::fs::write(folder.join("cert.pem"), certificate.pem()).unwrap();
        let mut flags = vec!["--zones=tests/zones".to_owned(), "--cluster-domain=k8s.invalid".to_owned()];
        flags.extend(["dot", "doh", "doq"].map(|protocol| format!("--{protocol}-listen=127.0.0.1:0")));
        flags.push(format!("--tls-cert={}", folder.join("cert.pem").display()));
        flags.push(format!("--tls-key={}", folder.join("key.pem").display()));
        flags.push("--allow-transfer=127.0.0.1".to_owned());
        let program = binary::start_with("dns", &flags);
        let addresses = ["DoT", "DoH", "DoQ"].map(|protocol| {
            let mut lines = std::iter::repeat_with(|| program.lines.recv_timeout(START_MAX).unwrap());
            let begins = format!("{protocol} on ");
            let place = lines.find_map(|line| line.strip_prefix(&begins).map(str::to_owned)).unwrap();
            let place = place.trim_start_matches("https://").trim_end_matches("/dns-query");
            (protocol, place.split(' ').next().unwrap().parse().unwrap())
        });
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(certificate.pem().as_bytes()).unwrap()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let trust = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS13])
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        Self { _program: program, addresses: addresses.to_vec(), trust }
    }

    fn address(&self, protocol: &str) -> SocketAddr {
        self.addresses.iter().find(|(name, _)| *name == protocol).unwrap().1
    }

    async fn connect(&self, protocol: &str) -> TlsStream<TcpStream> {
        let stream = TcpStream::connect(self.address(protocol)).await.unwrap();
        let connector = TlsConnector::from(Arc::new(self.trust.clone()));
        connector.connect(NAME.try_into().unwrap(), stream).await.unwrap()
    }

    async fn over_tls(&self, request: &[u8]) -> Message {
        let mut stream = self.connect("DoT").await;
        stream.write_all(&framed(request)).await.unwrap();
        let mut reply = vec![0; usize::from(stream.read_u16().await.unwrap())];
        stream.read_exact(&mut reply).await.unwrap();
        Message::from_vec(&reply).unwrap()
    }

    /// By HTTP/1.1.
    async fn over_https(&self, request: &[u8]) -> Message {
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
        Message::from_vec(&reply[end..]).unwrap()
    }

    async fn over_quic(&self, request: &[u8]) -> Message {
        let builder =
            QuicClientStream::builder().crypto_config(self.trust.clone()).request_timeout(REPLY_MAX);
        let mut connection = builder.build(self.address("DoQ"), NAME.into()).await.unwrap();
        let request = DnsRequest::new(Message::from_vec(request).unwrap(), DnsRequestOptions::default());
        let reply = connection.send_message(request).next().await;
        reply.expect("there is a reply").expect("it can be read").into_message()
    }
}

#[tokio::test]
async fn a_transfer_is_had_over_tls_and_refused_with_the_reason_over_https_and_quic() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::start(folder.path());
    let request = ask("cluster.local", AXFR).edns().octets();
    let by_tls = world.over_tls(&request).await;
    assert_eq!(by_tls.metadata.response_code, ResponseCode::NoError);
    assert!(by_tls.answers.len() > 100, "{} records in the first message", by_tls.answers.len());
    for (transport, reply) in
        [("HTTPS", world.over_https(&request).await), ("QUIC", world.over_quic(&request).await)]
    {
        assert_eq!(reply.metadata.response_code, ResponseCode::Refused, "{transport}");
        assert!(reply.answers.is_empty(), "{transport}");
        let edns = reply.edns.unwrap_or_else(|| panic!("{transport}: no EDNS"));
        let told: Vec<&[u8]> = edns
            .options()
            .as_ref()
            .iter()
            .filter_map(|(_, option)| match option {
                EdnsOption::Unknown(EXTENDED_ERROR, told) => Some(told.as_slice()),
                _ => None,
            })
            .collect();
        assert!(matches!(&told[..], [one] if one.starts_with(&NOT_SUPPORTED)), "{transport}: {told:?}");
    }
}
