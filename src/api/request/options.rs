//! Options of list, watch, write and delete, from queries and bodies.
//!
//! The rules on `resourceVersion` are those of the Kubernetes document "API Concepts".

use std::time::Duration;

use serde_json::Value;

use super::query::Query;
use crate::api::answer::status::{Cause, Failure};
use crate::objects::Revision;
use crate::store::{DeleteOptions, Propagation};

/// The revision of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ListFrom {
    /// The present objects, at least as new as this revision.
    Present { not_before: Revision },
    /// The objects at this revision.
    Exactly(Revision),
    /// The objects at this revision, after this object.
    Continued { revision: Revision, after: (String, String) },
}

/// Where a watch begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WatchFrom {
    /// With an ADDED event for every present object.
    Initial {
        not_before: Revision,
        /// Whether a bookmark marks the end of the initial events.
        marks_end: bool,
    },
    /// After this revision; after the present one if `None`.
    After(Option<Revision>),
}

/// The options of a watch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct WatchOptions {
    pub(crate) from: WatchFrom,
    pub(crate) has_bookmarks: bool,
    pub(crate) timeout: Duration,
}

/// What to do about unknown fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FieldValidation {
    Ignore,
    Warn,
    Strict,
}

/// The options of a write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct WriteOptions {
    pub(crate) is_dry_run: bool,
    pub(crate) field_validation: FieldValidation,
    /// The field manager.
    pub(crate) manager: String,
    /// Whether an apply takes fields from other managers.
    pub(crate) is_forced: bool,
}

/// The default timeout of a watch.
const WATCH_TIMEOUT_DEFAULT: Duration = Duration::from_secs(3600);
/// The maximum timeout of a watch.
const WATCH_TIMEOUT_MAX: Duration = Duration::from_secs(24 * 3600);
/// The maximum length of a field manager's name.
const MANAGER_LENGTH_MAX: usize = 128;

/// The revision of a list and its limit.
pub(crate) fn list(
    query: &Query,
    resume: impl Fn(&str) -> Option<(Revision, (String, String))>,
) -> Result<(ListFrom, Option<usize>), Failure> {
    let limit = query.number("limit")?.filter(|limit| *limit > 0);
    let limit = limit.map(|limit| usize::try_from(limit).unwrap_or(usize::MAX));
    let version = revision(query)?;
    let rule = version_match(query)?;
    if let Some(token) = query.get("continue") {
        if version.is_some_and(|version| version != 0) {
            return Err(Failure::bad_request(
                "specifying resource version is not allowed when using continue",
            ));
        }
        let (revision, after) = resume(token).ok_or_else(|| {
            Failure::bad_request("continue key is not valid: it was not issued by this server")
        })?;
        return Ok((ListFrom::Continued { revision, after }, limit));
    }
    let from = match (rule, version) {
        (Some("Exact"), Some(0)) => {
            let message = "resourceVersionMatch \"exact\" is forbidden for resourceVersion \"0\"";
            return Err(forbidden("resourceVersionMatch", message));
        }
        (Some("Exact"), Some(version)) => ListFrom::Exactly(version),
        // Without resourceVersionMatch, a limit makes resourceVersion exact (legacy behaviour).
        (None, Some(version)) if limit.is_some() && version > 0 => ListFrom::Exactly(version),
        (_, version) => ListFrom::Present { not_before: version.unwrap_or(0) },
    };
    Ok((from, limit))
}

/// The options of a watch.
pub(crate) fn watch(query: &Query) -> Result<WatchOptions, Failure> {
    let has_bookmarks = query.is_set("allowWatchBookmarks");
    let timeout = query.number("timeoutSeconds")?.filter(|timeout| *timeout > 0);
    let timeout = timeout.map_or(WATCH_TIMEOUT_DEFAULT, Duration::from_secs).min(WATCH_TIMEOUT_MAX);
    Ok(WatchOptions { from: watch_from(query)?, has_bookmarks, timeout })
}

