//! The transports: UDP, TCP, DoT and DoH of our own, DoQ through `hickory-server`.
//!
//! ```text
//!  bind.rs: UDP and TCP sockets at every address
//!     ├──► datagram.rs, one thread per worker with a UDP socket of each address ──► Responder
//!     │       ◄── outbox.rs: the responses of a batch
//!     └──► accept.rs: TCP ──┬─► session.rs, connections.rs ──► stream.rs, doh.rs ─► Responder
//!  encrypted.rs: DoT, DoH ──┘      certificate.rs
//!     └──► doq.rs: hickory_server::Server ──────────────────────────────────────► Responder
//! ```
//!
//! Nothing here knows names or zones: all transports send what the responder returns. A panic in any part
//! ends the server (`panics.rs`).

mod accept;
mod bind;
mod certificate;
mod connections;
mod datagram;
mod doh;
mod doq;
mod encrypted;
mod outbox;
mod panics;
mod session;
mod stream;

use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::num::NonZeroUsize;
use std::panic::resume_unwind;
use std::sync::Arc;

use arc_swap::ArcSwap;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use accept::{DRAIN_TIMEOUT, Protocol};
pub use bind::BindError;
use bind::Listener;
pub use certificate::{CertificateError, CertificateFiles, fixed as fixed_certificate};
use datagram::{Alarm, Awaited, Shared, Worker};
use encrypted::EncryptedListener;
pub use encrypted::{EncryptedAddresses, EncryptedProtocol};
use panics::Panics;
pub use stream::begin_transfer;

use super::service::policy::{Policy, SharedPolicy};
use super::service::responder::Responder;
use super::zone::SharedZones;

/// Options for UDP.
#[derive(Clone, Copy, Debug)]
pub struct DatagramOptions {
    /// Number of worker threads.
    pub workers: NonZeroUsize,
}

impl Default for DatagramOptions {
    /// One thread per core available to this process.
    fn default() -> Self {
        Self { workers: std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN) }
    }
}

/// A server that is bound but does not answer yet.
pub struct DnsServer {
    addresses: Vec<SocketAddr>,
    listeners: Vec<Listener>,
    encrypted: Vec<EncryptedListener>,
    zones: SharedZones,
    policy: SharedPolicy,
}

impl DnsServer {
    /// Binds UDP and TCP at every address. Port 0 takes a free port, the same for both.
    ///
    /// A wildcard address stands for all current addresses of the machine: a response has to come from the
    /// address that was asked, which only a socket bound to that address ensures.
    pub async fn bind(addresses: &[SocketAddr], zones: SharedZones) -> Result<Self, BindError> {
        Self::bind_with(addresses, zones, DatagramOptions::default()).await
    }

    /// As [`DnsServer::bind`], with options for UDP.
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
        Ok(Self { addresses, listeners, encrypted: Vec::new(), zones, policy: Arc::default() })
    }

    /// Sets the response policy.
    pub fn with_policy(self, policy: Policy) -> Self {
        Self { policy: Arc::new(ArcSwap::from_pointee(policy)), ..self }
    }

    /// The response policy, which may be swapped while the server runs.
    pub fn policy(&self) -> SharedPolicy {
        self.policy.clone()
    }

    fn responder(&self) -> Responder {
        Responder::new(self.zones.clone(), self.policy.clone())
    }

    /// Binds the listeners of encrypted DNS.
    pub async fn bind_encrypted(&mut self, addresses: &EncryptedAddresses) -> Result<(), BindError> {
        self.encrypted.extend(encrypted::bind(addresses).await?);
        Ok(())
    }

    /// Protocols and addresses of encrypted DNS.
    pub fn encrypted_addresses(&self) -> Vec<(EncryptedProtocol, SocketAddr)> {
        self.encrypted.iter().map(EncryptedListener::address).collect()
    }

    /// The bound addresses of UDP and TCP.
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// Serves until `stop` is cancelled; then nothing more is accepted, and what has been received is
    /// answered, within a bounded time.
    ///
    /// Fails if a thread cannot be started or a listener fails.
    ///
    /// # Panics
    ///
    /// With the payload of the first worker, connection or request that panicked, after everything else
    /// has been stopped.
    pub async fn run(mut self, stop: CancellationToken) -> io::Result<()> {
        // Cancelled on every return path, so that the workers end too.
        let stop = stop.child_token();
        let _workers_end = stop.clone().drop_guard();
        let (panics, mut panicked) = Panics::new();
        let alarm = Arc::new(Alarm::new()?);
        let awaited = Awaited::default();
        let shared = Shared { rotation: Arc::default(), alarm: alarm.clone(), awaited: awaited.clone() };
        let mut servers = self.start(&panics, &shared, &stop)?;
        let mut payload = None;
        let outcome = tokio::select! {
            outcome = until_stopped(&mut servers, &stop) => outcome,
            first = panicked.recv() => { payload = first; Ok(()) }
        };
        stop.cancel();
        alarm.ring();
        let ended = until_ended(&mut servers).await;
        awaited.drain(DRAIN_TIMEOUT).await;
        if let Some(payload) = payload.or_else(|| panicked.try_recv().ok()) {
            resume_unwind(payload);
        }
        outcome.and(ended)
    }

    /// Starts the listeners as tasks and the UDP workers as threads.
    fn start(
        &mut self,
        panics: &Panics,
        shared: &Shared,
        stop: &CancellationToken,
    ) -> io::Result<JoinSet<io::Result<()>>> {
        let mut servers = JoinSet::new();
        let mut serve = |served: BoxFuture<'static, io::Result<()>>| {
            let panics = panics.clone();
            servers.spawn(async move { panics.watch(served).await.unwrap_or(Ok(())) });
        };
        let mut datagrams = Vec::new();
        for listener in std::mem::take(&mut self.listeners) {
            datagrams.push(listener.udp);
            let (responder, stop) = (self.responder(), stop.clone());
            serve(accept::serve(listener.tcp, Protocol::Tcp, responder, panics.clone(), stop).boxed());
        }
        for listener in std::mem::take(&mut self.encrypted) {
            serve(listener.serve(self.responder(), panics.clone(), stop.clone()).boxed());
        }
        for (index, sockets) in per_worker(datagrams).into_iter().enumerate() {
            let worker = Worker::new(sockets, self.responder(), shared.clone(), panics.clone())?;
            let ended = worker.start(index, stop.clone())?;
            servers.spawn(async { ended.await.or(Ok(())) });
        }
        Ok(servers)
    }
}

/// Waits until `stop` is cancelled or a listener has failed.
async fn until_stopped(servers: &mut JoinSet<io::Result<()>>, stop: &CancellationToken) -> io::Result<()> {
    loop {
        tokio::select! {
            () = stop.cancelled() => return Ok(()),
            Some(ended) = servers.join_next() => ended.map_err(io::Error::other)??,
        }
    }
}

/// Waits until all listeners and workers have ended.
async fn until_ended(servers: &mut JoinSet<io::Result<()>>) -> io::Result<()> {
    while let Some(ended) = servers.join_next().await {
        ended.map_err(io::Error::other)??;
    }
    Ok(())
}

/// Regroups sockets by worker.
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

#[cfg(test)]
mod tests;
