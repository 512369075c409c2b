//! The only place where parts are wired, started and stopped.
//!
//! ```text
//!   start: sockets bound ─► store ─► files applied ─► zones rendered ─► everything runs
//!   stop:  one token is cancelled; every task ends by itself, within a bounded time
//! ```
//!
//! Addresses are bound before anything else, so that a port that is taken costs nothing; DNS
//! answers only once the zones hold what the files say.

mod conduct;
mod encrypted;
mod forward;
mod parts;
mod zones;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::num::{NonZeroU32, NonZeroUsize};
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, bail};
use ipnet::IpNet;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use tokio::net::TcpListener;
use tokio::sync::{broadcast, mpsc, watch};

use crate::api::server::{ApiOptions, ApiServer};
use crate::clock::Clock;
use crate::config::{
    ApiSettings, DnsOnlySettings, DnsSettings, ExplainMode, ListenAddress, RuntimeName, ServeSettings,
};
use crate::controllers::endpointslice::EndpointSlices;
use crate::controllers::garbage::Garbage;
use crate::controllers::scheduler::Scheduler;
use crate::controllers::statefulset::{self, StatefulSets};
use crate::controllers::volumes::Volumes;
use crate::controllers::{self, Controller};
use crate::dns::secondary::notification::{Sender, Target};
use crate::dns::service::limit::{LimitOptions, Limiter};
use crate::dns::service::policy::{Explain, Paths, Policy};
use crate::dns::transport::{DatagramOptions, DnsServer, EncryptedProtocol};
use crate::dns::zone::{SharedZones, Zone, Zones};
use crate::files::problem::Problem;
use crate::files::source::{Files, Mode, Report};
use crate::metrics::{self, Metrics, ZoneFigures};
use crate::names::explain::Explainer;
use crate::names::options::ZoneOptions;
use crate::names::publisher::{Publication, Publisher};
use crate::node::runtime::Runtime;
use crate::node::runtime::simulated::{Simulated, SimulatedOptions};
use crate::node::{Agent, NodeOptions, NodeServer};
use crate::objects::Revision;
use crate::rules::validation::Rules;
use crate::store::{Bootstrap, MemoryBackend, ServiceNetwork, Store, StoreOptions};
use encrypted::Signing;
pub use parts::Failure;
use parts::Parts;
pub use zones::ZoneReport;
use zones::{load_zones, open_zones, zone_options};

/// The name of the one node.
const NODE_NAME: &str = "dullahan";

/// How many reports of saved files may wait for a slow reader.
const REPORTS_MAX: usize = 16;

/// Why nothing was started: the files have mistakes.
#[derive(Debug, thiserror::Error)]
#[error("{} in the files; nothing was started", count(.0.len(), "mistake"))]
pub struct BrokenFiles(pub Vec<String>);

fn count(n: usize, what: &str) -> String {
    if n == 1 { format!("{n} {what}") } else { format!("{n} {what}s") }
}

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
    parts: Parts,
}

