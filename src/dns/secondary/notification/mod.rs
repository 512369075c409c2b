//! NOTIFY (RFC 1996): announces new versions of zones to secondaries.
//!
//! ```text
//!   serials now ─┐
//!   an answer ───┼──► Notifier::step(event, now) ──► send, given up, refused, answered again
//!   time ────────┘          │
//!                           └── wake_at(): when to step although nothing happens
//! ```
//!
//! `notifier` is a state machine per secondary and zone, without sockets and without a clock; `sender`
//! carries its actions out. A message announces that there is something new, not each version: the first
//! change is announced at once, further ones together after a quarter of a second, so that a secondary
//! follows within a second and a thousand changes per second cost it four messages.
//!
//! At its limits: a message without an answer is repeated with exponential back-off (RFC 1996 section
//! 3.6). After the last attempt the secondary counts as silent, which is logged once; it then gets one
//! message per change, well apart, until it answers. The number of messages sent at once is bounded.

mod message;
mod notifier;
mod sender;

pub use notifier::{TARGETS_MAX, Target};
pub use sender::Sender;
