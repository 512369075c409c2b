//! What figures are labelled with: closed sets, so that no client can make the page grow.
//!
//! Types and response codes that are not listed count as [`OTHER`].

use std::time::Duration;

/// Types with a label of their own, by number.
pub(super) const TYPES: &[(u16, &str)] = &[
    (1, "A"),
    (28, "AAAA"),
    (33, "SRV"),
    (12, "PTR"),
    (5, "CNAME"),
    (2, "NS"),
    (6, "SOA"),
    (16, "TXT"),
    (15, "MX"),
    (43, "DS"),
    (65, "HTTPS"),
    (64, "SVCB"),
    (251, "IXFR"),
    (252, "AXFR"),
    (255, "ANY"),
];
/// Response codes with a label of their own, by number.
pub(super) const RCODES: &[(u16, &str)] = &[
    (0, "NOERROR"),
    (1, "FORMERR"),
    (2, "SERVFAIL"),
    (3, "NXDOMAIN"),
    (4, "NOTIMP"),
    (5, "REFUSED"),
    (6, "YXDOMAIN"),
    (9, "NOTAUTH"),
    (16, "BADVERS"),
    (23, "BADCOOKIE"),
];
pub(super) const TRANSPORTS: [&str; 5] = ["udp", "tcp", "dot", "doh", "doq"];
/// What stands for everything that is not listed.
pub(super) const OTHER: &str = "other";

/// A request that was answered.
#[derive(Clone, Copy, Debug)]
pub struct Seen {
    /// What it came by.
    pub by: By,
    /// The number of its type, if it has a question.
    pub record_type: Option<u16>,
    /// The number of its response code.
    pub rcode: u16,
    /// How long it took us; `None` if we waited for others.
    pub took: Option<Duration>,
}

/// What a request came by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// A datagram.
    Udp,
    /// A connection.
    Tcp,
    /// DNS over TLS.
    Dot,
    /// DNS over HTTPS.
    Doh,
    /// DNS over QUIC.
    Doq,
}

/// What became of a question for upstreams.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Forwarded {
    /// An upstream answered it.
    Answered,
    /// An upstream, or its failure, was remembered.
    Remembered,
    /// No upstream answered it.
    Failed,
    /// Too many others were waiting.
    Crowded,
}

pub(super) const FORWARDED: [&str; 4] = ["answered", "remembered", "failed", "crowded"];

/// Why a request was not answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DropReason {
    /// It is a response, or less than a header.
    Unanswerable,
    /// Its network had its answers.
    RateLimited,
}

pub(super) const DROP_REASONS: [&str; 2] = ["unanswerable", "rate_limited"];

/// What becomes of telling secondaries of new versions (NOTIFY).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotifyEvent {
    /// A message was sent, perhaps not for the first time.
    Sent,
    /// A secondary has answered, whatever it said.
    Answered,
    /// A secondary has not answered and is silent from now on.
    GivenUp,
}

pub(super) const NOTIFY_EVENTS: [&str; 3] = ["sent", "answered", "given_up"];