fn watch_from(query: &Query) -> Result<WatchFrom, Failure> {
    let version = revision(query)?;
    let wants_initial = query.get("sendInitialEvents").map(|_| query.is_set("sendInitialEvents"));
    if let Some(wants_initial) = wants_initial {
        if query.get("resourceVersionMatch") != Some("NotOlderThan") {
            let message = "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan";
            return Err(forbidden("resourceVersionMatch", message));
        }
        if wants_initial {
            let marks_end = query.is_set("allowWatchBookmarks");
            return Ok(WatchFrom::Initial { not_before: version.unwrap_or(0), marks_end });
        }
        return Ok(WatchFrom::After(version.filter(|version| *version > 0)));
    }
    if query.get("resourceVersionMatch").is_some() {
        let message = "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided";
        return Err(forbidden("resourceVersionMatch", message));
    }
    Ok(match version {
        None | Some(0) => WatchFrom::Initial { not_before: 0, marks_end: false },
        Some(version) => WatchFrom::After(Some(version)),
    })
}

fn revision(query: &Query) -> Result<Option<Revision>, Failure> {
    let Some(text) = query.get("resourceVersion") else { return Ok(None) };
    let is_number = !text.is_empty() && text.bytes().all(|octet| octet.is_ascii_digit());
    let version = text.parse().ok().filter(|_| is_number).ok_or_else(|| {
        let fault = if is_number { "value out of range" } else { "invalid syntax" };
        Failure::bad_request(format!(
            "invalid resource version: resourceVersion: Invalid value: {text:?}: \
             strconv.ParseUint: parsing {text:?}: {fault}"
        ))
    })?;
    Ok(Some(version))
}

fn version_match(query: &Query) -> Result<Option<&str>, Failure> {
    let Some(rule) = query.get("resourceVersionMatch") else { return Ok(None) };
    if !matches!(rule, "Exact" | "NotOlderThan") {
        let message = format!("Unsupported value: \"{rule}\": supported values: \"Exact\", \"NotOlderThan\"");
        return Err(Failure::invalid_option(
            "ListOptions",
            "resourceVersionMatch",
            "FieldValueNotSupported",
            &message,
        ));
    }
    if query.get("continue").is_some() {
        return Err(forbidden(
            "resourceVersionMatch",
            "resourceVersionMatch is forbidden when continue is provided",
        ));
    }
    if query.get("resourceVersion").is_none() {
        return Err(forbidden(
            "resourceVersionMatch",
            "resourceVersionMatch is forbidden unless resourceVersion is provided",
        ));
    }
    Ok(Some(rule))
}

fn forbidden(field: &str, message: &str) -> Failure {
    Failure::invalid_option("ListOptions", field, "FieldValueForbidden", &format!("Forbidden: {message}"))
}

/// The options of create, update and patch. The default field manager is the client's program, as
/// its User-Agent names it.
pub(crate) fn write(query: &Query, user_agent: &str) -> Result<WriteOptions, Failure> {
    let field_validation = match query.get("fieldValidation") {
        None | Some("Warn") => FieldValidation::Warn,
        Some("Strict") => FieldValidation::Strict,
        Some("Ignore") => FieldValidation::Ignore,
        Some(other) => {
            let message =
                format!("Unsupported value: \"{other}\": supported values: \"Ignore\", \"Strict\", \"Warn\"");
            let (field, reason) = ("fieldValidation", "FieldValueNotSupported");
            return Err(Failure::invalid_option("CreateOptions", field, reason, &message));
        }
    };
    let program = user_agent.split('/').next().filter(|program| !program.is_empty()).unwrap_or("unknown");
    let manager = query.get("fieldManager").unwrap_or(program);
    if manager.chars().count() > MANAGER_LENGTH_MAX || manager.chars().any(char::is_control) {
        let message = "Invalid value: must be printable and no longer than 128 characters";
        return Err(Failure::invalid_option("CreateOptions", "fieldManager", "FieldValueInvalid", message));
    }
    Ok(WriteOptions {
        is_dry_run: dry_run(query.all("dryRun"))?,
        field_validation,
        manager: manager.to_owned(),
        is_forced: query.is_set("force"),
    })
}

