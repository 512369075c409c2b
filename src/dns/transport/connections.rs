//! The open connections of one listener, and which of them has been idle for longest.
//!
//! With [`CONNECTIONS_MAX`] open connections, or [`CONNECTIONS_PER_ADDRESS_MAX`] from one address, a new
//! one replaces the one that has been idle for longest. RFC 7766, 6.2.2 leaves the limits to the server
//! and 6.2.3 lets it close idle connections early when resources are short. The limit per address keeps
//! one client from closing the connections of all others.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard};

use tokio_util::sync::CancellationToken;

/// Maximum number of connections of a listener.
const CONNECTIONS_MAX: usize = 1024;
/// Maximum number of connections from one address.
const CONNECTIONS_PER_ADDRESS_MAX: usize = 512;

/// The open connections of a listener.
#[derive(Default)]
pub(super) struct Connections {
    open: Mutex<Open>,
    stop: CancellationToken,
}

#[derive(Default)]
struct Open {
    /// A counter of uses: the moment of the latest one.
    moment: u64,
    /// All connections by the moment of their last use.
    by_idleness: BTreeMap<u64, (IpAddr, CancellationToken)>,
}

/// One open connection.
pub(super) struct Connection {
    /// The client's address.
    pub(super) address: IpAddr,
    /// The key in `by_idleness`; changed only while that is locked, else a concurrent use would lose it.
    last_use: AtomicU64,
    /// Cancelled when the connection is to be closed.
    pub(super) stop: CancellationToken,
}

impl Connections {
    /// No connections yet; all are closed when `stop` is cancelled.
    pub(super) fn until(stop: CancellationToken) -> Self {
        Self { stop, ..Self::default() }
    }

    /// Adds a connection; at a limit, closes the one that has been idle for longest.
    pub(super) fn enter(&self, address: IpAddr) -> Connection {
        let stop = self.stop.child_token();
        let mut open = self.lock();
        let of_address = open.by_idleness.iter().filter(|(_, (other, _))| *other == address);
        let crowded = match of_address.clone().count() >= CONNECTIONS_PER_ADDRESS_MAX {
            true => of_address.map(|(moment, _)| *moment).next(),
            false => {
                let first = open.by_idleness.keys().next().copied();
                first.filter(|_| open.by_idleness.len() >= CONNECTIONS_MAX)
            }
        };
        if let Some((_, longest_idle)) = crowded.and_then(|moment| open.by_idleness.remove(&moment)) {
            longest_idle.cancel();
        }
        let moment = open.next_moment();
        open.by_idleness.insert(moment, (address, stop.clone()));
        Connection { address, last_use: AtomicU64::new(moment), stop }
    }

    /// Marks a connection as used now; without effect if it was closed to make room.
    pub(super) fn touch(&self, connection: &Connection) {
        let mut open = self.lock();
        let moment = open.next_moment();
        let before = connection.last_use.swap(moment, Ordering::Relaxed);
        if let Some(entry) = open.by_idleness.remove(&before) {
            open.by_idleness.insert(moment, entry);
        }
    }

    /// Removes a connection that has ended.
    pub(super) fn leave(&self, connection: &Connection) {
        let mut open = self.lock();
        open.by_idleness.remove(&connection.last_use.load(Ordering::Relaxed));
    }

    fn lock(&self) -> MutexGuard<'_, Open> {
        self.open.lock().expect("a map operation does not panic")
    }
}

impl Open {
    fn next_moment(&mut self) -> u64 {
        self.moment += 1;
        self.moment
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(last: u8) -> IpAddr {
        [127, 0, 0, last].into()
    }

    #[test]
    fn at_the_limit_of_an_address_its_longest_idle_connection_gives_way() {
        let connections = Connections::default();
        let other = connections.enter(address(2));
        let all: Vec<Connection> =
            (0..CONNECTIONS_PER_ADDRESS_MAX).map(|_| connections.enter(address(1))).collect();
        connections.touch(&all[0]);
        assert!(all.iter().all(|connection| !connection.stop.is_cancelled()));
        let _new = connections.enter(address(1));
        let closed: Vec<usize> =
            (0..all.len()).filter(|position| all[*position].stop.is_cancelled()).collect();
        assert_eq!(closed, [1], "the first was used since");
        assert!(!other.stop.is_cancelled());
    }

    #[test]
    fn at_the_limit_of_all_the_longest_idle_connection_gives_way() {
        let connections = Connections::default();
        let half = CONNECTIONS_MAX / 2;
        let first: Vec<Connection> = (0..half).map(|_| connections.enter(address(1))).collect();
        let second: Vec<Connection> = (0..half).map(|_| connections.enter(address(2))).collect();
        connections.leave(&second[0]);
        let _fits = connections.enter(address(3));
        assert!(!first[0].stop.is_cancelled());
        let _too_many = connections.enter(address(3));
        assert!(first[0].stop.is_cancelled() && !first[1].stop.is_cancelled());
    }

    #[test]
    fn a_connection_that_is_used_by_several_at_once_is_known_until_it_ends() {
        let connections = Connections::default();
        for _ in 0..200 {
            let connection = connections.enter(address(1));
            std::thread::scope(|scope| {
                for _ in 0..4 {
                    scope.spawn(|| (0..200).for_each(|_| connections.touch(&connection)));
                }
            });
            assert_eq!(connections.lock().by_idleness.len(), 1, "it is one");
            connections.leave(&connection);
            assert!(connections.lock().by_idleness.is_empty(), "no ghost stays");
        }
    }
}
