//! Ages and durations in the short form that tables have for them.
//!
//! The rule is apimachinery's `duration.HumanDuration`: the longer, the coarser.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{MicroTime, Time};

use crate::clock::Timestamp;

const MINUTE_S: i64 = 60;
const HOUR_S: i64 = 60 * MINUTE_S;
const DAY_S: i64 = 24 * HOUR_S;
const YEAR_S: i64 = 365 * DAY_S;

/// The duration of `seconds`, in one or two units. Clocks that differ by a second are forgiven.
pub fn human_duration(seconds: i64) -> String {
    match seconds {
        ..-1 => "<invalid>".into(),
        -1 => "0s".into(),
        0..120 => format!("{seconds}s"),
        _ if seconds < 10 * MINUTE_S => two_units(seconds, (MINUTE_S, "m"), (1, "s")),
        _ if seconds < 3 * HOUR_S => format!("{}m", seconds / MINUTE_S),
        _ if seconds < 8 * HOUR_S => two_units(seconds, (HOUR_S, "h"), (MINUTE_S, "m")),
        _ if seconds < 2 * DAY_S => format!("{}h", seconds / HOUR_S),
        _ if seconds < 8 * DAY_S => two_units(seconds, (DAY_S, "d"), (HOUR_S, "h")),
        _ if seconds < 2 * YEAR_S => format!("{}d", seconds / DAY_S),
        _ if seconds < 8 * YEAR_S => two_units(seconds, (YEAR_S, "y"), (DAY_S, "d")),
        _ => format!("{}y", seconds / YEAR_S),
    }
}

/// How long ago `time` was; `<unknown>` without a time.
pub(super) fn since(time: Option<&Time>, now: Timestamp) -> String {
    ago(time.map(|time| time.0), now)
}

/// As [`since`], for the times of events and leases.
pub(super) fn since_micro(time: Option<&MicroTime>, now: Timestamp) -> String {
    ago(time.map(|time| time.0), now)
}

pub(super) fn ago(instant: Option<Timestamp>, now: Timestamp) -> String {
    instant
        .map_or_else(|| "<unknown>".into(), |instant| human_duration(now.duration_since(instant).as_secs()))
}

/// The larger unit, and the rest in the smaller one unless it is nothing.
fn two_units(seconds: i64, large: (i64, &str), small: (i64, &str)) -> String {
    let rest = seconds % large.0 / small.0;
    let head = format!("{}{}", seconds / large.0, large.1);
    if rest == 0 { head } else { format!("{head}{rest}{}", small.1) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_change_their_units_at_the_bounds_of_kubectl() {
        let cases = [
            (-2, "<invalid>"),
            (-1, "0s"),
            (0, "0s"),
            (119, "119s"),
            (120, "2m"),
            (121, "2m1s"),
            (599, "9m59s"),
            (600, "10m"),
            (601, "10m"),
            (3 * HOUR_S - 1, "179m"),
            (3 * HOUR_S, "3h"),
            (3 * HOUR_S + 60, "3h1m"),
            (8 * HOUR_S - 1, "7h59m"),
            (8 * HOUR_S, "8h"),
            (8 * HOUR_S + 60, "8h"),
            (48 * HOUR_S - 1, "47h"),
            (48 * HOUR_S, "2d"),
            (49 * HOUR_S, "2d1h"),
            (8 * DAY_S - 1, "7d23h"),
            (8 * DAY_S, "8d"),
            (8 * DAY_S + HOUR_S, "8d"),
            (2 * YEAR_S - 1, "729d"),
            (2 * YEAR_S, "2y"),
            (2 * YEAR_S + DAY_S, "2y1d"),
            (8 * YEAR_S - 1, "7y364d"),
            (8 * YEAR_S, "8y"),
            (8 * YEAR_S + DAY_S, "8y"),
            (100 * YEAR_S, "100y"),
        ];
        for (seconds, expected) in cases {
            assert_eq!(human_duration(seconds), expected, "{seconds}");
        }
    }

    #[test]
    fn an_unknown_time_is_said_to_be_unknown() {
        let now = Timestamp::UNIX_EPOCH;
        assert_eq!(since(None, now), "<unknown>");
        let before = Time(Timestamp::from_millisecond(-1_900).unwrap());
        assert_eq!(since(Some(&before), now), "1s");
        let later = Timestamp::from_millisecond(1_900).unwrap();
        assert_eq!(ago(Some(later), now), "0s");
    }
}