fn dry_run<'a>(values: impl Iterator<Item = &'a str>) -> Result<bool, Failure> {
    let mut is_dry_run = false;
    for value in values.filter(|value| !value.is_empty()) {
        if value != "All" {
            let message = format!("Unsupported value: \"{value}\": supported values: \"All\"");
            return Err(Failure::invalid_option(
                "CreateOptions",
                "dryRun",
                "FieldValueNotSupported",
                &message,
            ));
        }
        is_dry_run = true;
    }
    Ok(is_dry_run)
}

/// The options of a deletion and whether it is a dry run: from the body, else from the query.
pub(crate) fn delete(query: &Query, body: &Value) -> Result<(DeleteOptions, bool), Failure> {
    let text = |field: &str| body.get(field).and_then(Value::as_str).or_else(|| query.get(field));
    let in_body =
        body.get("dryRun").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
    let is_dry_run = dry_run(in_body.chain(query.all("dryRun")))?;
    let grace_s = match body.get("gracePeriodSeconds") {
        None | Some(Value::Null) => query.get("gracePeriodSeconds").map(|text| text.parse().ok()),
        Some(value) => Some(value.as_i64()),
    };
    let grace_s = match grace_s {
        None => None,
        Some(Some(grace_s)) if grace_s >= 0 => Some(grace_s),
        // A negative grace period means the shortest one.
        Some(Some(_)) => Some(1),
        Some(None) => return Err(Failure::bad_request("gracePeriodSeconds: must be a number of seconds")),
    };
    let is_orphaning = body.get("orphanDependents").and_then(Value::as_bool);
    let is_orphaning = is_orphaning.or_else(|| Some(query.get("orphanDependents")? == "true"));
    let propagation = match (text("propagationPolicy"), is_orphaning) {
        (None, None) => Propagation::Unspecified,
        (None, Some(true)) | (Some("Orphan"), None) => Propagation::Orphan,
        (None, Some(false)) | (Some("Background"), None) => Propagation::Background,
        (Some("Foreground"), None) => Propagation::Foreground,
        (Some(_), Some(_)) => {
            let message = "Invalid value: orphanDependents and deletionPropagation cannot be both set";
            return Err(delete_invalid("propagationPolicy", "FieldValueInvalid", message));
        }
        (Some(other), None) => {
            let message = format!(
                "Unsupported value: \"{other}\": supported values: \"Background\", \"Foreground\", \"Orphan\""
            );
            return Err(delete_invalid("propagationPolicy", "FieldValueNotSupported", &message));
        }
    };
    let precondition = |field: &str| Some(body.get("preconditions")?.get(field)?.as_str()?.to_owned());
    let (uid, resource_version) = (precondition("uid"), precondition("resourceVersion"));
    Ok((DeleteOptions { grace_s, propagation, uid, resource_version }, is_dry_run))
}

