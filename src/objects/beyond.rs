//! Annotations with which a StatefulSet or its service asks for what Kubernetes does not have.
//!
//! | annotation | value | Kubernetes issue |
//! |---|---|---|
//! | `dullahan.dev/unstick` | `true`, `false` | 67250: a rollout waits forever for a broken pod of an abandoned revision |
//! | `dullahan.dev/reserved-ordinals` | `1,4` | 83224: an ordinal cannot be left out |
//! | `dullahan.dev/grow-claims` | `true`, `false` | 68737: the size in a claim template cannot be raised |
//! | `dullahan.dev/strict-name` | `true`, `false` | 64023: names are accepted for which no pod can be created |
//! | `dullahan.dev/publish-peers` (of a Service) | `true`, `false` | 66234: peers need each other's names before they are ready for clients |
//!
//! Without them everything is as in Kubernetes, except that no controller makes and deletes a pod
//! without end. Reading them is pure and never fails: a value that
//! cannot be read is returned as an [`UnreadableAnnotation`] and counts as absent, so that it does
//! not hold up the set. The caller has the defaults for sets without the annotations.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

/// Whether a broken pod of an abandoned revision is replaced under OrderedReady too.
pub const UNSTICK: &str = "dullahan.dev/unstick";
/// The ordinals that are left out.
pub const RESERVED_ORDINALS: &str = "dullahan.dev/reserved-ordinals";
/// Whether the sizes in claim templates may grow, and existing claims with them.
pub const GROW_CLAIMS: &str = "dullahan.dev/grow-claims";
/// Whether a set is refused whose name is too long for the labels of its pods.
pub const STRICT_NAME: &str = "dullahan.dev/strict-name";
/// Whether a headless service's pods have names before they are ready.
pub const PUBLISH_PEERS: &str = "dullahan.dev/publish-peers";

/// How many ordinals a set may leave out.
pub const RESERVED_ORDINALS_MAX: usize = 1024;

/// The values of a set's annotations; `None` for those that it does not have.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wishes {
    /// [`UNSTICK`].
    pub unstick: Option<bool>,
    /// [`RESERVED_ORDINALS`], ascending, each once.
    pub reserved_ordinals: Vec<i32>,
    /// [`GROW_CLAIMS`].
    pub grow_claims: Option<bool>,
    /// [`STRICT_NAME`].
    pub strict_name: Option<bool>,
    /// The annotations whose values are not valid.
    pub unreadable: Vec<UnreadableAnnotation>,
}

/// An annotation that is ignored because of its value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("annotation {name} is ignored: \"{value}\" is not {expected}")]
pub struct UnreadableAnnotation {
    name: &'static str,
    value: String,
    expected: &'static str,
}

impl Wishes {
    /// Reads the annotations of `meta`.
    pub fn of(meta: &ObjectMeta) -> Self {
        let mut wishes = Self::default();
        let Some(annotations) = &meta.annotations else { return wishes };
        let text = |name: &str| annotations.get(name).map(String::as_str);
        for (name, wish) in [
            (UNSTICK, &mut wishes.unstick),
            (GROW_CLAIMS, &mut wishes.grow_claims),
            (STRICT_NAME, &mut wishes.strict_name),
        ] {
            match text(name) {
                None => {}
                Some("true") => *wish = Some(true),
                Some("false") => *wish = Some(false),
                Some(value) => wishes.unreadable.push(unreadable(name, value, "true or false")),
            }
        }
        if let Some(value) = text(RESERVED_ORDINALS) {
            match ordinals(value) {
                Some(ordinals) => wishes.reserved_ordinals = ordinals,
                None => wishes.unreadable.push(unreadable(
                    RESERVED_ORDINALS,
                    value,
                    "a list of at most 1024 ordinals such as 1,4",
                )),
            }
        }
        wishes
    }
}

/// The value of [`PUBLISH_PEERS`] in the metadata of a service; false without it.
pub fn publishes_peers(meta: &ObjectMeta) -> Result<bool, UnreadableAnnotation> {
    match meta.annotations.as_ref().and_then(|annotations| annotations.get(PUBLISH_PEERS)) {
        None => Ok(false),
        Some(value) => value.parse().map_err(|_| unreadable(PUBLISH_PEERS, value, "true or false")),
    }
}

fn unreadable(name: &'static str, value: &str, expected: &'static str) -> UnreadableAnnotation {
    UnreadableAnnotation { name, value: value.chars().take(64).collect(), expected }
}

fn ordinals(text: &str) -> Option<Vec<i32>> {
    if text.trim().is_empty() {
        return Some(Vec::new());
    }
    let is_plain = |digits: &str| !digits.is_empty() && digits.bytes().all(|octet| octet.is_ascii_digit());
    let ordinal = |part: &str| Some(part.trim()).filter(|digits| is_plain(digits))?.parse().ok();
    let mut ordinals: Vec<i32> = text.split(',').map(ordinal).collect::<Option<_>>()?;
    ordinals.sort_unstable();
    ordinals.dedup();
    (ordinals.len() <= RESERVED_ORDINALS_MAX).then_some(ordinals)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wishes(annotations: &[(&str, &str)]) -> Wishes {
        let annotations =
            annotations.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Wishes::of(&ObjectMeta { annotations: Some(annotations), ..Default::default() })
    }

    #[test]
    fn ordinals_are_read_in_any_order_and_nothing_else_is_read() {
        for (text, expected) in [
            ("1,4", Some(vec![1, 4])),
            (" 4, 1,4 ", Some(vec![1, 4])),
            ("0", Some(vec![0])),
            ("", Some(vec![])),
            ("1,", None),
            ("-1", None),
            ("+1", None),
            ("1-3", None),
            ("2147483648", None),
            ("web-1", None),
        ] {
            let wishes = wishes(&[(RESERVED_ORDINALS, text)]);
            assert_eq!(wishes.unreadable.is_empty(), expected.is_some(), "{text}");
            assert_eq!(wishes.reserved_ordinals, expected.unwrap_or_default(), "{text}");
        }
        let many: Vec<String> = (0..=RESERVED_ORDINALS_MAX).map(|n| n.to_string()).collect();
        assert_eq!(wishes(&[(RESERVED_ORDINALS, &many.join(","))]).reserved_ordinals, Vec::<i32>::new());
    }

    #[test]
    fn a_switch_is_true_false_or_ignored_with_a_reason() {
        assert_eq!(wishes(&[(UNSTICK, "true")]).unstick, Some(true));
        assert_eq!(wishes(&[(GROW_CLAIMS, "false")]).grow_claims, Some(false));
        let bad = wishes(&[(UNSTICK, "yes"), (STRICT_NAME, "true")]);
        assert_eq!((bad.unstick, bad.strict_name), (None, Some(true)));
        let told: Vec<String> = bad.unreadable.iter().map(ToString::to_string).collect();
        assert_eq!(told, ["annotation dullahan.dev/unstick is ignored: \"yes\" is not true or false"]);
    }
}
