//! Conditions that nobody announces, looked for until they hold.
//!
//! Whatever can be waited for (a line of the program, an event, a reply) is waited for; this is for the
//! rest, such as a file that is read again or a program of others that follows in its own time.

use std::time::{Duration, Instant};

/// Between two looks.
const PAUSE: Duration = Duration::from_millis(10);
/// Longer than anything here takes, on a machine that does much else.
const PATIENCE: Duration = Duration::from_secs(60);

/// How long it took until `is_so`; `None` if that was too long.
pub(crate) fn within(limit: Duration, mut is_so: impl FnMut() -> bool) -> Option<Duration> {
    let began = Instant::now();
    while began.elapsed() < limit {
        if is_so() {
            return Some(began.elapsed());
        }
        std::thread::sleep(PAUSE);
    }
    None
}

/// Returns when `is_so`; a test in which it never is fails.
pub(crate) fn until(what: &str, is_so: impl FnMut() -> bool) {
    assert!(within(PATIENCE, is_so).is_some(), "waited {PATIENCE:?} for: {what}");
}
