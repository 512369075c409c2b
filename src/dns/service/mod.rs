//! The service: who asks, what they may, and which way their question takes.
//!
//! ```text
//!   a transport ──► responder ──► respond ──► answer(&Zones, &Query)
//!                      ▲ limit, policy, access, counts
//!                      ├──► fast: ordinary questions over UDP, the same octets
//!                      └──► forward: names outside of our zones, asked of upstreams
//! ```
//!
//! Nothing here opens a socket for clients; transports hand in octets and who sent them.

pub mod access;
pub mod fast;
pub mod forward;
pub mod limit;
pub mod policy;
pub mod respond;
pub mod responder;
