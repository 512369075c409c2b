//! Settings: as typed on the command line or in a file, then as meant.
//!
//! Every setting is defined once, as a flag. A configuration file holds the same names without
//! the dashes; [`file::settings`] turns it into flags that stand before those of the command
//! line, so that flag wins over file and file over default, and a mistake in either is reported
//! in the same way. Nothing else reads the environment.

mod address;
pub mod file;
mod forward;
mod manifests;
mod nodes;
mod span;
mod state;
mod wire;

use std::io::IsTerminal;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use ipnet::IpNet;

pub use address::{ListenAddress, with_port};
pub use forward::{FallthroughZone, ForwardSettings, Upstream};
pub use manifests::ManifestSettings;
pub use nodes::NodeSettings;
pub use span::Span;
pub use state::{KubeconfigSettings, ServerName, StateRoots, StateSettings, state_roots, user_kubeconfig};
pub use wire::{KeyFile, Secondary, WireSettings};

/// Flags of every command that runs a server.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Settings and logs")]
pub struct CommonSettings {
    /// Read settings from this YAML file; flags win over it.
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Format of logs and progress.
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t = LogFormat::Text)]
    pub log_format: LogFormat,
    /// Log more: -v what is done, -vv why, -vvv everything.
    ///
    /// -v: parts that start and end, files that are written, changes of settings. -vv: with the module,
    /// each reconciled object, API request and published version. -vvv: each DNS query, and what the
    /// libraries say. Logs go to standard error, progress to standard output.
    #[arg(short, long, action = clap::ArgAction::Count)]
    pub verbose: u8,
    /// Only report errors: no progress, no warnings.
    #[arg(short, long, num_args = 0..=1, default_value_t = false, default_missing_value = "true", require_equals = true)]
    pub quiet: bool,
}

/// Format of logs and progress.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// Lines for people, with colour on a terminal.
    Text,
    /// One JSON object per line.
    Json,
}

/// How many threads may answer DNS over UDP.
pub const DNS_WORKERS_MAX: u16 = 256;

/// Which names DNS serves, and on which addresses.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "DNS")]
pub struct DnsSettings {
    /// Answer DNS on this address, UDP and TCP (repeatable).
    #[arg(long, value_name = "ADDR:PORT", default_value = "127.0.0.1:1053", value_parser = with_port(1053))]
    pub dns_listen: Vec<SocketAddr>,
    /// Threads that answer DNS over UDP [default: one per core].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=i64::from(DNS_WORKERS_MAX)))]
    pub dns_workers: Option<u16>,
    /// Disable the fast path, for measuring and for finding faults.
    #[arg(long, hide = true, num_args = 0..=1, default_value_t = false, default_missing_value = "true", require_equals = true)]
    pub no_fast_path: bool,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub names: NameSettings,
    /// Address of this server for NS and ns.dns (repeatable) [default: the listen addresses].
    #[arg(long, value_name = "IP")]
    pub advertise: Vec<IpAddr>,
    /// Who is told why a name is missing, in an Extended DNS Error (dig prints it).
    #[arg(long, value_enum, value_name = "WHOM", default_value_t = ExplainMode::Loopback)]
    pub explain: ExplainMode,
    /// Response rate limit: answers per second over UDP to one network (/24, /56) for one kind of response; 0 disables it.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub rrl: u32,
    /// Exempt this network from response rate limiting (repeatable).
    #[arg(long, value_name = "CIDR")]
    pub rrl_exempt: Vec<IpNet>,
    /// Serve metrics for Prometheus on this address, at /metrics.
    #[arg(long, value_name = "ADDR:PORT", value_parser = with_port(9153))]
    pub metrics_listen: Option<SocketAddr>,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub encrypted: EncryptedDnsSettings,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub forward: ForwardSettings,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub wire: WireSettings,
}

