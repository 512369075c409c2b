//! Messages: names, requests, responses, the encoder, EDNS, transaction signatures and cookies.
//!
//! ```text
//!   octets ──► request ──► Request        Response ──► encode ──► octets
//!                │  EDNS, tsig, cookie ◄──────┘
//! ```
//!
//! Everything here takes octets or values and returns the other. Nothing here knows of zones,
//! sockets or tasks.

pub mod cookie;
pub(crate) mod encode;
pub mod name;
pub(crate) mod request;
pub mod response;
pub mod tsig;
