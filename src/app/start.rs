//! What `serve` and `dns` share: a store filled from files, and DNS over it.
//!
//! [`Start::prepare`] does what can fail, in the order that costs least when something is wrong: bind,
//! read, render. Only [`Ready::go`] starts parts; what outlives the process is written in between.

use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context;
use ipnet::IpNet;
use tokio::sync::{mpsc, watch};

use super::encrypted::{self, Signing};
use super::metrics_page::MetricsPage;
use super::mistakes::refuse_broken;
use super::parts::Parts;
use super::reload::{Again, Reload};
use super::running::Running;
use super::secondaries::Announcer;
use super::state::{State, StateFolderError};
use super::zones::{ZoneFiles, ZoneReport, open_zones};
use super::{policy, secondaries};
use crate::clock::Clock;
use crate::config::{DnsSettings, ManifestSettings};
use crate::dns::secondary::notification::Target;
use crate::dns::transport::{CertificateFiles, DatagramOptions, DnsServer};
use crate::dns::zone::{SharedZones, Zone};
use crate::files::manifests::Manifests;
use crate::files::report::Report;
use crate::files::source::{Files, Mode};
use crate::metrics;
use crate::names::options::ZoneOptions;
use crate::names::publisher::Publisher;
use crate::objects::Revision;
use crate::pki::authority::Authority;
use crate::store::{Bootstrap, Store};

/// How many reports of saved files may wait for a slow reader.
const REPORTS_MAX: usize = 16;

/// The certificate of encrypted DNS is good for the server's name in its zone too.
pub(super) fn signing(authority: Arc<Authority>, names: &[String], dns: &DnsSettings) -> Signing {
    let own = format!("ns.dns.{}", dns.names.cluster_domain.trim_end_matches('.'));
    Signing { authority, names: names.iter().cloned().chain([own]).collect() }
}

/// The manifests that flags name.
pub fn manifests(settings: &ManifestSettings) -> Manifests {
    let ManifestSettings { file, recursive, strict } = settings;
    Manifests { paths: file.clone(), is_recursive: *recursive, is_strict: *strict }
}

/// What is to be started.
pub(super) struct Start {
    pub(super) store: Store,
    pub(super) seed: u64,
    pub(super) mode: Mode,
    pub(super) manifests: Manifests,
    pub(super) dns: DnsSettings,
    pub(super) zone_options: ZoneOptions,
    pub(super) pod_networks: Vec<IpNet>,
    pub(super) signing: Signing,
    pub(super) bootstrap: Option<Bootstrap>,
    pub(super) state: State,
}

/// Everything that can fail has succeeded, and nothing runs yet.
pub(super) struct Ready {
    start: Start,
    bound: Bound,
    since: Revision,
    files: Files,
    applied: Report,
    zone_files: Option<ZoneFiles>,
    publisher: Publisher,
}

/// DNS that is bound and does not answer yet.
struct Bound {
    zones: SharedZones,
    metrics: Option<MetricsPage>,
    server: DnsServer,
    addresses: Vec<SocketAddr>,
    authority: Option<PathBuf>,
    certificate: Option<Arc<CertificateFiles>>,
    secondaries: Vec<Target>,
}

impl Start {
    /// Binds, reads and renders.
    pub(super) async fn prepare(self) -> anyhow::Result<Ready> {
        let bound = self.bind().await?;
        if let Some(bootstrap) = &self.bootstrap {
            self.store.bootstrap(bootstrap).await.context("cannot create the first objects")?;
        }
        let since = self.store.revision();
        let mut files = Files::new(self.store.clone(), self.mode, self.manifests.clone());
        let applied = files.load().await;
        refuse_broken(&applied)?;
        let (static_zones, zone_files) = open_zones(self.dns.names.zones.as_deref(), self.store.clock())?;
        let publisher = self.publisher(&bound, static_zones)?;
        Ok(Ready { start: self, bound, since, files, applied, zone_files, publisher })
    }

