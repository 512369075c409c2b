//! Shrinking: the shortest history that still breaks the same rule.
//!
//! Delta debugging: parts of the history are dropped, ever smaller ones, as long as the rule is still
//! broken. Bounded by the number of runs.

use super::history::Entry;
use super::world::Broken;

/// How many runs shrinking may take.
const RUNS_MAX: usize = 400;

/// The shortest history found and what it breaks. `breaks` runs a history.
pub(super) fn shortest(
    mut history: Vec<Entry>,
    mut broken: Broken,
    breaks: impl Fn(&[Entry]) -> Option<Broken>,
) -> (Vec<Entry>, Broken) {
    // What comes after the violation cannot matter, unless it happened in the calm.
    let before: Vec<Entry> = history.iter().filter(|entry| entry.at <= broken.at).cloned().collect();
    if let Some(found) = breaks(&before) {
        (history, broken) = (before, found);
    }
    let mut n_runs = 1;
    let mut size = history.len().div_ceil(2);
    while size > 0 && n_runs < RUNS_MAX {
        let mut from = 0;
        let mut has_shrunk = false;
        while from < history.len() && n_runs < RUNS_MAX {
            let until = (from + size).min(history.len());
            let shorter: Vec<Entry> = [&history[..from], &history[until..]].concat();
            n_runs += 1;
            match breaks(&shorter) {
                Some(found) => {
                    (history, broken, has_shrunk) = (shorter, found, true);
                }
                None => from = until,
            }
        }
        size = match (size, has_shrunk) {
            (1, true) => 1,
            (1, false) => 0,
            (size, _) => size / 2,
        };
    }
    (history, broken)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::checks::Violation;
    use super::super::history::Deed;
    use super::*;

    fn entry(n: i32) -> Entry {
        Entry { at: Duration::from_secs(1), set: 0, deed: Deed::Scale(n) }
    }

    #[test]
    fn only_what_matters_is_left() {
        let broken = || Broken {
            at: Duration::from_secs(1),
            violation: Violation { rule: "rule", message: String::new() },
        };
        let needs = [entry(3), entry(17)];
        let breaks = |history: &[Entry]| needs.iter().all(|entry| history.contains(entry)).then(broken);
        let (left, _) = shortest((0..40).map(entry).collect(), broken(), breaks);
        assert_eq!(left, needs);
    }
}
