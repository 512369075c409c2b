//! The metrics and the address of their page.
//!
//! The address is bound at the start, so that a port that is taken is an error at once.

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::Context;
use tokio::net::TcpListener;

use crate::dns::zone::{SharedZones, Zone};
use crate::metrics::{Metrics, ZoneFigures};

/// The metrics, and a listener for their page.
pub(super) struct MetricsPage {
    pub(super) metrics: Arc<Metrics>,
    pub(super) listener: TcpListener,
    pub(super) address: SocketAddr,
}

impl MetricsPage {
    pub(super) async fn bind(
        listen: Option<SocketAddr>,
        zones: &SharedZones,
    ) -> anyhow::Result<Option<Self>> {
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