impl Running {
    /// Ends everything. Returns false if something did not end in time.
    pub async fn stop(self, clock: &Clock) -> bool {
        self.parts.end(clock).await
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

/// Starts the whole: store, controllers, node and DNS, with the manifests applied.
pub async fn serve(settings: &ServeSettings, clock: Clock) -> anyhow::Result<Running> {
    let zone_options = zone_options(&settings.dns)?;
    let seed = settings.simulated_seed.unwrap_or_else(random_seed);
    let networks = [settings.pod_cidr.as_slice(), settings.service_cidr.as_slice()].concat();
    let service_network =
        ServiceNetwork { ranges: settings.service_cidr.clone(), ..ServiceNetwork::default() };
    let rules = Rules { grow_claims: settings.grow_claims, strict_names: settings.strict_names };
    let options = StoreOptions { seed: Some(seed), service_network, rules };
    let backend = MemoryBackend::starting_after(first_revision(&clock));
    let store = Store::new(Arc::new(backend), clock.clone(), options);
    let foundation = Foundation {
        store: store.clone(),
        seed,
        mode: Mode::Apply,
        files: settings.file.clone(),
        dns: settings.dns.clone(),
        zone_options: ZoneOptions { networks, ..zone_options },
        pod_networks: settings.pod_cidr.clone(),
        signing: signing(settings.api.kubeconfig(), &settings.api.tls_san, &settings.dns),
        bootstrap: Some(Bootstrap { default_storage_class: !settings.no_default_storage_class }),
    };
    let api = bind_api(&settings.api, &store).await?;
    let mut running = foundation.start().await?;
    let runtime = runtime(settings, &clock, seed);
    if let Some(api) = api {
        running.api = Some((api.address(), api.kubeconfig().to_owned()));
        let streams = Arc::new(NodeServer::new(store.clone(), runtime.clone()));
        let served = api.run(store.clone(), streams, running.parts.stop_token());
        running.parts.spawn_fallible("API server", served);
    }
    let node = NodeOptions {
        name: NODE_NAME.to_owned(),
        pod_networks: settings.pod_cidr.clone(),
        address: node_address(&running.dns_addresses),
    };
    let mut agent = Agent::new(store, runtime, node);
    // The scheduler would say that there is no node.
    agent.register().await.context("cannot register the node")?;
    running.parts.spawn("node agent", agent.run(running.parts.stop_token()));
    for controller in controllers(settings) {
        let name = controller.name();
        let stop = running.parts.stop_token();
        running.parts.spawn(name, controllers::run(controller, running.store.clone(), stop));
    }
    Ok(running)
}

/// Beyond every revision of an earlier life, as long as none wrote a million times a second: a
/// client that goes on with what it knew then is told to begin again.
fn first_revision(clock: &Clock) -> Revision {
    Revision::try_from(clock.now().as_microsecond()).unwrap_or_default()
}

async fn bind_api(settings: &ApiSettings, store: &Store) -> anyhow::Result<Option<ApiServer>> {
    let ListenAddress::At(listen) = settings.api_listen else { return Ok(None) };
    let kubeconfig = settings
        .kubeconfig()
        .context("there is no home folder for the kubeconfig; name a file with --kubeconfig-out")?;
    let options = ApiOptions { listen, names: settings.tls_san.clone(), kubeconfig };
    Ok(Some(ApiServer::bind(&options, store).await?))
}

/// Starts DNS alone, over the objects in the files as they are.
pub async fn dns(settings: &DnsOnlySettings, clock: Clock) -> anyhow::Result<Running> {
    let zone_options = zone_options(&settings.dns)?;
    let foundation = Foundation {
        store: Store::in_memory(clock, StoreOptions::default()),
        seed: 0,
        mode: Mode::Mirror,
        files: settings.file.clone(),
        dns: settings.dns.clone(),
        zone_options: ZoneOptions { implied_namespaces: true, has_controllers: false, ..zone_options },
        pod_networks: Vec::new(),
        signing: signing(settings.dns.authority_place(), &settings.tls_san, &settings.dns),
        bootstrap: None,
    };
    foundation.start().await
}

/// What files say of names, without serving it.
pub struct Known {
    /// The objects.
    pub store: Store,
    /// What names are answered with.
    pub zones: Arc<Zones>,
    /// Why names are absent.
    pub explainer: Arc<Explainer>,
}

/// Reads files as [`dns`] does, and serves nothing.
pub async fn explain(settings: &DnsSettings, paths: &[PathBuf], clock: Clock) -> anyhow::Result<Known> {
    let store = Store::in_memory(clock, StoreOptions::default());
    let mut files = Files::new(store.clone(), Mode::Mirror, paths.to_vec());
    refuse_broken(&files.load().await)?;
    let options = zone_options(settings)?;
    let options = ZoneOptions { implied_namespaces: true, has_controllers: false, explains: true, ..options };
    let publisher = Publisher::new(store.clone(), options, load_zones(settings.zones.as_deref())?);
    let explainer = publisher.explainer().context("--cluster-domain leaves no room for names")?;
    Ok(Known { store, zones: publisher.zones().load_full(), explainer })
}

fn controllers(settings: &ServeSettings) -> [Box<dyn Controller>; 5] {
    let beyond = statefulset::Options { unstick: settings.unstick, grow_claims: settings.grow_claims };
    [
        Box::new(StatefulSets::with(beyond)),
        Box::new(EndpointSlices::new()),
        Box::new(Volumes::new()),
        Box::new(Garbage::new()),
        Box::new(Scheduler::new(NODE_NAME)),
    ]
}

fn runtime(settings: &ServeSettings, clock: &Clock, seed: u64) -> Arc<dyn Runtime> {
    match settings.runtime {
        RuntimeName::Simulated => {
            let options = SimulatedOptions {
                start_delay: settings.simulated_start.0,
                stop_delay: settings.simulated_stop.0,
                seed,
            };
            Arc::new(Simulated::new(clock.clone(), options))
        }
    }
}

/// The certificate of encrypted DNS is good for the server's name in its zone too.
fn signing(beside: Option<PathBuf>, names: &[String], dns: &DnsSettings) -> Signing {
    let own = format!("ns.dns.{}", dns.cluster_domain.trim_end_matches('.'));
    Signing { beside, names: names.iter().cloned().chain([own]).collect() }
}

/// The node is this machine; it is reached where DNS is.
fn node_address(bound: &[SocketAddr]) -> IpAddr {
    let specific = bound.iter().map(SocketAddr::ip).find(|address| !address.is_unspecified());
    specific.unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST))
}

