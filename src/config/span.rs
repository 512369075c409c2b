//! Durations as flags give them.
//!
//! They are not negative.

use std::str::FromStr;
use std::time::Duration;

/// A duration as people write it: `300ms`, `2s`, `1m 30s`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span(pub Duration);

impl FromStr for Span {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let hint = || format!("\"{text}\" is not a duration; write for example 300ms, 2s or 1m");
        let parsed: jiff::SignedDuration = text.parse().map_err(|_| hint())?;
        Duration::try_from(parsed).map(Span).map_err(|_| hint())
    }
}

impl std::fmt::Display for Span {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_as_people_write_them() {
        for (text, expected) in [
            ("300ms", Some(Duration::from_millis(300))),
            ("2s", Some(Duration::from_secs(2))),
            ("1m30s", Some(Duration::from_secs(90))),
            ("0s", Some(Duration::ZERO)),
            ("-1s", None),
            ("fast", None),
        ] {
            assert_eq!(text.parse::<Span>().ok(), expected.map(Span), "{text}");
        }
    }
}
