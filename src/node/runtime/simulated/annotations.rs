//! The annotations that control a simulated pod, and their parser.
//!
//! Parsing never fails: for a value that cannot be used there is a complaint that names the
//! annotation, and the default applies. Durations are written as Kubernetes writes them (`300ms`,
//! `2s`, `1m30s`, `1h`); a range `1s-5s` draws one duration for each run of a container.

use std::collections::BTreeMap;
use std::time::Duration;

use rand::{Rng, rngs::SmallRng};

/// The prefix of all these annotations.
pub(super) const PREFIX: &str = "simulated.dullahan.dev/";

/// How a simulated pod behaves.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Behaviour {
    pub(super) start_delay: Option<Span>,
    pub(super) readiness_delay: Option<Span>,
    pub(super) is_never_ready: bool,
    pub(super) crash_after: Option<Span>,
    pub(super) exit_code: Option<i32>,
    pub(super) crash_times: Option<u32>,
    pub(super) fail: Option<Span>,
    pub(super) succeed: Option<Span>,
    pub(super) flap: Option<Span>,
    pub(super) stop_delay: Option<Span>,
    pub(super) probe_message: Option<String>,
}

/// A duration, or a range to draw one from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Span {
    min: Duration,
    max: Duration,
}

/// The longest duration that is accepted; longer ones are mistakes.
const DURATION_MAX: Duration = Duration::from_secs(365 * 24 * 3600);

impl Span {
    /// The duration itself, or one of the range.
    pub(super) fn draw(self, rng: &mut SmallRng) -> Duration {
        if self.min == self.max { self.min } else { rng.random_range(self.min..=self.max) }
    }
}

/// Parses the annotations of a pod; the second value lists the complaints.
pub(super) fn read(annotations: Option<&BTreeMap<String, String>>) -> (Behaviour, Vec<String>) {
    let mut behaviour = Behaviour::default();
    let mut complaints = Vec::new();
    for (key, value) in annotations.into_iter().flatten() {
        let Some(name) = key.strip_prefix(PREFIX) else { continue };
        if let Err(wanted) = behaviour.set(name, value.trim()) {
            complaints.push(format!("annotation {key}: {value:?} {wanted}; it is ignored"));
        }
    }
    (behaviour, complaints)
}

impl Behaviour {
    /// Applies one annotation; the error continues a sentence that begins with the value.
    fn set(&mut self, name: &str, value: &str) -> Result<(), &'static str> {
        match name {
            "start-delay" => self.start_delay = Some(span(value)?),
            "readiness-delay" => self.readiness_delay = Some(span(value)?),
            "never-ready" => self.is_never_ready = truth(value)?,
            "crash-after" => self.crash_after = Some(span(value)?),
            "exit-code" => self.exit_code = Some(exit_code(value)?),
            "crash-times" => self.crash_times = Some(value.parse().map_err(|_| "is not a whole number")?),
            "fail" => self.fail = end(value)?,
            "succeed" => self.succeed = end(value)?,
            "flap" => self.flap = Some(positive(span(value)?)?),
            "stop-delay" => self.stop_delay = Some(span(value)?),
            "probe-message" => self.probe_message = Some(value.to_owned()),
            _ => return Err("belongs to no annotation that is known under this prefix"),
        }
        Ok(())
    }
}

fn truth(value: &str) -> Result<bool, &'static str> {
    match value {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err("is neither \"true\" nor \"false\""),
    }
}

/// `true` (as soon as it runs), `false`, or how long after.
fn end(value: &str) -> Result<Option<Span>, &'static str> {
    match truth(value) {
        Ok(true) => Ok(Some(Span { min: Duration::ZERO, max: Duration::ZERO })),
        Ok(false) => Ok(None),
        Err(_) => {
            span(value).map(Some).map_err(|_| "is neither \"true\", \"false\" nor a duration such as 10s")
        }
    }
}

fn exit_code(value: &str) -> Result<i32, &'static str> {
    let code = value.parse().ok().filter(|code| (0..=255).contains(code));
    code.ok_or("is not an exit code from 0 to 255")
}

