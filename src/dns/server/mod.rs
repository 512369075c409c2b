//! UDP through `hickory-server`, TCP of our own; both call `respond`.
//!
//! ```text
//!  bind.rs: UDP and TCP sockets at every address
//!     ├──► hickory_server::Server, one per address ──► handler.rs ──► Responder::respond(octets)
//!     └──► stream.rs, one per address ────────────────────────────► Responder::respond(octets)
//! ```
//!
//! It knows neither names nor zones: both transports send the octets that the responder makes.

mod bind;
mod handler;
mod stream;

use std::io;
use std::net::SocketAddr;

use hickory_server::Server;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

pub use bind::BindError;
use bind::Listener;
use handler::Handler;
pub use stream::STREAM_IDLE_TIMEOUT;

use super::SharedZones;
use super::responder::{Policy, Responder};
use crate::clock::Clock;

/// A server that is bound to its addresses but does not answer yet.
pub struct DnsServer {
    addresses: Vec<SocketAddr>,
    listeners: Vec<Listener>,
    zones: SharedZones,
    policy: Policy,
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
        Ok(Self { addresses, listeners, zones, policy: Policy::default() })
    }

    /// Answers by `policy`.
    pub fn with_policy(self, policy: Policy) -> Self {
        Self { policy, ..self }
    }

    fn responder(&self) -> Responder {
        Responder::new(self.zones.clone(), self.policy.clone(), Clock::system())
    }

    /// The addresses that are bound.
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// Answers until `stop` is cancelled; then sockets and connections are closed at once.
    ///
    /// Fails when a socket does, which is not expected of one that could be bound.
    pub async fn run(mut self, stop: CancellationToken) -> io::Result<()> {
        let mut servers = JoinSet::new();
        for listener in std::mem::take(&mut self.listeners) {
            let handler = Handler::new(self.responder(), &listener.udp)?;
            let mut server = Server::new(handler);
            server.register_socket(listener.udp);
            servers.spawn(serve(server, stop.clone()));
            let streams = stream::serve(listener.tcp, self.responder(), stop.clone());
            servers.spawn(async {
                streams.await;
                Ok(())
            });
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
