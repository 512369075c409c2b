//! Encrypted DNS: the listeners of DoT, DoH and DoQ, with one certificate for all.
//!
//! A wildcard address is bound as it is: TCP connections and QUIC respond from the address that the client
//! asked.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::server::ResolvesServerCert;
use tokio::net::{TcpListener, UdpSocket};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

use super::accept::{self, Protocol};
use super::bind::BindError;
use super::doq;
use super::panics::Panics;
use crate::dns::service::responder::Responder;

/// A protocol of encrypted DNS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EncryptedProtocol {
    /// DNS over TLS (RFC 7858).
    Dot,
    /// DNS over HTTPS (RFC 8484).
    Doh,
    /// DNS over QUIC (RFC 9250).
    Doq,
}

impl EncryptedProtocol {
    /// The usual abbreviation.
    pub fn name(self) -> &'static str {
        match self {
            Self::Dot => "DoT",
            Self::Doh => "DoH",
            Self::Doq => "DoQ",
        }
    }
}

/// The listeners of encrypted DNS.
#[derive(Clone, Debug)]
pub struct EncryptedAddresses {
    /// Protocol and address of each listener. Port 0 takes a free port.
    pub listen: Vec<(EncryptedProtocol, SocketAddr)>,
    /// The server's certificate.
    pub certificate: Arc<dyn ResolvesServerCert>,
}

/// One bound listener.
pub(super) struct EncryptedListener {
    protocol: EncryptedProtocol,
    address: SocketAddr,
    socket: Socket,
}

enum Socket {
    Stream(TcpListener, Protocol),
    Quic(UdpSocket, Arc<dyn ResolvesServerCert>),
}

/// Binds every address.
pub(super) async fn bind(addresses: &EncryptedAddresses) -> Result<Vec<EncryptedListener>, BindError> {
    let mut listeners = Vec::new();
    for (protocol, address) in &addresses.listen {
        let bound = bind_one(*protocol, *address, &addresses.certificate).await;
        let failed = |cause| BindError { address: *address, protocol: protocol.name(), cause };
        listeners.push(bound.map_err(failed)?);
    }
    Ok(listeners)
}

async fn bind_one(
    protocol: EncryptedProtocol,
    address: SocketAddr,
    certificate: &Arc<dyn ResolvesServerCert>,
) -> io::Result<EncryptedListener> {
    let stream = match protocol {
        EncryptedProtocol::Dot => Protocol::Dot(acceptor(certificate, &["dot"])?),
        EncryptedProtocol::Doh => Protocol::Doh(acceptor(certificate, &["h2", "http/1.1"])?),
        EncryptedProtocol::Doq => {
            let socket = UdpSocket::bind(address).await?;
            let (address, socket) = (socket.local_addr()?, Socket::Quic(socket, certificate.clone()));
            return Ok(EncryptedListener { protocol, address, socket });
        }
    };
    let listener = TcpListener::bind(address).await?;
    let (address, socket) = (listener.local_addr()?, Socket::Stream(listener, stream));
    Ok(EncryptedListener { protocol, address, socket })
}

/// A TLS 1.2 and 1.3 acceptor with these ALPN protocols.
fn acceptor(certificate: &Arc<dyn ResolvesServerCert>, protocols: &[&str]) -> io::Result<TlsAcceptor> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)?
        .with_no_client_auth()
        .with_cert_resolver(certificate.clone());
    config.alpn_protocols = protocols.iter().map(|name| name.as_bytes().to_vec()).collect();
    Ok(Arc::new(config).into())
}

impl EncryptedListener {
    /// Protocol and address.
    pub(super) fn address(&self) -> (EncryptedProtocol, SocketAddr) {
        (self.protocol, self.address)
    }

    /// Serves until `stop` is cancelled.
    pub(super) async fn serve(
        self,
        responder: Responder,
        panics: Panics,
        stop: CancellationToken,
    ) -> io::Result<()> {
        match self.socket {
            Socket::Stream(listener, protocol) => {
                accept::serve(listener, protocol, responder, panics, stop).await
            }
            Socket::Quic(socket, certificate) => {
                doq::serve(socket, certificate, responder, panics, stop).await
            }
        }
    }
}
