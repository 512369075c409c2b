//! Domain names in lower-cased wire format (RFC 1035), as the snapshot stores them.
//!
//! All lookups rely on one property of the wire format: every suffix that starts at a label is the
//! wire format of an ancestor, so walking towards the root copies nothing. The free functions take
//! slices of well-formed names and never fail; only [`length`] takes untrusted octets.
//! Labels may contain any octet (RFC 2181, section 11); only ASCII letters are folded (RFC 4343).

use std::borrow::Borrow;
use std::fmt;
use std::sync::Arc;

use hickory_proto::rr::Name;
use smallvec::SmallVec;

pub use super::protocol::{LABEL_OCTETS_MAX, NAME_OCTETS_MAX};

/// A buffer for names under construction; nearly all fit without an allocation.
pub(crate) type Octets = SmallVec<[u8; 512]>;

/// A lower-cased name in wire format. Cheap to clone.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WireName(Arc<[u8]>);

/// A label is empty or longer than 63 octets, or the name is longer than 255 octets.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("\"{label}\" below {parent} is not a valid name: a label has 1 to 63 octets, a name at most 255")]
pub struct NameTooLong {
    /// The label that does not fit.
    pub label: String,
    /// The parent of the name that was to be built.
    pub parent: String,
}

impl WireName {
    /// `name`, lower-cased; a relative name is taken as absolute.
    pub fn of(name: &Name) -> Self {
        Self(wire(name, u8::to_ascii_lowercase).into())
    }

    /// The QNAME at the start of a question, lower-cased.
    pub(crate) fn beginning(question: &[u8]) -> Option<Self> {
        length(question).map(|length| Self(question[..length].to_ascii_lowercase().into()))
    }

    /// The child with this label, lower-cased.
    pub fn child(&self, label: &str) -> Result<Self, NameTooLong> {
        self.child_of("", label)
    }

    /// The child with an underscore before the label, as in SRV owner names (RFC 2782).
    pub(crate) fn service_child(&self, label: &str) -> Result<Self, NameTooLong> {
        self.child_of("_", label)
    }

    fn child_of(&self, prefix: &str, label: &str) -> Result<Self, NameTooLong> {
        let length = prefix.len() + label.len();
        if length == 0 || length > LABEL_OCTETS_MAX || length + 1 + self.0.len() > NAME_OCTETS_MAX {
            return Err(NameTooLong { label: format!("{prefix}{label}"), parent: self.to_string() });
        }
        let mut octets = Octets::new();
        octets.push(length as u8);
        octets.extend_from_slice(prefix.as_bytes());
        octets.extend_from_slice(label.as_bytes());
        octets[1..].make_ascii_lowercase();
        octets.extend_from_slice(&self.0);
        Ok(Self::from(octets.as_slice()))
    }

    /// The wire format.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The wire format, shared.
    pub(crate) fn to_shared(&self) -> Arc<[u8]> {
        self.0.clone()
    }

    /// The name as a hickory type.
    pub fn to_name(&self) -> Name {
        to_name(&self.0)
    }
}

impl From<&[u8]> for WireName {
    /// Takes a suffix of a name in lower-cased wire format.
    fn from(suffix: &[u8]) -> Self {
        Self(suffix.into())
    }
}

impl Borrow<[u8]> for WireName {
    fn borrow(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Display for WireName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.to_name().fmt(f)
    }
}

impl fmt::Debug for WireName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// `name` in wire format, with `fold` applied to every octet of its labels.
pub(crate) fn wire(name: &Name, fold: impl Fn(&u8) -> u8) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(name.len() + 1);
    for label in name.iter() {
        bytes.push(label.len() as u8);
        bytes.extend(label.iter().map(&fold));
    }
    bytes.push(0);
    bytes
}

/// The name as a hickory type.
pub(crate) fn to_name(wire: &[u8]) -> Name {
    let labels = ancestors(wire).filter_map(first_label);
    Name::from_labels(labels).expect("a name in wire form has valid labels")
}

/// Length of the uncompressed name at the start of untrusted `octets`; `None` if it is cut off, too long
/// or contains a compression pointer.
#[inline]
pub(crate) fn length(octets: &[u8]) -> Option<usize> {
    let mut end = 0;
    loop {
        let label = usize::from(*octets.get(end)?);
        end += 1 + label;
        if label > LABEL_OCTETS_MAX || end > NAME_OCTETS_MAX {
            return None;
        }
        if label == 0 {
            return Some(end);
        }
    }
}

