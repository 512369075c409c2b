//! Messages: names, requests, responses, the encoder, EDNS, TSIG and cookies.
//!
//! ```text
//!   octets ──► request ──► Request        Response ──► fit ──► encode ──► octets
//!                 └── edns, tsig, cookie, name ──┘
//!              protocol: every number of the protocol, once
//! ```
//!
//! Everything here takes octets or values and returns the other. Nothing here knows of zones,
//! sockets or tasks.

pub mod cookie;
pub(crate) mod edns;
pub(crate) mod encode;
mod fit;
pub mod name;
pub mod protocol;
pub(crate) mod request;
pub mod response;
pub(crate) mod serial;
pub mod tsig;
