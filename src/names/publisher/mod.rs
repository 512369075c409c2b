//! Follows services, slices, pods and namespaces; the only writer of the zone snapshot.
//!
//! One batch of changes makes one version: the publisher renders the objects concerned, edits the zones,
//! swaps the snapshot, and sends a [`Publication`] with the names that were added and removed. If changes
//! were lost, it renders everything and compares. Readers never wait.
//!
//! Objects come from a [`Source`], usually a store. All zones share one counter of serials, which does
//! not fall at a restart: see [`Serials`].

use std::collections::HashSet;
use std::sync::Arc;

use hickory_proto::rr::Name;
use tokio::sync::{broadcast, watch};
use tokio_util::sync::CancellationToken;
use tracing::{debug, error, warn};

use super::cluster::{Changes, Cluster};
use super::explain::Explainer;
use super::options::ZoneOptions;
use super::source::{Change, Lost, Source};
use super::stale::Stale;
use super::stored::Stored;
use crate::clock::{self, Clock, Timestamp};
use crate::dns::message::name::WireName;
use crate::dns::secondary::catalog::Catalog;
use crate::dns::secondary::serials::Serials;
use crate::dns::zone::{SharedZones, Zone, Zones};
use crate::metrics::Metrics;
use crate::objects::Kind;

/// One published change of the cluster zone.
#[derive(Clone, Debug)]
pub struct Publication {
    /// The zone's serial from now on.
    pub serial: u32,
    /// When it was published.
    pub at: Timestamp,
    /// Names that have records now and had none before.
    pub added: Vec<Name>,
    /// Names that had records before and have none now.
    pub removed: Vec<Name>,
}

/// Keeps the snapshot up to date with the objects of a source.
pub struct Publisher<S = Stored> {
    source: S,
    zones: SharedZones,
    publications: broadcast::Sender<Publication>,
    versions: watch::Sender<()>,
    serials: Arc<Serials>,
    catalog: Option<Catalog>,
    /// `None` if the cluster domain is too long for names below it; static zones are served even then.
    cluster: Option<Cluster>,
    kinds: Vec<Kind>,
    static_zones: watch::Sender<Vec<Zone>>,
    /// Whether names fall through; a static zone then does not replace the cluster's with the same apex.
    has_fallthrough: bool,
    /// The apexes of static zones that are served in place of the cluster's.
    static_apexes: HashSet<WireName>,
    is_synced: watch::Sender<bool>,
    metrics: Option<Arc<Metrics>>,
}

/// How many publications a receiver may lag behind.
const PUBLICATIONS_MAX: usize = 1024;

impl Publisher {
    /// Renders the objects of the store; serving may begin once this returns. `static_zones` are served
    /// beside the cluster zone and its reverse zones; a static zone with the same apex as one of these
    /// replaces it, which is logged, unless names fall through to it.
    pub fn new(store: impl Into<Stored>, options: ZoneOptions, static_zones: Vec<Zone>) -> Self {
        Self::publishing_to(SharedZones::default(), store, options, static_zones)
    }

    /// As [`Publisher::new`], for a snapshot from which a bound server answers already.
    pub fn publishing_to(
        zones: SharedZones,
        store: impl Into<Stored>,
        options: ZoneOptions,
        static_zones: Vec<Zone>,
    ) -> Self {
        let store = store.into();
        let serials = Serials::from_clock(store.clock().now());
        Self::with_serials(serials, zones, store, options, static_zones)
    }

    /// As [`Publisher::publishing_to`], with serials from `serials` instead of the clock.
    pub fn with_serials(
        serials: Serials,
        zones: SharedZones,
        store: impl Into<Stored>,
        options: ZoneOptions,
        static_zones: Vec<Zone>,
    ) -> Self {
        Self::of_source(store.into(), serials, zones, options, static_zones)
    }
}

