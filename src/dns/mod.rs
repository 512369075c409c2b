//! DNS: zones as one immutable snapshot, and answers from it.
//!
//! ```text
//!   store ── watch ──► publisher ──► Zones (swapped whole)
//!                                      ▲ load, never waits
//!   UDP, TCP ──► responder ──► respond ──► answer(&Zones, &Query) ──► Answer
//!                   ▲ limits, reasons, counts ◄── Response ◄───────────────┘
//!                   ├──► fast: ordinary questions over UDP, the same octets
//!                   └──► forward: what no zone of ours holds, asked of other servers
//!   Zones have changed ──► notification ──► secondaries, which come for a transfer
//! ```

pub mod answer;
pub mod conduct;
pub mod cookie;
mod encode;
pub mod explain;
pub mod fast;
pub mod forward;
pub mod limit;
pub mod notification;
pub mod publisher;
mod request;
pub mod respond;
pub mod responder;
pub mod response;
pub mod serials;
pub mod server;
pub mod transfer;
pub mod tsig;
pub mod zone;

use std::sync::Arc;

/// The zones that are served now; readers load them without waiting.
pub type SharedZones = Arc<arc_swap::ArcSwap<zone::Zones>>;