/// The first label; `None` for the root.
pub(crate) fn first_label(wire: &[u8]) -> Option<&[u8]> {
    let length = usize::from(*wire.first()?);
    wire.get(1..=length).filter(|label| !label.is_empty())
}

/// The parent; `None` for the root.
pub(crate) fn parent(wire: &[u8]) -> Option<&[u8]> {
    first_label(wire).map(|label| &wire[label.len() + 1..])
}

/// The name itself, then its parent, and so on up to the root.
pub(crate) fn ancestors(wire: &[u8]) -> impl Iterator<Item = &[u8]> {
    std::iter::successors(Some(wire), |name| parent(name))
}

/// The number of labels, not counting the root.
pub(crate) fn n_labels(wire: &[u8]) -> usize {
    ancestors(wire).count() - 1
}

/// The ancestor `n` labels up.
pub(crate) fn ancestor(wire: &[u8], n: usize) -> Option<&[u8]> {
    ancestors(wire).nth(n)
}

/// Whether `wire` is `apex` or a name below it.
pub(crate) fn is_at_or_below(wire: &[u8], apex: &[u8]) -> bool {
    ancestors(wire).any(|name| name == apex)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> WireName {
        WireName::of(&Name::from_ascii(text).unwrap())
    }

    #[test]
    fn a_name_is_kept_lower_cased_and_comes_back_as_it_is_kept() {
        let web = name("Web-0.NGINX.default.svc.cluster.local.");
        assert_eq!(web.to_string(), "web-0.nginx.default.svc.cluster.local.");
        assert_eq!(web, name("web-0.nginx.default.svc.cluster.local."));
        assert_eq!(WireName::of(&Name::root()).as_bytes(), [0]);
        assert!(WireName::of(&Name::root()).to_name().is_root());
    }

    #[test]
    fn every_suffix_is_an_ancestor() {
        let web = name("a.b.c.");
        let seen: Vec<String> =
            ancestors(web.as_bytes()).map(|name| WireName::from(name).to_string()).collect();
        assert_eq!(seen, ["a.b.c.", "b.c.", "c.", "."]);
        assert!(is_at_or_below(web.as_bytes(), name("b.c.").as_bytes()));
        assert!(!is_at_or_below(name("xb.c.").as_bytes(), name("b.c.").as_bytes()));
    }

    #[test]
    fn the_length_of_a_name_is_that_of_its_labels_and_the_root() {
        let long = [&[63; 64][..]; 4].concat();
        for (octets, expected) in [
            (&b"\0rest"[..], Some(1)),
            (b"\x01a\x02bc\0\0\x01", Some(6)),
            (b"\x01a\xc0\x0c", None),
            (b"\x01a", None),
            (b"", None),
            (&[&long[..192], b"\x3d", &[b'a'; 61], b"\0"].concat(), Some(255)),
            (&[&long[..192], b"\x3e", &[b'a'; 62], b"\0"].concat(), None),
        ] {
            assert_eq!(length(octets), expected, "{octets:?}");
        }
    }

    #[test]
    fn labels_and_names_have_their_bounds() {
        let zone = name("cluster.local.");
        assert_eq!(zone.child("Web").unwrap(), name("web.cluster.local."));
        assert_eq!(zone.service_child("Tcp").unwrap(), name("_tcp.cluster.local."));
        assert!(zone.service_child(&"a".repeat(62)).is_ok());
        let error = zone.service_child(&"a".repeat(63)).unwrap_err();
        assert_eq!(error.label, format!("_{}", "a".repeat(63)));
        assert!(zone.child("").is_err());
        assert!(zone.child(&"a".repeat(63)).is_ok());
        assert!(zone.child(&"a".repeat(64)).is_err());
        let mut long = zone;
        for _ in 0..3 {
            long = long.child(&"a".repeat(63)).unwrap();
        }
        assert!(long.child(&"a".repeat(48)).is_err());
        assert_eq!(long.child(&"a".repeat(47)).unwrap().as_bytes().len(), NAME_OCTETS_MAX);
    }
}
