//! The service: who asks, what they may, and which path their question takes.
//!
//! ```text
//!   a transport ──► responder ──► respond ──► answer(&Zones, &Query)
//!                      ▲ policy, access, limit, counts
//!                      ├──► fast: ordinary questions over UDP, the same octets
//!                      └──► pending ──► forward: names outside of our zones, asked of upstreams
//! ```
//!
//! Nothing here opens a socket for clients; transports hand in octets and who sent them.

pub mod access;
pub mod asker;
pub mod fast;
pub mod forward;
pub mod limit;
pub mod pending;
pub mod policy;
pub mod respond;
pub mod responder;
pub mod transfer;
