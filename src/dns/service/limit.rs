//! Response rate limiting: how many answers of a kind one network of clients gets per second.
//!
//! ```text
//!  (network, kind) ─► bucket: refilled at the rate, holds one second's worth ─┬─ a token ─► Answer
//!                                                                            └─ empty ──► Slip | Drop
//! ```
//!
//! A source address can be forged, so a server that answers whatever it is asked floods whom an
//! attacker names. Limited answers are withheld; every [`SLIP`]th goes out empty with TC set, so
//! that a real client in that network comes back over TCP, which cannot be forged.
//!
//! Pure in time: the instant is given. Memory is fixed: [`BUCKETS`] buckets in sets of [`WAYS`]; a
//! network that finds its set full takes the place of the one that was quiet for longest.

use std::hash::{BuildHasher, RandomState};
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::Mutex;

use ipnet::IpNet;

use crate::clock::Timestamp;

/// Of so many limited answers one is sent, truncated.
pub const SLIP: u8 = 2;
/// The networks that answers are counted for (RFC 7871, 11.1 has the same idea of one client).
pub const PREFIX_V4: u8 = 24;
/// As [`PREFIX_V4`], for IPv6: what one customer usually has.
pub const PREFIX_V6: u8 = 56;
/// How many networks and kinds are remembered.
pub const BUCKETS: usize = 1 << 16;
/// How many of them compete for one place.
pub const WAYS: usize = 8;
/// Parts of a token: what a bucket gets in a millisecond at one answer per second.
const TOKEN: u32 = 1000;

/// Which answers are counted together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// It has records.
    Positive,
    /// The name exists, without records of that type.
    NoData,
    /// The name does not exist.
    NameError,
    /// Somebody else's names.
    Referral,
    /// Everything else: refusals and errors.
    Error,
}

/// What becomes of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is sent.
    Answer,
    /// It is sent without records, TC set.
    Slip,
    /// It is not sent.
    Drop,
}

/// How answers are limited.
#[derive(Clone, Debug)]
pub struct LimitOptions {
    /// Answers per second, network and kind.
    pub per_second: NonZeroU32,
    /// Networks whose clients are not limited.
    pub exempt: Vec<IpNet>,
}

/// Buckets of all networks.
pub struct Limiter {
    options: LimitOptions,
    sets: Box<[Mutex<[Bucket; WAYS]>]>,
    hasher: RandomState,
}

#[derive(Clone, Copy, Default)]
struct Bucket {
    /// Prefix and kind; `None` if nobody has this place.
    owner: Option<(u64, Kind)>,
    tokens: u32,
    /// When it was filled last, in milliseconds.
    filled_ms: i64,
    n_limited: u8,
}

impl Limiter {
    /// A limiter that has seen nobody yet.
    pub fn new(options: LimitOptions) -> Self {
        let sets = (0..BUCKETS / WAYS).map(|_| Mutex::default()).collect();
        Self { options, sets, hasher: RandomState::new() }
    }

    /// What becomes of an answer of this kind to `client` at `now`.
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

/// The network that a client is counted with.
pub fn network(client: IpAddr) -> IpNet {
    let client = client.to_canonical();
    let length = if client.is_ipv4() { PREFIX_V4 } else { PREFIX_V6 };
    IpNet::new_assert(client, length).trunc()
}

/// The bits of the prefix, and which family they are of.
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
