//! Streams into containers over HTTP: WebSocket and SPDY, carried to the pipes of a session.
//!
//! ```text
//!   kubectl ─► WebSocket ─► messages (channel) ─► carry ─► Session ◄─ pipes ─► a runtime
//!                 └► tunnel ─► frames (spdy) ─► forward ─► PortStream ◄─ octets ─► a port of a pod
//! ```
//!
//! The API knows nothing of runtimes: it asks the [`ContainerStreams`](crate::streaming::ContainerStreams)
//! that the application wires, and gets pipes. A runtime that runs nothing refuses before the
//! connection is upgraded, so that a client reads an ordinary Status.

pub(crate) mod carry;
pub(crate) mod channel;
pub(crate) mod forward;
#[cfg(test)]
pub(crate) mod refusal;
pub(crate) mod remote;
pub(crate) mod spdy;
pub(crate) mod tunnel;