/// Which names there are, and what they are answered with; all that matters for names alone.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "DNS")]
pub struct NameSettings {
    /// Cluster domain.
    #[arg(long, value_name = "NAME", default_value = "cluster.local")]
    pub cluster_domain: String,
    /// TTL of records, in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 5, value_parser = clap::value_parser!(u32).range(0..=3600))]
    pub ttl: u32,
    /// TTL of negative answers, in seconds; short, so that a client that asked too early asks again soon.
    #[arg(long, value_name = "SECONDS", default_value_t = 1, value_parser = clap::value_parser!(u32).range(0..=3600))]
    pub negative_ttl: u32,
    /// Serve address-based pod names such as 10-244-0-2.default.pod.cluster.local.
    #[arg(long, value_enum, value_name = "MODE", default_value_t = PodNameMode::Disabled)]
    pub pods: PodNameMode,
    /// Name an endpoint without a hostname after its pod instead of its address.
    #[arg(long, num_args = 0..=1, default_value_t = false, default_missing_value = "true", require_equals = true)]
    pub endpoint_pod_names: bool,
    /// Answer NXDOMAIN for a service with a cluster address but no ready endpoint.
    #[arg(long, num_args = 0..=1, default_value_t = false, default_missing_value = "true", require_equals = true)]
    pub ignore_empty_service: bool,
    /// Publish only these namespaces (comma-separated).
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    pub namespaces: Vec<String>,
    /// Serve these reverse zones (repeatable) instead of those of the networks in use.
    #[arg(long, value_name = "NAME")]
    pub reverse_zone: Vec<String>,
    /// Ignore EndpointSlices: headless services and endpoint names have no records.
    #[arg(long, num_args = 0..=1, default_value_t = false, default_missing_value = "true", require_equals = true)]
    pub no_endpoints: bool,
    /// Also serve the zone files (*.zone) in this directory.
    #[arg(long, value_name = "DIR")]
    pub zones: Option<PathBuf>,
    /// Serve topology zone names: TZ.pin._zone.SVC.NS.svc and TZ.prefer._zone.SVC.NS.svc.
    #[arg(long, num_args = 0..=1, default_value_t = false, default_missing_value = "true", require_equals = true)]
    pub zonal: bool,
}

/// Who is told why a name is missing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum ExplainMode {
    /// Nobody.
    Off,
    /// Clients on this machine.
    #[default]
    Loopback,
    /// Everybody.
    On,
}

/// Addresses of encrypted DNS, and its certificate.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Encrypted DNS")]
pub struct EncryptedDnsSettings {
    /// Serve DNS over TLS on this address (repeatable); the standard port is 853.
    #[arg(long, value_name = "ADDR:PORT", value_parser = with_port(853))]
    pub dot_listen: Vec<SocketAddr>,
    /// Serve DNS over HTTPS on this address, at /dns-query (repeatable); the standard port is 443.
    #[arg(long, value_name = "ADDR:PORT", value_parser = with_port(443))]
    pub doh_listen: Vec<SocketAddr>,
    /// Serve DNS over QUIC on this address (repeatable); the standard port is 853.
    #[arg(long, value_name = "ADDR:PORT", value_parser = with_port(853))]
    pub doq_listen: Vec<SocketAddr>,
    /// Certificate chain for encrypted DNS in PEM, reloaded when the file changes [default: one signed by this server's own authority].
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    pub tls_cert: Option<PathBuf>,
    /// Private key of the certificate in PEM.
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    pub tls_key: Option<PathBuf>,
}

/// Address-based names of pods (the `pods` option of CoreDNS).
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum PodNameMode {
    /// No such names.
    Disabled,
    /// Any address resolves, whether a pod has it or not.
    Insecure,
    /// Addresses of existing pods resolve.
    Verified,
}

impl DnsSettings {
    /// The addresses under which others reach this server.
    pub fn own_addresses(&self, bound: &[SocketAddr]) -> Vec<IpAddr> {
        if !self.advertise.is_empty() {
            return self.advertise.clone();
        }
        let mut addresses: Vec<IpAddr> = bound.iter().map(SocketAddr::ip).collect();
        addresses.retain(|address| !address.is_unspecified());
        addresses.dedup();
        addresses
    }
}

/// Address and certificate of the API.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "API")]
pub struct ApiSettings {
    /// Serve the API on this address; "off" disables it, port 0 takes a free port.
    #[arg(long, value_name = "ADDR:PORT", default_value = "127.0.0.1:7443")]
    pub api_listen: ListenAddress,
    /// Write the kubeconfig to this file, readable by its owner only [default: kubeconfig in the state directory].
    #[arg(long, value_name = "FILE")]
    pub kubeconfig_out: Option<PathBuf>,
    /// Another name or address of this server for its certificate (repeatable).
    #[arg(long, value_name = "NAME")]
    pub tls_san: Vec<String>,
}