fn delete_invalid(field: &str, reason: &'static str, message: &str) -> Failure {
    let cause = Cause(reason, message.to_owned(), field.to_owned());
    Failure::invalid("meta.k8s.io", "DeleteOptions", "", vec![cause])
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn list_of(query: &str) -> Result<(ListFrom, Option<usize>), u16> {
        let resume = |token: &str| (token == "t").then(|| (7, ("a".to_owned(), "b".to_owned())));
        list(&Query::parse(query), resume).map_err(|failure| failure.code)
    }

    #[test]
    fn lists_follow_the_rules_on_resource_versions() {
        let present = |not_before| ListFrom::Present { not_before };
        let continued = ListFrom::Continued { revision: 7, after: ("a".into(), "b".into()) };
        for (query, expected) in [
            ("", Ok((present(0), None))),
            ("limit=0", Ok((present(0), None))),
            ("resourceVersion=0&limit=5", Ok((present(0), Some(5)))),
            ("resourceVersion=9", Ok((present(9), None))),
            ("resourceVersion=9&limit=5", Ok((ListFrom::Exactly(9), Some(5)))),
            ("resourceVersion=9&resourceVersionMatch=Exact", Ok((ListFrom::Exactly(9), None))),
            ("resourceVersion=9&limit=5&resourceVersionMatch=NotOlderThan", Ok((present(9), Some(5)))),
            ("limit=5&continue=t", Ok((continued, Some(5)))),
            ("continue=x", Err(400)),
            ("continue=t&resourceVersion=9", Err(400)),
            ("resourceVersion=x", Err(400)),
            ("resourceVersion=%2B5", Err(400)),
            ("limit=x", Err(400)),
            ("resourceVersionMatch=Exact", Err(422)),
            ("resourceVersion=0&resourceVersionMatch=Exact", Err(422)),
            ("resourceVersion=1&resourceVersionMatch=Near", Err(422)),
        ] {
            assert_eq!(list_of(query), expected, "{query}");
        }
    }

    #[test]
    fn watches_begin_where_they_are_asked_to() {
        let initial = |not_before, marks_end| WatchFrom::Initial { not_before, marks_end };
        for (query, expected) in [
            ("", Ok(initial(0, false))),
            ("resourceVersion=0", Ok(initial(0, false))),
            ("resourceVersion=5", Ok(WatchFrom::After(Some(5)))),
            (
                "sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true",
                Ok(initial(0, true)),
            ),
            ("sendInitialEvents=false&resourceVersionMatch=NotOlderThan", Ok(WatchFrom::After(None))),
            ("sendInitialEvents=true", Err(422)),
            ("resourceVersion=5&resourceVersionMatch=NotOlderThan", Err(422)),
            ("timeoutSeconds=x", Err(400)),
        ] {
            let found =
                watch(&Query::parse(query)).map(|options| options.from).map_err(|failure| failure.code);
            assert_eq!(found, expected, "{query}");
        }
    }

    #[test]
    fn a_deletion_says_how_in_its_body_or_its_query() {
        let propagation = |query: &str, body: Value| {
            delete(&Query::parse(query), &body).map(|(options, _)| options.propagation).map_err(|f| f.code)
        };
        assert_eq!(propagation("", json!(null)), Ok(Propagation::Unspecified));
        assert_eq!(propagation("", json!({"propagationPolicy": "Orphan"})), Ok(Propagation::Orphan));
        assert_eq!(propagation("propagationPolicy=Foreground", json!({})), Ok(Propagation::Foreground));
        assert_eq!(propagation("", json!({"orphanDependents": true})), Ok(Propagation::Orphan));
        assert_eq!(propagation("", json!({"propagationPolicy": "Never"})), Err(422));
        let (options, is_dry_run) = delete(
            &Query::parse("gracePeriodSeconds=9"),
            &json!({"gracePeriodSeconds": 0, "dryRun": ["All"], "preconditions": {"uid": "u"}}),
        )
        .unwrap();
        assert_eq!((options.grace_s, options.uid.as_deref(), is_dry_run), (Some(0), Some("u"), true));
    }

    #[test]
    fn a_writer_is_called_after_its_program_unless_it_names_itself() {
        let of = |query: &str| write(&Query::parse(query), "kubectl/v1.32.4 (linux)");
        assert_eq!(of("").unwrap().manager, "kubectl");
        assert_eq!(
            of("fieldManager=me&fieldValidation=Strict").unwrap().field_validation,
            FieldValidation::Strict
        );
        assert_eq!(of("fieldManager=me").unwrap().manager, "me");
        assert_eq!(of("dryRun=Some").unwrap_err().code, 422);
        assert_eq!(of("fieldValidation=Maybe").unwrap_err().code, 422);
    }
}
