//! The client of a request and its transport.
//!
//! The transport decides whether a reply may have several messages, its maximum length, and padding.

use std::net::IpAddr;

/// The transport that a request came by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// UDP.
    Udp,
    /// TCP.
    Tcp,
    /// DNS over TLS (RFC 7858).
    Dot,
    /// DNS over HTTPS (RFC 8484).
    Doh,
    /// DNS over QUIC (RFC 9250).
    Doq,
}

impl Transport {
    /// Whether messages follow one another on a connection, each behind its length: then one request
    /// may be answered by many messages, and how long the connection may be idle is worth telling.
    pub(super) fn is_framed(self) -> bool {
        matches!(self, Self::Tcp | Self::Dot)
    }

    /// Whether the length of a message is all that others see of it.
    pub(super) fn is_encrypted(self) -> bool {
        matches!(self, Self::Dot | Self::Doh | Self::Doq)
    }
}

/// The client of a request.
#[derive(Clone, Copy, Debug)]
pub struct Asker {
    /// The client's address.
    pub address: IpAddr,
    /// The transport of the request.
    pub transport: Transport,
}