/// Flags of `dullahan serve`.
#[derive(Args, Clone, Debug)]
pub struct ServeSettings {
    #[command(flatten)]
    #[allow(missing_docs)]
    pub manifests: ManifestSettings,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub dns: DnsSettings,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub api: ApiSettings,
    /// Network of pod addresses (repeatable: one IPv4 and one IPv6 network).
    #[arg(long, value_name = "CIDR", default_value = "10.244.0.0/16", help_heading = "Cluster")]
    pub pod_cidr: Vec<IpNet>,
    /// Network of cluster addresses of services (repeatable: one IPv4 and one IPv6 network).
    #[arg(long, value_name = "CIDR", default_value = "10.96.0.0/16", help_heading = "Cluster")]
    pub service_cidr: Vec<IpNet>,
    /// Do not create the default StorageClass "standard".
    #[arg(long, num_args = 0..=1, default_value_t = false, default_missing_value = "true", require_equals = true, help_heading = "Cluster")]
    pub no_default_storage_class: bool,
    /// Keep all state in memory; nothing survives the process (the only store of this version).
    #[arg(long, num_args = 0..=1, default_value_t = true, default_missing_value = "true", require_equals = true, help_heading = "Cluster")]
    pub ephemeral: bool,
    /// Under OrderedReady too, replace a broken pod of an old revision, unless the set says otherwise.
    #[arg(long, num_args = 0..=1, default_value_t = false, default_missing_value = "true", require_equals = true, help_heading = "Beyond Kubernetes")]
    pub unstick: bool,
    /// Allow volumeClaimTemplates to request more storage and grow existing claims, unless the set says otherwise.
    #[arg(long, num_args = 0..=1, default_value_t = false, default_missing_value = "true", require_equals = true, help_heading = "Beyond Kubernetes")]
    pub grow_claims: bool,
    /// Reject new sets whose names are too long for the labels of their pods, unless the set says otherwise.
    #[arg(long, num_args = 0..=1, default_value_t = false, default_missing_value = "true", require_equals = true, help_heading = "Beyond Kubernetes")]
    pub strict_names: bool,
    /// What runs the pods.
    #[arg(long, value_enum, value_name = "RUNTIME", default_value_t = RuntimeName::Simulated, help_heading = "Pods")]
    pub runtime: RuntimeName,
    /// How long a simulated container takes to start, for example 300ms or 2s.
    #[arg(long, value_name = "DURATION", default_value = "300ms", help_heading = "Pods")]
    pub simulated_start: Span,
    /// How long a simulated container takes to stop. With 0s, kubectl delete may wait forever: it
    /// looks for the pod after deleting it, and finds its replacement of the same name.
    #[arg(long, value_name = "DURATION", default_value = "300ms", help_heading = "Pods")]
    pub simulated_stop: Span,
    /// Seed of simulated delays and choices [default: random].
    #[arg(long, value_name = "N", help_heading = "Pods")]
    pub simulated_seed: Option<u64>,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub nodes: NodeSettings,
    /// How long a node may be silent before its status is unknown and its pods are not ready.
    #[arg(long, value_name = "DURATION", default_value = "50s", help_heading = "Nodes")]
    pub node_monitor_grace_period: Span,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub state: StateSettings,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub common: CommonSettings,
}

/// Flags of `dullahan dns`.
#[derive(Args, Clone, Debug)]
pub struct DnsOnlySettings {
    #[command(flatten)]
    #[allow(missing_docs)]
    pub manifests: ManifestSettings,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub dns: DnsSettings,
    /// Another name or address of this server, for its own certificate of encrypted DNS (repeatable).
    #[arg(long, value_name = "NAME", help_heading = "Encrypted DNS")]
    pub tls_san: Vec<String>,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub state: StateSettings,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub common: CommonSettings,
}

/// What runs the pods.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum RuntimeName {
    /// Pods start, become ready and stop as real ones do, but run nothing.
    Simulated,
}

/// Whether `stream` is a terminal that obeys control sequences; `TERM=dumb` says that it does not.
pub fn is_capable(stream: &impl IsTerminal) -> bool {
    let is_dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
    stream.is_terminal() && !is_dumb
}

/// Whether output to `stream` may have colour: it can show it, and `NO_COLOR` is not set.
pub fn wants_color(stream: &impl IsTerminal) -> bool {
    let is_refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    is_capable(stream) && !is_refused
}
