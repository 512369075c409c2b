//! What secondaries need, from the settings: who is sent NOTIFY, the catalog zone, and serials.
//!
//! Names and addresses that could not work are refused with the flag that gave them.

use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, anyhow, bail};
use hickory_proto::rr::Name;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::domain::domain;
use super::metrics_page::MetricsPage;
use super::parts::Parts;
use crate::clock::Clock;
use crate::config::{DnsSettings, Secondary, WireSettings};
use crate::dns::message::name::WireName;
use crate::dns::message::tsig::{Key, Keys};
use crate::dns::secondary::catalog::Catalog;
use crate::dns::secondary::notification::{Sender, TARGETS_MAX, Target};
use crate::dns::secondary::serials::Serials;
use crate::dns::zone::{SharedZones, Zone};
use crate::metrics::Metrics;
use crate::names::publisher::Publisher;
use crate::names::render::reverse;

/// The catalog zone, if there is to be one; no other zone may have its name, nor a reverse zone, which
/// may come to be served at any time.
pub(super) fn catalog(settings: &DnsSettings, static_zones: &[Zone]) -> anyhow::Result<Option<Catalog>> {
    let Some(text) = &settings.wire.catalog else { return Ok(None) };
    let apex = domain("--catalog", text)?;
    let is_taken = domain("--cluster-domain", &settings.names.cluster_domain)? == apex
        || static_zones.iter().any(|zone| zone.apex() == &apex);
    if is_taken {
        bail!(
            "--catalog: {apex} is the name of a zone that is served already; name another such as catalog.invalid"
        );
    }
    if reverse::is_reverse(&WireName::of(&apex)) {
        bail!("--catalog: {apex} is the name of a reverse zone; name another such as catalog.invalid");
    }
    Catalog::new(&apex).map(Some).context("--catalog: the name leaves no room for its members")
}

/// Serials that do not decrease over a restart, or the clock's if they cannot be kept.
pub(super) fn serials(folder: Option<&Path>, clock: &Clock) -> Serials {
    let because = match folder.map(|folder| Serials::kept_in(folder, clock.now())) {
        Some(Ok(serials)) => return serials,
        Some(Err(error)) => error.to_string(),
        None => "there is no place for them".to_owned(),
    };
    tracing::warn!(
        "zone serials start at the clock and may decrease when the server restarts: {because}; name a directory with --state-dir"
    );
    Serials::from_clock(clock.now())
}

/// The secondaries that are sent NOTIFY. Their keys are among `keys`.
pub(super) fn secondaries(settings: &WireSettings, keys: &Keys) -> anyhow::Result<Vec<Target>> {
    if settings.notify.len() > TARGETS_MAX {
        bail!("--notify: {} secondaries are named; at most {TARGETS_MAX} can be told", settings.notify.len());
    }
    let mut targets: Vec<Target> = Vec::new();
    for Secondary { address, key } in &settings.notify {
        if targets.iter().any(|target| target.address == *address) {
            bail!("--notify: {address} is named twice; remove one");
        }
        if address.ip().is_unspecified() || address.port() == 0 {
            bail!("--notify: nobody can be told at {address}; name the secondary's own address");
        }
        let key = key.as_ref().map(|name| notify_key(name, keys)).transpose()?;
        targets.push(Target { address: *address, key });
    }
    Ok(targets)
}

fn notify_key(name: &str, keys: &Keys) -> anyhow::Result<Arc<Key>> {
    let parsed = Name::from_ascii(name).map_err(|_| anyhow!("--notify: \"{name}\" is not a domain name"))?;
    let key = keys.get(&WireName::of(&parsed)).cloned();
    key.with_context(|| format!("--notify: there is no key {name}; name its file with --tsig-key"))
}

/// Sends NOTIFY of what is published, from the addresses that DNS is answered at, to secondaries that
/// may become others.
pub(super) struct Announcer {
    own: Vec<IpAddr>,
    zones: SharedZones,
    versions: watch::Receiver<()>,
    clock: Clock,
    metrics: Option<Arc<Metrics>>,
    parts: Parts,
    /// Ends the sender to those before.
    before: Option<CancellationToken>,
}

impl Announcer {
    pub(super) fn new(
        dns: &DnsSettings,
        publisher: &Publisher,
        page: Option<&MetricsPage>,
        parts: &Parts,
    ) -> Self {
        Self {
            own: dns.dns_listen.iter().map(SocketAddr::ip).collect(),
            zones: publisher.zones(),
            versions: publisher.versions(),
            clock: publisher.clock(),
            metrics: page.map(|page| page.metrics.clone()),
            parts: parts.clone(),
            before: None,
        }
    }

    /// Tells these from now on, and no others; each is told of all zones at first.
    pub(super) fn announce_to(&mut self, targets: Vec<Target>) {
        if let Some(before) = self.before.take() {
            before.cancel();
        }
        if targets.is_empty() {
            return;
        }
        let stop = self.parts.stop_token().child_token();
        let published = (self.zones.clone(), self.versions.clone());
        let sender =
            Sender::new(targets, self.own.clone(), published, self.clock.clone(), self.metrics.clone());
        self.parts.spawn("NOTIFY sender", sender.run(stop.clone()));
        self.before = Some(stop);
    }
}
