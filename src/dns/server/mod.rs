//! UDP and DoQ through `hickory-server`, TCP, DoT and DoH of our own; all call `respond`.
//!
//! ```text
//!  bind.rs: UDP and TCP sockets at every address
//!     ├──► hickory_server::Server, one per address ──► handler.rs ──► respond(&Zones, octets)
//!     └──► stream.rs, one per address ────────────────────────────► respond(&Zones, octets)
//!  encrypted.rs: sockets of DoT, DoH and DoQ, with the certificate of certificate.rs
//!     ├──► stream.rs (DoT, and doh.rs over it) ───────────────────► respond(&Zones, octets)
//!     └──► doq.rs: hickory_server::Server ────────────────────────► respond(&Zones, octets)
//! ```
//!
//! It knows neither names nor zones: the transports send what `respond` makes.

mod bind;
mod certificate;
mod doh;
mod doq;
mod encrypted;
mod handler;
mod stream;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use hickory_server::Server;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

pub use bind::BindError;
use bind::Listener;
pub use certificate::{CertificateError, CertificateFiles};
use encrypted::EncryptedListener;
pub use encrypted::{EncryptedAddresses, EncryptedProtocol};
use handler::Handler;
use stream::Protocol;
pub use stream::STREAM_IDLE_TIMEOUT;

use super::SharedZones;
use super::conduct::Conduct;

/// What is answered from.
#[derive(Clone)]
struct Served {
    zones: SharedZones,
    conduct: Arc<Conduct>,
}

/// A server that is bound to its addresses but does not answer yet.
pub struct DnsServer {
    addresses: Vec<SocketAddr>,
    listeners: Vec<Listener>,
    encrypted: Vec<EncryptedListener>,
    served: Served,
}

impl DnsServer {
    /// Binds UDP and TCP at every address. Port 0 takes a free port, the same for both.
    ///
    /// A wildcard address stands for every address that the machine has now: a reply has to leave
    /// from the address that was asked, which a socket of one address always does.
    pub async fn bind(addresses: &[SocketAddr], zones: SharedZones) -> Result<Self, BindError> {
        let mut listeners = Vec::new();
        for address in addresses {
            listeners.extend(bind::listen(*address).await?);
        }
        let addresses = listeners.iter().map(|listener| listener.address).collect();
        Ok(Self {
            addresses,
            listeners,
            encrypted: Vec::new(),
            served: Served { zones, conduct: Arc::default() },
        })
    }

    /// Sets how clients are met, which is otherwise as [`Conduct::default`] has it.
    pub fn set_conduct(&mut self, conduct: Conduct) {
        self.served.conduct = Arc::new(conduct);
    }

    /// Binds the addresses of encrypted DNS too, with one certificate for all.
    pub async fn bind_encrypted(&mut self, addresses: &EncryptedAddresses) -> Result<(), BindError> {
        self.encrypted.extend(encrypted::bind(addresses).await?);
        Ok(())
    }

    /// Where encrypted DNS is answered, and how.
    pub fn encrypted_addresses(&self) -> Vec<(EncryptedProtocol, SocketAddr)> {
        self.encrypted.iter().map(EncryptedListener::address).collect()
    }

    /// The addresses that are bound.
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// Answers until `stop` is cancelled; then sockets and connections are closed at once.
    ///
    /// Fails when a socket does, which is not expected of one that could be bound.
    pub async fn run(self, stop: CancellationToken) -> io::Result<()> {
        let mut servers = JoinSet::new();
        for listener in self.listeners {
            let handler = Handler::new(self.served.clone(), &listener.udp)?;
            let mut server = Server::new(handler);
            server.register_socket(listener.udp);
            servers.spawn(serve(server, stop.clone()));
            let streams = stream::serve(listener.tcp, Protocol::Tcp, self.served.clone(), stop.clone());
            servers.spawn(async {
                streams.await;
                Ok(())
            });
        }
        for listener in self.encrypted {
            servers.spawn(listener.serve(self.served.clone(), stop.clone()));
        }
        while let Some(ended) = servers.join_next().await {
            ended.map_err(io::Error::other)??;
        }
        stop.cancelled().await;
        Ok(())
    }
}

async fn serve(mut server: Server<Handler>, stop: CancellationToken) -> io::Result<()> {
    let ended = tokio::select! {
        () = stop.cancelled() => server.shutdown_gracefully().await,
        ended = server.block_until_done() => ended,
    };
    ended.map_err(io::Error::other)
}