/// What both commands share: a store filled from files, and DNS over it.
struct Foundation {
    store: Store,
    seed: u64,
    mode: Mode,
    files: Vec<PathBuf>,
    dns: DnsSettings,
    zone_options: ZoneOptions,
    pod_networks: Vec<IpNet>,
    signing: Signing,
    bootstrap: Option<Bootstrap>,
}

impl Foundation {
    async fn start(self) -> anyhow::Result<Running> {
        let zones = SharedZones::default();
        let metrics = MetricsPage::bind(self.dns.metrics_listen, &zones).await?;
        let options = datagram_options(&self.dns);
        let server = DnsServer::bind_with(&self.dns.dns_listen, zones.clone(), options).await?;
        let dns_addresses = server.addresses().to_vec();
        let policy = self.policy(&dns_addresses, metrics.as_ref())?;
        let secondaries = conduct::secondaries(&self.dns.wire, &policy.keys)?;
        let mut server = server.with_policy(policy);
        let encrypted = encrypted::encrypted(&self.dns.encrypted, &self.signing, self.store.clock())?;
        if let Some(encrypted) = &encrypted {
            server.bind_encrypted(&encrypted.addresses).await?;
        }
        let encrypted_addresses = server.encrypted_addresses();
        if let Some(bootstrap) = &self.bootstrap {
            self.store.bootstrap(bootstrap).await.context("cannot create the first objects")?;
        }
        let since = self.store.revision();
        let mut files = Files::new(self.store.clone(), self.mode, self.files.clone());
        let applied = files.load().await;
        refuse_broken(&applied)?;

        let (static_zones, zone_files) = open_zones(self.dns.zones.as_deref(), self.store.clock())?;
        let options =
            ZoneOptions { server_addresses: self.dns.own_addresses(&dns_addresses), ..self.zone_options };
        let catalog = conduct::catalog(&self.dns, &static_zones)?;
        let serials = conduct::serials(self.dns.state_folder(), self.store.clock());
        let mut publisher =
            Publisher::with_serials(serials, zones.clone(), self.store.clone(), options, static_zones);
        if let Some(catalog) = catalog {
            publisher.list_in(catalog);
        }
        publisher.count_in(metrics.as_ref().map(|page| page.metrics.clone()));
        let publications = publisher.publications();
        let parts = Parts::default();
        let stop = parts.stop_token();
        let (reporter, reports) = mpsc::channel(REPORTS_MAX);
        let (zone_reporter, zone_report) = watch::channel(ZoneReport::default());
        if let Some(files) = zone_files {
            parts.spawn("zone files", files.follow(publisher.static_zones(), zone_reporter, stop.clone()));
        }
        if !secondaries.is_empty() {
            let sender = sender(secondaries, &self.dns, &publisher, metrics.as_ref());
            parts.spawn("NOTIFY sender", sender.run(stop.clone()));
        }
        parts.spawn_fallible("manifests", files.follow(reporter, stop.clone()));
        parts.spawn("publisher", publisher.run(stop.clone()));
        parts.spawn_fallible("DNS server", server.run(stop.clone()));
        let metrics_address = metrics.as_ref().map(|page| page.address);
        if let Some(page) = metrics {
            parts.spawn("metrics page", metrics::server::serve(page.listener, page.metrics, stop.clone()));
        }
        Ok(Running {
            store: self.store,
            since,
            dns_addresses,
            encrypted_addresses,
            authority: encrypted.and_then(|encrypted| encrypted.authority),
            zones,
            metrics_address,
            api: None,
            publications,
            applied,
            reports,
            zone_report,
            seed: self.seed,
            parts,
        })
    }

