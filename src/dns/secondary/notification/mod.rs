//! NOTIFY (RFC 1996): secondaries are told that a zone has a new version.
//!
//! ```text
//!   serials now ─┐
//!   an answer ───┼──► Notifier::step(event, now) ──► send, given up, refused, answered again
//!   time ────────┘          │
//!                           └── wake_at(): when to step although nothing happens
//! ```
//!
//! The middle is a state machine per secondary and zone, without sockets and without a clock;
//! `sender` carries its actions out. What is told is that there is something new, not each version:
//! a change is told at once, further ones together [`SPACING`] later, so that a secondary follows
//! within a second and a thousand changes cost it four messages.
//!
//! At its limits: what is not answered is sent again after [`RETRY_FIRST`], then after twice as long
//! each time, [`ATTEMPTS_MAX`] times in all (RFC 1996, 3.6). Then the secondary counts as silent, which
//! is told once: of later changes it is told with one message, [`SILENT_SPACING`] apart at least,
//! until it answers. No more than [`BURST_MAX`] messages leave at once.

mod message;
mod notifier;
mod sender;

pub use notifier::{TARGETS_MAX, Target};
pub use sender::Sender;
