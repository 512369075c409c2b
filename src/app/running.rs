//! A server that runs: its addresses, its store and zones, and what it reports.
//!
//! Whoever holds it reads the reports; a part that fails is reported too, and by then everything is
//! stopping.

use std::net::SocketAddr;
use std::path::PathBuf;

use tokio::sync::{broadcast, mpsc, watch};

use super::parts::{Failure, Parts};
use super::reload::{Reload, Renewal};
use super::state::State;
use super::zones::ZoneReport;
use crate::clock::Clock;
use crate::config::DnsSettings;
use crate::dns::transport::EncryptedProtocol;
use crate::dns::zone::SharedZones;
use crate::files::report::Report;
use crate::names::publisher::Publication;
use crate::objects::Revision;
use crate::store::Store;

/// Everything that runs, and what it tells.
pub struct Running {
    /// The store, to be read.
    pub store: Store,
    /// The revision from which a watch sees all that the files brought.
    pub since: Revision,
    /// Where DNS is answered.
    pub dns_addresses: Vec<SocketAddr>,
    /// Where DNS is answered encrypted, and how.
    pub encrypted_addresses: Vec<(EncryptedProtocol, SocketAddr)>,
    /// Where the certificate of the authority is that clients of encrypted DNS are to trust, if it is
    /// this server's own.
    pub authority: Option<PathBuf>,
    /// The zones that are answered from.
    pub zones: SharedZones,
    /// Where metrics are served, if they are.
    pub metrics_address: Option<SocketAddr>,
    /// Where the API is served, and where its kubeconfig is.
    pub api: Option<(SocketAddr, PathBuf)>,
    /// Published changes of the cluster zone, from the start.
    pub publications: broadcast::Receiver<Publication>,
    /// What the first reading of the files changed.
    pub applied: Report,
    /// What later readings of the files change, and their mistakes.
    pub reports: mpsc::Receiver<Report>,
    /// What later readings of the zone files bring, and their mistakes.
    pub zone_report: watch::Receiver<ZoneReport>,
    /// The seed of everything simulated and random.
    pub seed: u64,
    pub(super) reload: Reload,
    pub(super) state: State,
    pub(super) parts: Parts,
}

impl Running {
    /// Ends everything: nothing new is accepted, what is in progress is finished. Returns false if
    /// something did not end in time.
    pub async fn stop(self, clock: &Clock) -> bool {
        let is_clean = self.parts.end(clock).await;
        self.state.release();
        is_clean
    }

    /// Reads certificates, keys, zones and manifests again and takes up those of the new settings that
    /// [can be](super::reload::is_live) while it runs; says what has become different.
    pub fn reload(&mut self, settings: &DnsSettings, clock: &Clock) -> Vec<Renewal> {
        self.reload.again(settings, clock)
    }

    /// Waits until a part has ended although nobody asked it to; then everything is stopping.
    pub fn failure(&self) -> impl Future<Output = Failure> + use<> {
        let parts = self.parts.clone();
        async move { parts.failure().await }
    }

    /// Runs a further part, followed like the others.
    pub fn follow(&self, name: &'static str, part: impl Future<Output = ()> + Send + 'static) {
        self.parts.spawn(name, part);
    }
}
