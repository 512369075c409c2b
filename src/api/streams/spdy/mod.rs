//! SPDY/3.1: several streams of octets in one connection, as client-go speaks it.
//!
//! ```text
//!   chunks in ─► Decoder ─► connection ─► a pipe (PIPE_OCTETS) per stream ─► whoever serves it
//!   chunks out ◄─ (FRAMES_MAX) ◄───────────────────────────── Output ◄──────────┘
//! ```
//!
//! kubectl carries ports over it, inside of a WebSocket or, before 1.30, right after an upgrade.
//! Nobody there keeps the windows of flow control, so neither end can hold back one stream alone:
//! a reader who does not read holds back the connection, for [`connection::STALL_MAX`] at most.

mod broken;

pub(crate) mod connection;
pub(crate) mod frame;
pub(crate) mod headers;