impl<S: Source> Publisher<S> {
    /// As [`Publisher::with_serials`], for objects from any source.
    pub fn of_source(
        mut source: S,
        serials: Serials,
        zones: SharedZones,
        options: ZoneOptions,
        static_zones: Vec<Zone>,
    ) -> Self {
        let serials = Arc::new(serials);
        let kinds = Cluster::kinds(&options);
        let has_fallthrough = !options.fallthrough.is_empty();
        let is_synced = watch::Sender::new(options.is_synced);
        source.follow(&kinds);
        let cluster = Cluster::new(options, serials.clone(), source.clock());
        let cluster = cluster.inspect_err(|error| error!("the cluster has no zone: {error}")).ok();
        let mut publisher = Self {
            zones,
            publications: broadcast::Sender::new(PUBLICATIONS_MAX),
            versions: watch::Sender::new(()),
            serials,
            catalog: None,
            cluster,
            kinds,
            static_zones: watch::Sender::new(static_zones),
            has_fallthrough,
            static_apexes: HashSet::new(),
            is_synced,
            metrics: None,
            source,
        };
        publisher.render_everything();
        publisher.show_static_zones();
        publisher
    }

    /// Counts publications in `metrics` from now on.
    pub fn count_in(&mut self, metrics: Option<Arc<Metrics>>) {
        self.metrics = metrics;
    }

    /// Lists the served zones in `catalog`, which is served beside them from now on.
    pub fn list_in(&mut self, catalog: Catalog) {
        self.catalog = Some(catalog);
        self.swap(Zones::clone(&self.zones.load()));
    }

    /// What explains negative answers, if the options ask for it.
    pub fn explainer(&self) -> Option<Arc<Explainer>> {
        self.cluster.as_ref()?.explainer()
    }

    /// The snapshot that this publisher keeps.
    pub fn zones(&self) -> SharedZones {
        self.zones.clone()
    }

    /// The clock by which publications are dated.
    pub fn clock(&self) -> Clock {
        self.source.clock().clone()
    }

    /// Every change published from now on; a receiver that lags loses the oldest.
    pub fn publications(&self) -> broadcast::Receiver<Publication> {
        self.publications.subscribe()
    }

    /// Changes whenever any zone does, a static one too.
    pub fn versions(&self) -> watch::Receiver<()> {
        self.versions.subscribe()
    }

    /// Replaces the static zones while the publisher runs.
    pub fn static_zones(&self) -> watch::Sender<Vec<Zone>> {
        self.static_zones.clone()
    }

    /// Set to true, while the publisher runs, once all objects were read: a name error is answered with
    /// SERVFAIL until then.
    pub fn synced(&self) -> watch::Sender<bool> {
        self.is_synced.clone()
    }

    /// Publishes the changes until now, without waiting for more.
    pub fn catch_up(&mut self) {
        loop {
            let changes = self.source.changes();
            if changes.as_ref().is_ok_and(Vec::is_empty) {
                return;
            }
            self.take_up(changes);
        }
    }

    /// Renders everything again, as when changes were lost.
    pub fn start_over(&mut self) {
        self.source.follow(&self.kinds);
        self.render_everything();
    }

    /// Follows the source until `stop` is cancelled.
    pub async fn run(mut self, stop: CancellationToken) {
        let mut static_zones = self.static_zones.subscribe();
        let mut is_synced = self.is_synced.subscribe();
        // Either may have been set before this publisher was started.
        static_zones.mark_changed();
        is_synced.mark_changed();
        loop {
            // Serials must be reserved on disk before they are used; only this task waits for that.
            tokio::select! {
                () = stop.cancelled() => return,
                () = self.serials.reserved() => {}
            }
            tokio::select! {
                () = stop.cancelled() => return,
                changes = self.source.next_changes() => self.take_up(changes),
                Ok(()) = static_zones.changed() => self.show_static_zones(),
                Ok(()) = is_synced.changed() => {
                    let is_synced = *is_synced.borrow();
                    self.set_synced(is_synced);
                }
            }
        }
    }