fn positive(span: Span) -> Result<Span, &'static str> {
    // A shorter period would keep the whole node busy with one pod.
    if span.min >= Duration::from_millis(10) { Ok(span) } else { Err("is shorter than 10ms") }
}

fn span(value: &str) -> Result<Span, &'static str> {
    let bad = "is no duration such as 300ms, 2s or 1m, and no range such as 1s-5s";
    let (min, max) = value.split_once('-').unwrap_or((value, value));
    let span = Span { min: duration(min).ok_or(bad)?, max: duration(max).ok_or(bad)? };
    if span.min <= span.max { Ok(span) } else { Err("is a range whose end lies before its beginning") }
}

/// A sum of numbers with units, as Go's `time.ParseDuration` reads it; `0` needs no unit.
fn duration(text: &str) -> Option<Duration> {
    let mut rest = text.trim();
    if rest == "0" {
        return Some(Duration::ZERO);
    }
    let mut total = Duration::ZERO;
    while !rest.is_empty() || total == Duration::ZERO {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let number: f64 = rest[..digits].parse().ok()?;
        let unit_length = rest[digits..].find(|c: char| c.is_ascii_digit()).unwrap_or(rest.len() - digits);
        let unit_s = match &rest[digits..digits + unit_length] {
            "ms" => 0.001,
            "s" => 1.0,
            "m" => 60.0,
            "h" => 3600.0,
            _ => return None,
        };
        total = total.checked_add(Duration::try_from_secs_f64(number * unit_s).ok()?)?;
        rest = &rest[digits + unit_length..];
        if rest.is_empty() {
            break;
        }
    }
    (total <= DURATION_MAX).then_some(total)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;

    #[test]
    fn durations_are_read_as_go_reads_them() {
        let cases = [
            ("300ms", Some(300)),
            ("2s", Some(2_000)),
            ("1m30s", Some(90_000)),
            ("1.5h", Some(5_400_000)),
            ("0", Some(0)),
            ("0s", Some(0)),
            ("", None),
            ("5", None),
            ("s", None),
            ("-1s", None),
            ("1y", None),
            ("99999h", None),
        ];
        for (text, expected_ms) in cases {
            assert_eq!(duration(text), expected_ms.map(Duration::from_millis), "{text:?}");
        }
    }

    #[test]
    fn a_value_that_cannot_be_used_is_named_and_ignored() {
        let cases = [
            ("start-delay", "soon", "is no duration such as 300ms, 2s or 1m, and no range such as 1s-5s"),
            ("readiness-delay", "5s-1s", "is a range whose end lies before its beginning"),
            ("never-ready", "yes", "is neither \"true\" nor \"false\""),
            ("exit-code", "256", "is not an exit code from 0 to 255"),
            ("crash-times", "-1", "is not a whole number"),
            ("fail", "maybe", "is neither \"true\", \"false\" nor a duration such as 10s"),
            ("flap", "0s", "is shorter than 10ms"),
            ("fly", "high", "belongs to no annotation that is known under this prefix"),
        ];
        for (name, value, wanted) in cases {
            let annotations = BTreeMap::from([(format!("{PREFIX}{name}"), value.to_owned())]);
            let (behaviour, complaints) = read(Some(&annotations));
            assert_eq!(behaviour, Behaviour::default(), "{name}");
            let expected = format!("annotation {PREFIX}{name}: {value:?} {wanted}; it is ignored");
            assert_eq!(complaints, [expected]);
        }
    }

    #[test]
    fn a_range_draws_within_itself() {
        let span = span("1s-5s").unwrap();
        let mut rng = SmallRng::seed_from_u64(1);
        let drawn: Vec<Duration> = (0..100).map(|_| span.draw(&mut rng)).collect();
        assert!(drawn.iter().all(|drawn| (span.min..=span.max).contains(drawn)));
        assert!(drawn.iter().any(|other| *other != drawn[0]));
    }

    #[test]
    fn annotations_of_others_are_none_of_ours() {
        let annotations = BTreeMap::from([("example.com/start-delay".to_owned(), "soon".to_owned())]);
        assert_eq!(read(Some(&annotations)), (Behaviour::default(), Vec::new()));
    }
}
