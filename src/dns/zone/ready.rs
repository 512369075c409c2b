//! Response sections that were encoded once and are kept at the node for the next question.
//!
//! A new version of a node starts empty, so sections never outlive the records they were made from.
//! Reading takes no lock. All nodes together keep at most [`READY_OCTETS_MAX`] octets; beyond that
//! nothing more is kept, and sections are encoded for each response.

use std::ops::Deref;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use arc_swap::{ArcSwap, Guard};
use hickory_proto::rr::RecordType;

use super::stamps::{Below, Stamp};

/// How many octets all nodes of all versions keep together.
const READY_OCTETS_MAX: usize = 256 << 20;

static OCTETS_KEPT: AtomicUsize = AtomicUsize::new(0);

/// The sections of a response that follow the question, without OPT.
#[derive(Debug, Default)]
pub(crate) struct ReadyMade {
    /// The octets; empty if they are too long for any datagram.
    pub(crate) sections: Box<[u8]>,
    /// How many records answer, authority and additional section have.
    pub(crate) counts: [u16; 3],
    /// Whether no datagram can hold the response, so that it is sent empty with TC set.
    pub(crate) is_truncated: bool,
    /// Whether it is right only for a question in lower case.
    pub(crate) is_for_lower_case: bool,
    /// Whether these sections cannot be kept, so that each response is encoded anew.
    pub(crate) is_never: bool,
    /// Other names' records that it was made from.
    pub(crate) depends_on: Option<Dependency>,
}

/// Records of other names.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Dependency {
    /// Those directly below one name.
    pub(crate) below: Below,
    /// [`Zones::layout`](super::Zones::layout).
    pub(crate) layout: Stamp,
}

/// What is kept at one node, by record type.
#[derive(Debug, Default)]
pub(crate) struct Ready(OnceLock<Box<Entry>>);

#[derive(Debug)]
struct Entry {
    record_type: RecordType,
    /// Sections that depend on other nodes are replaced when those change.
    kept: ArcSwap<Kept>,
    next: Ready,
}

/// Kept sections; counts their octets in [`OCTETS_KEPT`].
#[derive(Debug)]
struct Kept {
    made: ReadyMade,
    n_octets: usize,
}

/// What is kept of one type.
pub(crate) struct Found(Guard<Arc<Kept>>);

impl Deref for Found {
    type Target = ReadyMade;

    fn deref(&self) -> &ReadyMade {
        &self.0.made
    }
}

impl Kept {
    fn new(made: ReadyMade) -> Arc<Self> {
        let n_octets = size_of::<Entry>() + size_of::<Self>() + made.sections.len();
        OCTETS_KEPT.fetch_add(n_octets, Ordering::Relaxed);
        Arc::new(Self { made, n_octets })
    }
}

impl Ready {
    /// What is kept of a type.
    #[inline]
    pub(crate) fn find(&self, record_type: RecordType) -> Option<Found> {
        self.entry(record_type).map(|entry| Found(entry.kept.load()))
    }

    /// Whether anything is kept of a type.
    #[inline]
    pub(crate) fn has(&self, record_type: RecordType) -> bool {
        self.entry(record_type).is_some()
    }

    /// Keeps `made`, in place of what there is of the type.
    pub(crate) fn keep(&self, record_type: RecordType, made: ReadyMade) {
        let made = Kept::new(made);
        match self.entry(record_type) {
            Some(entry) => entry.kept.store(made),
            None => self.append(Box::new(Entry { record_type, kept: made.into(), next: Self::default() })),
        }
    }

    /// Whether more may be kept.
    pub(crate) fn has_room() -> bool {
        OCTETS_KEPT.load(Ordering::Relaxed) < READY_OCTETS_MAX
    }

    fn entry(&self, record_type: RecordType) -> Option<&Entry> {
        let first = self.0.get().map(Box::as_ref);
        let mut entries = std::iter::successors(first, |entry| entry.next.0.get().map(Box::as_ref));
        entries.find(|entry| entry.record_type == record_type)
    }

    fn append(&self, mut entry: Box<Entry>) {
        let mut place = &self.0;
        while let Err(back) = place.set(entry) {
            entry = back;
            match place.get() {
                Some(there) if there.record_type != entry.record_type => place = &there.next.0,
                // Another thread has made the same sections.
                _ => return,
            }
        }
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        OCTETS_KEPT.fetch_sub(self.n_octets, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(sections: &[u8]) -> ReadyMade {
        ReadyMade { sections: sections.into(), ..ReadyMade::default() }
    }

    fn check(ready: &Ready, record_type: RecordType, expected: Option<&[u8]>) {
        let found = ready.find(record_type).map(|found| found.sections.to_vec());
        assert_eq!(found.as_deref(), expected);
    }

    #[test]
    fn of_each_type_the_last_is_kept() {
        let ready = Ready::default();
        ready.keep(RecordType::A, made(b"one"));
        ready.keep(RecordType::SRV, made(b"two"));
        ready.keep(RecordType::SRV, made(b"three"));
        check(&ready, RecordType::A, Some(b"one"));
        check(&ready, RecordType::SRV, Some(b"three"));
        check(&ready, RecordType::AAAA, None);
    }

    #[test]
    fn octets_are_counted_as_long_as_they_are_kept() {
        let counted = |octets: &[u8]| Kept::new(made(octets)).n_octets;
        assert_eq!(counted(&[0; 900]) - counted(&[0; 100]), 800);
    }
}
