//! Slots for questions that wait for upstreams.
//!
//! [`WAITING_MAX`] bounds their memory; [`WAITING_PER_CLIENT_MAX`] leaves slots to other clients when one
//! asks for names that no upstream answers.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex};

/// Maximum number of questions that wait for upstreams.
pub const WAITING_MAX: usize = 4096;
/// Maximum number of waiting questions of one client.
pub const WAITING_PER_CLIENT_MAX: usize = 1024;

/// The slots of a forwarder.
#[derive(Clone, Debug, Default)]
pub(super) struct Slots(Arc<Mutex<Taken>>);

#[derive(Debug, Default)]
struct Taken {
    n: usize,
    by_client: HashMap<IpAddr, usize>,
}

impl Slots {
    /// Takes a slot for a question of `client`, if one is free.
    pub(super) fn take(&self, client: IpAddr) -> Option<Slot> {
        let mut taken = self.0.lock().expect("counting does not panic");
        let is_crowded = |n: &usize| *n >= WAITING_PER_CLIENT_MAX;
        if taken.n >= WAITING_MAX || taken.by_client.get(&client).is_some_and(is_crowded) {
            return None;
        }
        taken.n += 1;
        *taken.by_client.entry(client).or_default() += 1;
        Some(Slot { client, slots: self.clone() })
    }
}

/// A taken slot; released when dropped.
#[derive(Debug)]
pub struct Slot {
    client: IpAddr,
    slots: Slots,
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut taken = self.slots.0.lock().expect("counting does not panic");
        taken.n -= 1;
        if let Some(n) = taken.by_client.get_mut(&self.client) {
            *n -= 1;
            if *n == 0 {
                taken.by_client.remove(&self.client);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_wait_than_may_and_slots_are_given_back() {
        let free = Slots::default();
        let client = |n: u8| IpAddr::from([127, 0, 0, n]);
        let mut slots: Vec<Slot> =
            (0..WAITING_PER_CLIENT_MAX).map(|_| free.take(client(1)).unwrap()).collect();
        assert!(free.take(client(1)).is_none(), "one client has its share");
        let others = (WAITING_PER_CLIENT_MAX..WAITING_MAX).map(|n| client(2 + (n % 50) as u8));
        slots.extend(others.map(|client| free.take(client).unwrap()));
        assert!(free.take(client(99)).is_none(), "all are taken");
        drop(slots.swap_remove(0));
        let last = free.take(client(99)).unwrap();
        drop((slots, last));
        let left = free.0.lock().unwrap();
        assert_eq!((left.n, left.by_client.len()), (0, 0));
    }
}
