//! Forwarding: names outside of our zones, asked of upstreams.
//!
//! ```text
//!  respond: no zone holds it, RD, the client may ──► Forwarder ─┬─ cached ─────────────────┐
//!                                                               ├─ no slot free: SERVFAIL ─┤
//!                                                               └─ upstream.rs, one after  ▼
//!                                                                  another ──────────► Outcome
//! ```
//!
//! Nothing here knows transports or responses: QNAME and QTYPE go in, an [`Outcome`] comes out.
//!
//! Limits: [`WAITING_MAX`] questions wait for upstreams, [`WAITING_PER_CLIENT_MAX`] of one client;
//! further ones get SERVFAIL at once. All upstreams together have [`UPSTREAMS_TIMEOUT`]; the cache has
//! [`CACHE_ENTRIES_MAX`] entries.

mod forwarder;
mod outcome;
mod slots;
mod upstream;

pub use forwarder::{Admission, ForwardError, Forwarder};
pub use outcome::{Failure, Outcome};
pub use slots::{Slot, WAITING_MAX, WAITING_PER_CLIENT_MAX};
pub use upstream::{CACHE_ENTRIES_MAX, FAILURE_TTL_S, UPSTREAM_TIMEOUT, UPSTREAMS_TIMEOUT};
