//! The options of a log, with the rules and words of Kubernetes' PodLogOptions, and the text of
//! lines in the form that they ask for.
//!
//! Pure.

use std::time::Duration;

use crate::api::answer::status::{Cause, Failure};
use crate::api::request::query::Query;
use crate::clock::Timestamp;
use crate::streaming::{LogLine, LogQuery};

/// The options that a node is told, in the order in which Go writes them.
pub(super) const NAMES: [&str; 7] =
    ["follow", "limitBytes", "previous", "sinceSeconds", "sinceTime", "tailLines", "timestamps"];

/// Which lines are wanted, and in which form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct LogOptions {
    pub(super) query: LogQuery,
    pub(super) n_octets_max: Option<usize>,
    pub(super) has_timestamps: bool,
}

/// The options in a query; `now` is what `sinceSeconds` counts from.
pub(super) fn parse(query: &Query, pod: &str, now: Timestamp) -> Result<LogOptions, Failure> {
    let mut causes = Vec::new();
    let n_lines_max = number(query, "tailLines", 0, &mut causes)?;
    let n_octets_max = number(query, "limitBytes", 1, &mut causes)?;
    let since_s = number(query, "sinceSeconds", 1, &mut causes)?;
    let since_time = query.get("sinceTime").map(str::parse::<Timestamp>).transpose();
    let since_time = since_time.map_err(|error| Failure::bad_request(format!("sinceTime: {error}")))?;
    if since_s.is_some() && since_time.is_some() {
        let message = "Forbidden: at most one of `sinceTime` or `sinceSeconds` may be specified";
        causes.push(Cause("FieldValueForbidden", message.into(), "sinceTime".into()));
    }
    if !causes.is_empty() {
        return Err(Failure::invalid("", "PodLogOptions", pod, causes));
    }
    let before = |since_s: usize| {
        let since_s = u64::try_from(since_s).unwrap_or(u64::MAX).min(u32::MAX.into());
        now - Duration::from_secs(since_s)
    };
    Ok(LogOptions {
        query: LogQuery {
            is_followed: query.is_set("follow"),
            is_previous: query.is_set("previous"),
            since: since_s.map(before).or(since_time),
            n_lines_max,
        },
        n_octets_max,
        has_timestamps: query.is_set("timestamps"),
    })
}

fn number(query: &Query, name: &str, least: i64, causes: &mut Vec<Cause>) -> Result<Option<usize>, Failure> {
    let Some(text) = query.get(name) else { return Ok(None) };
    let number: i64 = text
        .parse()
        .map_err(|_| Failure::bad_request(format!("{name}: Invalid value: \"{text}\": must be a number")))?;
    if number < least {
        let rule = if least == 0 { "greater than or equal to 0" } else { "greater than 0" };
        let message = format!("Invalid value: {number}: must be {rule}");
        causes.push(Cause("FieldValueInvalid", message, name.into()));
        return Ok(None);
    }
    Ok(usize::try_from(number).ok())
}

impl LogOptions {
    /// The text of lines, and how many octets may still follow. A character that would be cut in
    /// two is left out, and nothing comes after it.
    pub(super) fn text_of(&self, lines: Vec<LogLine>) -> (String, Option<usize>) {
        let written = lines.into_iter().map(|LogLine { at, text }| {
            if self.has_timestamps { format!("{at} {text}\n") } else { format!("{text}\n") }
        });
        let mut text: String = written.collect();
        let Some(n_octets_max) = self.n_octets_max else { return (text, None) };
        let is_full = text.len() >= n_octets_max;
        if is_full {
            let end = (0..=n_octets_max.min(text.len())).rev().find(|end| text.is_char_boundary(*end));
            text.truncate(end.unwrap_or_default());
        }
        let n_octets_left = if is_full { 0 } else { n_octets_max - text.len() };
        (text, Some(n_octets_left))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Seconds, lines and octets; or status code and message.
    type Expected<'a> = Result<(Option<i64>, Option<usize>, Option<usize>), (u16, &'a str)>;

    fn check(query: &str, expected: Expected<'_>) {
        let now: Timestamp = "2024-01-01T00:01:00Z".parse().unwrap();
        match (parse(&Query::parse(query), "p", now), expected) {
            (Ok(options), Ok(expected)) => {
                let since = options.query.since.map(|since| now.as_second() - since.as_second());
                assert_eq!((since, options.query.n_lines_max, options.n_octets_max), expected, "{query}");
            }
            (Err(failure), Err((code, message))) => {
                assert_eq!((failure.code, failure.message.as_str()), (code, message), "{query}");
            }
            (found, expected) => panic!("{query}: {found:?}, not {expected:?}"),
        }
    }

    #[test]
    fn options_are_checked_as_kubernetes_does() {
        check("", Ok((None, None, None)));
        check("follow=true&tailLines=0&limitBytes=5", Ok((None, Some(0), Some(5))));
        check("sinceSeconds=10", Ok((Some(10), None, None)));
        check("sinceTime=2024-01-01T00:00:00Z", Ok((Some(60), None, None)));
        let invalid = |what: &'static str| Err((422, what));
        check(
            "tailLines=-1",
            invalid(
                "PodLogOptions \"p\" is invalid: tailLines: Invalid value: -1: must be greater than or equal to 0",
            ),
        );
        check(
            "limitBytes=0",
            invalid("PodLogOptions \"p\" is invalid: limitBytes: Invalid value: 0: must be greater than 0"),
        );
        check(
            "sinceSeconds=0",
            invalid("PodLogOptions \"p\" is invalid: sinceSeconds: Invalid value: 0: must be greater than 0"),
        );
        check(
            "sinceSeconds=1&sinceTime=2024-01-01T00:00:00Z",
            invalid(
                "PodLogOptions \"p\" is invalid: sinceTime: Forbidden: at most one of `sinceTime` or `sinceSeconds` may be specified",
            ),
        );
        check("tailLines=x", Err((400, "tailLines: Invalid value: \"x\": must be a number")));
    }
}