    /// Binds every address of DNS and of its metrics.
    async fn bind(&self) -> anyhow::Result<Bound> {
        let zones = SharedZones::default();
        let metrics = MetricsPage::bind(self.dns.metrics_listen, &zones).await?;
        let options = datagram_options(&self.dns);
        let server = DnsServer::bind_with(&self.dns.dns_listen, zones.clone(), options).await?;
        let addresses = server.addresses().to_vec();
        let counts = metrics.as_ref().map(|page| page.metrics.clone());
        let clock = self.store.clock();
        let policy = policy::policy(&self.dns, &addresses, &self.pod_networks, counts, clock, None)?;
        let secondaries = secondaries::secondaries(&self.dns.wire, &policy.keys)?;
        let mut server = server.with_policy(policy);
        let encrypted = encrypted::encrypted(&self.dns.encrypted, &self.signing, clock)?;
        if let Some(encrypted) = &encrypted {
            server.bind_encrypted(&encrypted.addresses).await?;
        }
        let (authority, certificate) =
            encrypted.map_or((None, None), |encrypted| (encrypted.authority, encrypted.files));
        Ok(Bound { zones, metrics, server, addresses, authority, certificate, secondaries })
    }

    /// Renders what the store holds into the zones.
    fn publisher(&self, bound: &Bound, static_zones: Vec<Zone>) -> anyhow::Result<Publisher> {
        let server_addresses = self.dns.own_addresses(&bound.addresses);
        let options = ZoneOptions { server_addresses, ..self.zone_options.clone() };
        let catalog = secondaries::catalog(&self.dns, &static_zones)?;
        let serials = secondaries::serials(self.state.folder(), self.store.clock());
        let (zones, store) = (bound.zones.clone(), self.store.clone());
        let mut publisher = Publisher::with_serials(serials, zones, store, options, static_zones);
        if let Some(catalog) = catalog {
            publisher.list_in(catalog);
        }
        publisher.count_in(bound.metrics.as_ref().map(|page| page.metrics.clone()));
        Ok(publisher)
    }
}

impl Ready {
    /// Writes for others where this server will be found; the API's address and kubeconfig, if it has one.
    pub(super) fn describe(
        &self,
        kind: &str,
        api: Option<(SocketAddr, PathBuf)>,
        clock: &Clock,
    ) -> Result<(), StateFolderError> {
        let (api, kubeconfig) = api.unzip();
        self.start.state.describe(kind, clock.now(), self.bound.addresses.clone(), api, kubeconfig)
    }

    /// Starts everything that this needs, and gives it to be added to.
    pub(super) fn go(self) -> Running {
        let Self { start, bound, since, files, applied, zone_files, publisher } = self;
        let parts = Parts::default();
        let stop = parts.stop_token();
        let (reporter, reports) = mpsc::channel(REPORTS_MAX);
        let (zone_reporter, zone_report) = watch::channel(ZoneReport::default());
        let again = Again { manifests: files.reload(), ..Again::default() };
        if let Some(files) = zone_files {
            let zones = publisher.static_zones();
            parts.spawn(
                "zone files",
                files.follow(zones, zone_reporter, again.zone_files.clone(), stop.clone()),
            );
        }
        parts.spawn_fallible("manifests", files.follow(reporter, stop));
        let reload = Reload {
            dns: start.dns.clone(),
            bound: bound.addresses.clone(),
            pod_networks: start.pod_networks.clone(),
            policy: bound.server.policy(),
            certificate: bound.certificate.clone(),
            announcer: Announcer::new(&start.dns, &publisher, bound.metrics.as_ref(), &parts),
            again,
        };
        let mut running = Running {
            store: start.store.clone(),
            since,
            dns_addresses: bound.addresses.clone(),
            encrypted_addresses: bound.server.encrypted_addresses(),
            authority: bound.authority.clone(),
            zones: bound.zones.clone(),
            metrics_address: bound.metrics.as_ref().map(|page| page.address),
            api: None,
            publications: publisher.publications(),
            applied,
            reports,
            zone_report,
            seed: start.seed,
            reload,
            state: start.state,
            parts,
        };
        running.reload.announcer.announce_to(bound.secondaries);
        answer(bound.server, bound.metrics, publisher, &running.parts);
        running
    }
}

/// Answers from now on, and publishes what changes.
fn answer(server: DnsServer, metrics: Option<MetricsPage>, publisher: Publisher, parts: &Parts) {
    let stop = parts.stop_token();
    parts.spawn("publisher", publisher.run(stop.clone()));
    parts.spawn_fallible("DNS server", server.run(stop.clone()));
    if let Some(page) = metrics {
        parts.spawn("metrics page", metrics::server::serve(page.listener, page.metrics, stop));
    }
}

fn datagram_options(settings: &DnsSettings) -> DatagramOptions {
    let default = DatagramOptions::default();
    let workers = settings.dns_workers.map(usize::from).and_then(NonZeroUsize::new);
    DatagramOptions { workers: workers.unwrap_or(default.workers) }
}
