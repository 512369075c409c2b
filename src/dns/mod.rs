//! DNS: zones as one immutable snapshot, and answers from it.
//!
//! ```text
//!   store ── watch ──► publisher ──► Zones (swapped whole)
//!                                      ▲ load, never waits
//!   UDP, TCP ──► server ──► answer(&Zones, &Query) ──► Answer
//! ```

pub mod answer;
pub mod publisher;
pub mod server;
pub mod zone;

use std::sync::Arc;

/// The zones that are served now; readers load them without waiting.
pub type SharedZones = Arc<arc_swap::ArcSwap<zone::Zones>>;
