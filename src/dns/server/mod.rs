//! UDP and TCP transports of our own; both send the octets that `respond` makes.
//!
//! ```text
//!  bind.rs: sockets at every address
//!     ├──► datagram.rs, one thread per worker with a UDP socket of each address ──► fast, respond
//!     └──► stream.rs, one task per TCP address ──────────────────────────────────► respond
//! ```
//!
//! It knows neither names nor zones.

mod bind;
mod datagram;
mod stream;

use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::num::NonZeroUsize;
use std::sync::Arc;

use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

pub use bind::BindError;
use bind::Listener;
use datagram::Worker;
pub use stream::STREAM_IDLE_TIMEOUT;

use super::SharedZones;
use super::fast::Paths;

/// How datagrams are served.
#[derive(Clone, Copy, Debug)]
pub struct DatagramOptions {
    /// How many threads there are.
    pub workers: NonZeroUsize,
    /// Which ways there are to a response.
    pub paths: Paths,
}

impl Default for DatagramOptions {
    /// One thread per core that this process may use.
    fn default() -> Self {
        let workers = std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
        Self { workers, paths: Paths::FastFirst }
    }
}

/// A server that is bound to its addresses but does not answer yet.
pub struct DnsServer {
    addresses: Vec<SocketAddr>,
    listeners: Vec<Listener>,
    zones: SharedZones,
    paths: Paths,
}

impl DnsServer {
    /// Binds UDP and TCP at every address. Port 0 takes a free port, the same for both.
    ///
    /// A wildcard address stands for every address that the machine has now: a reply has to leave
    /// from the address that was asked, which a socket of one address always does.
    pub async fn bind(addresses: &[SocketAddr], zones: SharedZones) -> Result<Self, BindError> {
        Self::bind_with(addresses, zones, DatagramOptions::default()).await
    }

    /// As [`DnsServer::bind`], with datagrams served as `options` say.
    pub async fn bind_with(
        addresses: &[SocketAddr],
        zones: SharedZones,
        options: DatagramOptions,
    ) -> Result<Self, BindError> {
        let mut listeners = Vec::new();
        for address in addresses {
            listeners.extend(bind::listen(*address, options.workers).await?);
        }
        let addresses = listeners.iter().map(|listener| listener.address).collect();
        Ok(Self { addresses, listeners, zones, paths: options.paths })
    }

    /// The addresses that are bound.
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// Answers until `stop` is cancelled; then sockets and connections are closed at once.
    ///
    /// Fails when a thread cannot be started.
    pub async fn run(self, stop: CancellationToken) -> io::Result<()> {
        // However this ends, the workers end too.
        let stop = stop.child_token();
        let _workers_end = stop.clone().drop_guard();
        let mut servers = JoinSet::new();
        let mut datagrams = Vec::new();
        for listener in self.listeners {
            datagrams.push(listener.udp);
            servers.spawn(stream::serve(listener.tcp, self.zones.clone(), stop.clone()));
        }
        let alarm = Arc::new(datagram::Alarm::new()?);
        let turns = Arc::default();
        for (index, sockets) in per_worker(datagrams).into_iter().enumerate() {
            let worker =
                Worker::new(sockets, self.zones.clone(), self.paths, Arc::clone(&turns), alarm.clone())?;
            let ended = worker.start(index, stop.clone())?;
            // A worker that has panicked drops its end of the channel, which counts as ended.
            servers.spawn(async { ended.await.unwrap_or_default() });
        }
        stop.cancelled().await;
        alarm.ring();
        while let Some(ended) = servers.join_next().await {
            ended.map_err(io::Error::other)?;
        }
        Ok(())
    }
}

/// From sockets by address to sockets by worker.
fn per_worker(by_address: Vec<Vec<UdpSocket>>) -> Vec<Vec<UdpSocket>> {
    let mut workers: Vec<Vec<UdpSocket>> = Vec::new();
    for sockets in by_address {
        workers.resize_with(sockets.len(), Vec::new);
        for (worker, socket) in workers.iter_mut().zip(sockets) {
            worker.push(socket);
        }
    }
    workers
}
