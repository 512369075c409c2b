//! Response rate limiting (RRL): responses per second, client network and kind of response.
//!
//! ```text
//!  (network, kind) ─► bucket: refilled at the rate, holds one second's worth ─┬─ a token ─► Answer
//!                                                                            └─ empty ──► Slip | Drop
//! ```
//!
//! UDP source addresses can be forged, so an unlimited server can be used to flood a victim. Responses
//! beyond the rate are dropped; one in [`SLIP`] is sent truncated instead, so that a real client in the
//! limited network retries over TCP, where addresses cannot be forged. No RFC defines RRL; this follows
//! BIND and Knot.
//!
//! Pure: the time is an argument. Memory is fixed: [`BUCKETS`] buckets in sets of [`WAYS`]; in a full set
//! a new network replaces the one that was quiet for longest.

use std::hash::{BuildHasher, RandomState};
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::Mutex;

use ipnet::IpNet;

use crate::clock::Timestamp;

/// One in SLIP limited responses is sent truncated, the others are dropped.
pub const SLIP: u8 = 2;
/// Prefix length of an IPv4 client network (RFC 7871, 11.1 uses the same).
pub const PREFIX_V4: u8 = 24;
/// Prefix length of an IPv6 client network: what one customer usually gets.
pub const PREFIX_V6: u8 = 56;
/// Number of buckets: pairs of network and kind that are tracked.
pub const BUCKETS: usize = 1 << 16;
/// Buckets per set.
pub const WAYS: usize = 8;
/// A token in thousandths: at one response per second a bucket gains one thousandth per millisecond.
const TOKEN: u32 = 1000;

/// The kinds of responses; each has its own limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Records.
    Positive,
    /// NODATA.
    NoData,
    /// NXDOMAIN.
    NameError,
    /// A referral.
    Referral,
    /// REFUSED, SERVFAIL and other errors.
    Error,
}

/// What to do with a response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Send it.
    Answer,
    /// Send it truncated, without records.
    Slip,
    /// Drop it.
    Drop,
}

/// Settings of the limiter.
#[derive(Clone, Debug)]
pub struct LimitOptions {
    /// Responses per second for each network and kind.
    pub per_second: NonZeroU32,
    /// Networks that are not limited.
    pub exempt: Vec<IpNet>,
}

/// The limiter of a server, shared by its workers.
pub struct Limiter {
    options: LimitOptions,
    sets: Box<[Mutex<[Bucket; WAYS]>]>,
    hasher: RandomState,
}

#[derive(Clone, Copy, Default)]
struct Bucket {
    /// Network and kind; `None` if the bucket is free.
    owner: Option<(u64, Kind)>,
    tokens: u32,
    /// Time of the last refill, in milliseconds.
    filled_ms: i64,
    n_limited: u8,
}

impl Limiter {
    /// A limiter with empty buckets.
    pub fn new(options: LimitOptions) -> Self {
        let sets = (0..BUCKETS / WAYS).map(|_| Mutex::default()).collect();
        Self { options, sets, hasher: RandomState::new() }
    }

    /// Decides on a response of this kind to `client` at `now`.
    pub fn decide(&self, client: IpAddr, kind: Kind, now: Timestamp) -> Verdict {
        let client = client.to_canonical();
        if self.options.exempt.iter().any(|network| network.contains(&client)) {
            return Verdict::Answer;
        }
        let owner = (prefix_bits(client), kind);
        let index = self.hasher.hash_one(owner) as usize % self.sets.len();
        let mut set = self.sets[index].lock().expect("no panic happens while a bucket is changed");
        let place = set.iter().position(|bucket| bucket.owner == Some(owner)).unwrap_or_else(|| {
            let (place, bucket) = set
                .iter_mut()
                .enumerate()
                .min_by_key(|(_, bucket)| (bucket.owner.is_some(), bucket.filled_ms))
                .expect("a set has places");
            *bucket = Bucket {
                owner: Some(owner),
                tokens: u32::MAX,
                filled_ms: now.as_millisecond(),
                n_limited: 0,
            };
            place
        });
        set[place].take(self.options.per_second, now.as_millisecond())
    }
}

impl Bucket {
    fn take(&mut self, per_second: NonZeroU32, now_ms: i64) -> Verdict {
        let rate = per_second.get();
        let full = rate.saturating_mul(TOKEN);
        let elapsed_ms = u32::try_from((now_ms - self.filled_ms).max(0)).unwrap_or(u32::MAX);
        self.tokens = self.tokens.saturating_add(elapsed_ms.saturating_mul(rate)).min(full);
        self.filled_ms = self.filled_ms.max(now_ms);
        if let Some(left) = self.tokens.checked_sub(TOKEN) {
            self.tokens = left;
            return Verdict::Answer;
        }
        self.n_limited = (self.n_limited + 1) % SLIP;
        if self.n_limited == 0 { Verdict::Slip } else { Verdict::Drop }
    }
}