    fn take_up(&mut self, changes: Result<Vec<Change>, Lost>) {
        let Ok(changes) = changes else {
            debug!("changes were lost; rendering everything again");
            return self.start_over();
        };
        let Some(cluster) = &mut self.cluster else { return };
        let mut stale = Stale::default();
        for change in &changes {
            cluster.note(&self.source, &change.key, &mut stale);
        }
        if self.refresh(stale)
            && let Some(metrics) = &self.metrics
        {
            let now = self.source.clock().now();
            // The first change of a batch has waited longest.
            changes.iter().take(1).for_each(|change| metrics.published(clock::until(change.at, now)));
        }
    }

    fn render_everything(&mut self) {
        if let Some(cluster) = &mut self.cluster {
            let stale = cluster.everything(&self.source);
            self.refresh(stale);
        }
    }

    /// Returns whether any answer may have changed.
    fn refresh(&mut self, stale: Stale) -> bool {
        let Some(cluster) = &mut self.cluster else { return false };
        let Some(changes) = cluster.refresh(&self.source, stale) else { return false };
        let serial = cluster.serial();
        self.show(&changes);
        let names = |names: Vec<WireName>| names.iter().map(WireName::to_name).collect();
        let publication = Publication {
            serial,
            at: self.source.clock().now(),
            added: names(changes.added),
            removed: names(changes.removed),
        };
        let (n_added, n_removed) = (publication.added.len(), publication.removed.len());
        debug!(serial, n_added, n_removed, "published");
        // There may be no receiver.
        let _ = self.publications.send(publication);
        true
    }

    /// Swaps the snapshot for one with the new versions of the zones that have changed.
    fn show(&mut self, changes: &Changes) {
        let Some(cluster) = &self.cluster else { return };
        let mut zones = Zones::clone(&self.zones.load());
        for apex in changes.zones.iter().filter(|apex| !self.static_apexes.contains(*apex)) {
            match cluster.zones().shared(apex) {
                Some(zone) => zones.insert(zone),
                None => match self.static_zones.borrow().iter().find(|zone| zone.key() == apex) {
                    Some(zone) => zones.insert(zone.clone()),
                    None => zones.remove(apex),
                },
            }
        }
        self.swap(zones);
    }

    fn swap(&mut self, mut zones: Zones) {
        if let Some(catalog) = &mut self.catalog
            && (zones.layout() != self.zones.load().layout() || zones.at(catalog.zone().key()).is_none())
        {
            catalog.list(zones.iter().map(|zone| zone.key().clone()), || self.serials.advance());
            zones.insert(catalog.zone().clone());
        }
        self.zones.store(zones.into());
        self.versions.send_replace(());
    }

    fn show_static_zones(&mut self) {
        let cluster = self.cluster.as_ref().map(|cluster| cluster.zones().clone()).unwrap_or_default();
        let mut zones = cluster.clone();
        let is_hidden = |zone: &Zone| cluster.at(zone.key()).is_some();
        for zone in self.static_zones.borrow().iter() {
            if is_hidden(zone) && self.has_fallthrough {
                continue;
            }
            if is_hidden(zone) {
                warn!(zone = %zone.apex(), "served from records that were given, not from the cluster's objects");
            }
            let mut zone = zone.clone();
            if let Some(before) = self.zones.load().at(zone.key()) {
                zone.succeed(before);
            }
            zones.insert(zone);
        }
        let given = self.static_zones.borrow().clone();
        self.static_apexes.clear();
        if self.has_fallthrough {
            zones.set_fallback(Zones::new(given));
        } else {
            self.static_apexes.extend(given.iter().map(|zone| zone.key().clone()));
        }
        self.swap(zones);
    }

    fn set_synced(&mut self, is_synced: bool) {
        if let Some(cluster) = &mut self.cluster {
            cluster.set_synced(is_synced);
        }
        self.show_static_zones();
    }
}

#[cfg(test)]
mod tests;