    /// What holds for all answers of a server that is bound to these addresses.
    fn policy(&self, bound: &[SocketAddr], metrics: Option<&MetricsPage>) -> anyhow::Result<Policy> {
        let clock = self.store.clock();
        let metrics = metrics.map(|page| page.metrics.clone());
        let (dns, pods) = (&self.dns, &self.pod_networks);
        let recursion = forward::recursion(&dns.forward, bound, pods, metrics.clone(), clock)?;
        let limiter = NonZeroU32::new(dns.rrl)
            .map(|per_second| Limiter::new(LimitOptions { per_second, exempt: dns.rrl_exempt.clone() }));
        Ok(Policy {
            recursion,
            explain: match dns.explain {
                ExplainMode::Off => Explain::Off,
                ExplainMode::Loopback => Explain::Loopback,
                ExplainMode::On => Explain::On,
            },
            paths: if dns.no_fast_path { Paths::OrdinaryOnly } else { Paths::FastFirst },
            limiter: limiter.map(Arc::new),
            metrics,
            ..conduct::policy(&dns.wire, clock)?
        })
    }
}

/// Tells secondaries of what is published, from the addresses that DNS is answered at.
fn sender(
    secondaries: Vec<Target>,
    dns: &DnsSettings,
    publisher: &Publisher,
    metrics: Option<&MetricsPage>,
) -> Sender {
    let own = dns.dns_listen.iter().map(SocketAddr::ip).collect();
    let metrics = metrics.map(|page| page.metrics.clone());
    Sender::new(secondaries, own, (publisher.zones(), publisher.versions()), publisher.clock(), metrics)
}

fn datagram_options(settings: &DnsSettings) -> DatagramOptions {
    let default = DatagramOptions::default();
    let workers = settings.dns_workers.map(usize::from).and_then(NonZeroUsize::new);
    DatagramOptions { workers: workers.unwrap_or(default.workers) }
}

/// Figures, and where they are told.
struct MetricsPage {
    metrics: Arc<Metrics>,
    listener: TcpListener,
    address: SocketAddr,
}

impl MetricsPage {
    async fn bind(listen: Option<SocketAddr>, zones: &SharedZones) -> anyhow::Result<Option<Self>> {
        let Some(listen) = listen else { return Ok(None) };
        let cannot = || format!("cannot serve metrics on {listen} (--metrics-listen)");
        let listener = TcpListener::bind(listen).await.with_context(cannot)?;
        let (metrics, zones) = (Arc::new(Metrics::default()), zones.clone());
        metrics.set_zones(move || {
            let figures = |zone: &Zone| ZoneFigures {
                zone: zone.apex().to_string(),
                serial: zone.serial(),
                n_names: zone.n_names(),
            };
            zones.load().iter().map(figures).collect()
        });
        Ok(Some(Self { metrics, address: listener.local_addr().with_context(cannot)?, listener }))
    }
}

fn refuse_broken(report: &Report) -> anyhow::Result<()> {
    if report.problems.is_empty() {
        return Ok(());
    }
    bail!(BrokenFiles(report.problems.iter().map(Problem::to_string).collect()))
}

fn random_seed() -> u64 {
    StdRng::from_os_rng().random_range(0..1_000_000)
}
