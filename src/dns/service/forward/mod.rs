//! Forwarding: names outside of our zones, asked of upstreams.
//!
//! ```text
//!  respond: no zone holds it, RD, the client may ──► Forwarder ─┬─ remembered ─────────────┐
//!                                                               ├─ no slot free: SERVFAIL ─┤
//!                                                               └─ upstream.rs, one after  ▼
//!                                                                  another ──────────► Outcome
//! ```
//!
//! Nothing here knows a transport or a response: a name and a type go in, an [`Outcome`] comes out.
//!
//! At its limits: [`WAITING_MAX`] questions wait for upstreams, [`WAITING_PER_CLIENT_MAX`] of one
//! client; what is beyond is answered SERVFAIL at once. Upstreams have their time
//! ([`UPSTREAMS_TIMEOUT`]), answers their memory ([`CACHE_ENTRIES_MAX`]).

mod forwarder;
mod outcome;
mod slots;
mod upstream;

pub use forwarder::{Admission, ForwardError, Forwarder};
pub use outcome::{Failure, Outcome};
pub use slots::{Slot, WAITING_MAX, WAITING_PER_CLIENT_MAX};
pub use upstream::{CACHE_ENTRIES_MAX, FAILURE_TTL_S, UPSTREAM_TIMEOUT, UPSTREAMS_TIMEOUT};
