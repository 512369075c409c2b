//! Ports that are known before who answers at them is started.
//!
//! This program binds port 0 and says what it got; others want a number. A number that was free a
//! moment ago may be another's when it is used, so it is held from the beginning: by a ticket, a socket
//! of this process at the same port of another address of loopback, at which nobody but these tests
//! binds. Two tests, in one process or in two, never hold the same ticket, and the kernel takes it back
//! when a test ends, however it ends. The ports are below those that the system gives to clients
//! (32768 and up), so no socket of somebody else comes upon one by chance; one that a server of this
//! machine has for good is passed over.
//!
//! An address of loopback for each test would need no ticket, but BIND listens only at addresses that
//! an interface has.

use std::net::{Ipv4Addr, SocketAddr, TcpListener, UdpSocket};
use std::ops::Range;

const TICKETS: Ipv4Addr = Ipv4Addr::new(127, 53, 53, 53);
const PORTS: Range<u16> = 20_000..32_000;

/// A port of 127.0.0.1, for UDP and TCP, that no other test takes while this lives.
pub(crate) struct Port {
    pub(crate) address: SocketAddr,
    _ticket: TcpListener,
}

impl Port {
    /// The first one that is not taken.
    pub(crate) fn reserve() -> Self {
        let reserved = PORTS.clone().find_map(|port| {
            let ticket = TcpListener::bind((TICKETS, port)).ok()?;
            let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
            let is_free = UdpSocket::bind(address).is_ok() && TcpListener::bind(address).is_ok();
            is_free.then_some(Self { address, _ticket: ticket })
        });
        reserved.expect("one of many ports is free")
    }
}
