//! The kind of an object, or why there is none and which one was probably meant.
//!
//! A kind that Kubernetes has and this server does not serve is no mistake; an unknown one is, and so
//! is a known kind with a wrong `apiVersion`. The similarity of names is used for fields too.

use super::known;
use crate::objects::Kind;

/// Longer names are not compared: no kind or field is as long.
const NAME_LENGTH_MAX: usize = 64;
/// How similar two names must be for one to be suggested for the other.
const LIKENESS_MIN: f64 = 0.7;

const NO_DEFINITION: &str = "whose definition is not here; leave it out";

/// Which field of the object is wrong, and why.
pub(super) struct NotFound {
    /// `apiVersion` or `kind`.
    pub(super) field: &'static str,
    pub(super) message: String,
}

/// What a kind's name and version stand for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// A kind of the table.
    Served(Kind),
    /// A kind that Kubernetes has and this server does not serve.
    NotServed,
}

/// The kind of that name and version, or why there is none.
pub(super) fn find(api_version: &str, kind: &str) -> Result<Found, NotFound> {
    if let Some(found) = Kind::find(api_version, kind) {
        return Ok(Found::Served(found));
    }
    if known::is_known(api_version, kind) {
        return Ok(Found::NotServed);
    }
    if let Some(right) = api_version_of(kind) {
        let hint = hint(Some(right));
        let message = match Kind::find(right, kind) {
            _ if is_custom(api_version) => format!(
                "this {kind} is a custom resource ({api_version}), {NO_DEFINITION}, or write apiVersion: {right}"
            ),
            Some(_) => format!("apiVersion \"{api_version}\" of {kind} is not served here{hint}"),
            None => format!("there is no {kind} of apiVersion \"{api_version}\"{hint}"),
        };
        return Err(NotFound { field: "apiVersion", message });
    }
    let names = Kind::ALL.iter().map(|kind| kind.name()).chain(known::names());
    let message = match most_like(kind, names) {
        None if is_custom(api_version) => {
            format!("unknown kind \"{kind}\": it is a custom resource ({api_version}), {NO_DEFINITION}")
        }
        meant => format!("unknown kind \"{kind}\"{}", hint(meant)),
    };
    Err(NotFound { field: "kind", message })
}

/// The `apiVersion` of a kind's name, if it is known.
pub(super) fn api_version_of(kind: &str) -> Option<&'static str> {
    let served = Kind::ALL.iter().find(|candidate| candidate.name() == kind);
    served.map(|kind| kind.info().api_version).or_else(|| known::api_version_of(kind))
}

/// Whether a group is not one of Kubernetes: those are plain words, or end with `k8s.io`.
fn is_custom(api_version: &str) -> bool {
    let group = api_version.split_once('/').map_or("", |(group, _)| group);
    group.contains('.') && !group.ends_with(".k8s.io")
}

/// The name that is most similar to `wrong`, if one is similar enough.
pub(super) fn most_like<'a>(wrong: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let names = names.into_iter().map(|name| (likeness(wrong, name), name));
    let best =
        names.filter(|(likeness, _)| *likeness >= LIKENESS_MIN).max_by(|(a, _), (b, _)| a.total_cmp(b));
    best.map(|(_, name)| name)
}

/// ` (did you mean "…"?)`, or nothing.
pub(super) fn hint(meant: Option<&str>) -> String {
    meant.map(|meant| format!(" (did you mean \"{meant}\"?)")).unwrap_or_default()
}

fn likeness(a: &str, b: &str) -> f64 {
    if a.len().max(b.len()) > NAME_LENGTH_MAX {
        return 0.0;
    }
    strsim::normalized_damerau_levenshtein(&a.to_lowercase(), &b.to_lowercase())
}