/// The network that a client belongs to.
pub fn network(client: IpAddr) -> IpNet {
    let client = client.to_canonical();
    let length = if client.is_ipv4() { PREFIX_V4 } else { PREFIX_V6 };
    IpNet::new_assert(client, length).trunc()
}

/// The prefix and its address family as one number.
fn prefix_bits(client: IpAddr) -> u64 {
    const V6: u64 = 1 << 63;
    match client {
        IpAddr::V4(client) => u64::from(client.to_bits() >> (32 - PREFIX_V4)),
        IpAddr::V6(client) => (client.to_bits() >> (128 - PREFIX_V6)) as u64 | V6,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Kind::*;
    use Verdict::{Answer, Drop, Slip};

    fn limiter(per_second: u32, exempt: &[&str]) -> Limiter {
        let exempt = exempt.iter().map(|network| network.parse().unwrap()).collect();
        Limiter::new(LimitOptions { per_second: per_second.try_into().unwrap(), exempt })
    }

    /// Answers asked for at milliseconds, and what becomes of them.
    fn check(limiter: &Limiter, asked: &[(i64, &str, Kind, Verdict)]) {
        for (index, (at_ms, client, kind, expected)) in asked.iter().enumerate() {
            let now = Timestamp::from_millisecond(*at_ms).unwrap();
            let verdict = limiter.decide(client.parse().unwrap(), *kind, now);
            assert_eq!(verdict, *expected, "number {index}: {client} {kind:?} at {at_ms} ms");
        }
    }

    #[test]
    fn a_second_is_worth_its_answers_and_every_second_one_beyond_slips() {
        check(
            &limiter(2, &[]),
            &[
                (0, "192.0.2.1", Positive, Answer),
                (0, "192.0.2.1", Positive, Answer),
                (0, "192.0.2.1", Positive, Drop),
                (0, "192.0.2.1", Positive, Slip),
                (499, "192.0.2.1", Positive, Drop),
                (500, "192.0.2.1", Positive, Answer),
                (500, "192.0.2.1", Positive, Slip),
                // However long it was quiet, no more than a second's worth is saved.
                (60_000, "192.0.2.1", Positive, Answer),
                (60_000, "192.0.2.1", Positive, Answer),
                (60_000, "192.0.2.1", Positive, Drop),
                // A clock that goes back gives nothing.
                (0, "192.0.2.1", Positive, Slip),
                (60_500, "192.0.2.1", Positive, Answer),
            ],
        );
    }

    #[test]
    fn a_network_and_a_kind_have_a_bucket_each() {
        check(
            &limiter(1, &[]),
            &[
                (0, "192.0.2.1", Positive, Answer),
                (0, "192.0.2.254", Positive, Drop),
                (0, "192.0.3.1", Positive, Answer),
                (0, "192.0.2.1", NameError, Answer),
                (0, "192.0.2.1", NoData, Answer),
                (0, "192.0.2.1", Error, Answer),
                (0, "192.0.2.1", Referral, Answer),
                (0, "2001:db8:0:1::1", Positive, Answer),
                (0, "2001:db8:0:ff::1", Positive, Drop),
                (0, "2001:db8:0:100::1", Positive, Answer),
                (0, "::ffff:192.0.2.9", Positive, Slip),
            ],
        );
    }

    #[test]
    fn exempt_networks_are_never_limited() {
        let asked: Vec<_> = (0..100).map(|_| (0, "127.0.0.1", Positive, Answer)).collect();
        check(&limiter(1, &["127.0.0.0/8", "::1/128"]), &asked);
    }

    #[test]
    fn more_networks_than_places_are_forgotten_not_remembered_longer() {
        let limiter = limiter(1, &[]);
        for number in 0..(2 * BUCKETS as u32) {
            let client = IpAddr::V4((number << 8).into());
            let now = Timestamp::from_millisecond(i64::from(number)).unwrap();
            assert_eq!(limiter.decide(client, Positive, now), Answer, "{client}");
        }
        let owned = |set: &Mutex<[Bucket; WAYS]>| {
            set.lock().unwrap().iter().filter(|one| one.owner.is_some()).count()
        };
        assert!(limiter.sets.iter().map(owned).sum::<usize>() <= BUCKETS);
    }

    #[test]
    fn a_network_is_told_by_its_prefix() {
        for (client, expected) in [
            ("192.0.2.77", "192.0.2.0/24"),
            ("2001:db8:1:ff77::1", "2001:db8:1:ff00::/56"),
            ("::ffff:192.0.2.1", "192.0.2.0/24"),
        ] {
            assert_eq!(network(client.parse().unwrap()).to_string(), expected);
        }
    }
}
