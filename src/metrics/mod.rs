//! Every figure that is counted, and the page that tells them.
//!
//! ```text
//!   worker ─► its own Counts (atomics nobody else writes) ─┐
//!   reasons, limits, publishing ───────────────────────────┼─► page(), summed up when it is asked for
//!   zones: asked when the page is ─────────────────────────┘
//! ```
//!
//! Labels are of closed sets or bounded, so that no client can make the page grow: types and
//! response codes that are not listed count as `other`, networks are the [`NETWORKS_MAX`] that are
//! most limited or ask most, names the [`NAMES_MAX`] that are asked for most, zones the first
//! [`ZONES_MAX`] by name. One in [`SAMPLE`] requests is looked at for who asks for what. Names follow Prometheus' conventions; the
//! page is OpenMetrics text.

mod counts;
mod figures;
mod histogram;
mod labels;
mod page;
pub mod server;
mod top;

pub use counts::{Counts, NAMES_MAX, NETWORKS_MAX, SAMPLE, ZONES_MAX};
pub use figures::{Metrics, ZoneFigures};
pub use labels::{By, DropReason, Forwarded, NotifyEvent, Seen};
pub use page::CONTENT_TYPE;

#[cfg(test)]
mod tests;
