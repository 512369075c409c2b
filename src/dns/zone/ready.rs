//! What a reader makes of a node's records, kept at the node.
//!
//! A new version of a node starts without it, so it dies with the records it was made of. Reading
//! takes no lock. What all nodes keep together is bounded by [`READY_OCTETS_MAX`]: beyond it nothing
//! more is kept, and readers do the work again each time.

use std::ops::Deref;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use arc_swap::ArcSwap;
use hickory_proto::rr::RecordType;

use super::name::WireName;

/// How much all nodes of all versions keep together.
const READY_OCTETS_MAX: usize = 256 << 20;

static OCTETS_KEPT: AtomicUsize = AtomicUsize::new(0);

/// A number that is given once in the life of a process; the default is never given.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Stamp(u64);

impl Stamp {
    pub(super) fn next() -> Self {
        static LAST: AtomicU64 = AtomicU64::new(0);
        Self(LAST.fetch_add(1, Ordering::Relaxed) + 1)
    }
}

/// The part of a response that follows the question, without OPT.
#[derive(Debug, Default)]
pub(crate) struct ReadyMade {
    /// The octets; none in a response that is too long for every datagram.
    pub(crate) sections: Box<[u8]>,
    /// How many records answer, authority and additional section have.
    pub(crate) counts: [u16; 3],
    /// Whether a datagram cannot hold it, so that it is empty and TC is set.
    pub(crate) is_truncated: bool,
    /// Whether it holds only for a question in lower case.
    pub(crate) is_for_lower_case: bool,
    /// Whether there is no such part, so that the response is made anew each time.
    pub(crate) is_never: bool,
    /// What else it was made of.
    pub(crate) depends_on: Option<Dependency>,
}

/// The records of all names one label below another.
#[derive(Debug)]
pub(crate) struct Dependency {
    /// The name.
    pub(crate) parent: WireName,
    /// [`Zone::stamp_below`](super::Zone::stamp_below) of it.
    pub(crate) below: Stamp,
    /// [`Zones::layout`](super::Zones::layout).
    pub(crate) layout: Stamp,
}

/// What is kept at one node, by record type. Two are always equal, and a clone is empty.
#[derive(Debug, Default)]
pub(crate) struct Ready(OnceLock<Box<Entry>>);

#[derive(Debug)]
struct Entry {
    record_type: RecordType,
    kept: Kept,
    n_octets: usize,
    next: Ready,
}

#[derive(Debug)]
enum Kept {
    Fixed(ReadyMade),
    /// What depends on other nodes is replaced when those change.
    Renewable(ArcSwap<ReadyMade>),
}

/// What is kept of one type.
pub(crate) enum Found<'n> {
    Fixed(&'n ReadyMade),
    Renewable(arc_swap::Guard<Arc<ReadyMade>>),
}

impl Deref for Found<'_> {
    type Target = ReadyMade;

    fn deref(&self) -> &ReadyMade {
        match self {
            Self::Fixed(ready) => ready,
            Self::Renewable(ready) => ready,
        }
    }
}

impl Ready {
    /// What is kept of a type.
    pub(crate) fn find(&self, record_type: RecordType) -> Option<Found<'_>> {
        self.entry(record_type).map(|entry| match &entry.kept {
            Kept::Fixed(ready) => Found::Fixed(ready),
            Kept::Renewable(ready) => Found::Renewable(ready.load()),
        })
    }

    /// Keeps `made`, in place of what there is of the type if that depends on other nodes.
    pub(crate) fn keep(&self, record_type: RecordType, made: ReadyMade) {
        if let Some(Entry { kept: Kept::Renewable(ready), .. }) = self.entry(record_type) {
            return ready.store(Arc::new(made));
        }
        let n_octets = size_of::<Entry>() + made.sections.len();
        let kept = match made.depends_on {
            Some(_) => Kept::Renewable(ArcSwap::from_pointee(made)),
            None => Kept::Fixed(made),
        };
        OCTETS_KEPT.fetch_add(n_octets, Ordering::Relaxed);
        self.append(Box::new(Entry { record_type, kept, n_octets, next: Self::default() }));
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
                // Another thread has made the same.
                _ => return,
            }
        }
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        OCTETS_KEPT.fetch_sub(self.n_octets, Ordering::Relaxed);
    }
}

impl Clone for Ready {
    fn clone(&self) -> Self {
        Self::default()
    }
}

impl PartialEq for Ready {
    fn eq(&self, _other: &Self) -> bool {
        true
    }
}

impl Eq for Ready {}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(sections: &[u8], depends_on: Option<Dependency>) -> ReadyMade {
        ReadyMade { sections: sections.into(), depends_on, ..ReadyMade::default() }
    }

    fn dependency() -> Option<Dependency> {
        let parent = WireName::from(&[0][..]);
        Some(Dependency { parent, below: Stamp::next(), layout: Stamp::next() })
    }

    fn check(ready: &Ready, record_type: RecordType, expected: Option<&[u8]>) {
        let found = ready.find(record_type).map(|found| found.sections.to_vec());
        assert_eq!(found.as_deref(), expected);
    }

    #[test]
    fn what_depends_on_nothing_else_is_kept_as_it_is_and_what_does_is_replaced() {
        let ready = Ready::default();
        ready.keep(RecordType::A, made(b"one", None));
        ready.keep(RecordType::SRV, made(b"two", dependency()));
        ready.keep(RecordType::A, made(b"three", None));
        ready.keep(RecordType::SRV, made(b"four", dependency()));
        check(&ready, RecordType::A, Some(b"one"));
        check(&ready, RecordType::SRV, Some(b"four"));
        check(&ready, RecordType::AAAA, None);
        check(&ready.clone(), RecordType::A, None);
    }
}
