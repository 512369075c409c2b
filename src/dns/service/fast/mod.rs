//! The fast path for UDP: simple questions are parsed in place, responses are copied from the snapshot.
//!
//! ```text
//!  octets ──► Question::read ──► zone, node ─┬─ has the type ──► direct.rs: stored records ───────┐
//!                │ anything unusual          │          └──► srv.rs, ready.rs: prepared sections ──┤
//!                ▼                           ├─ lacks it ──────► negative.rs: SOA, NODATA ─────────┤
//!             respond                        └─ missing ───────► negative.rs: SOA, NXDOMAIN ───────┤
//!                ▲                                                                       reply ◄───┘
//!                └── delegations, wildcards, aliases, EDNS options, ...
//! ```
//!
//! Most of the time is spent on cache misses, so the questions of a batch are looked up together, in
//! steps with one cache miss each; prepared sections are prefetched in such steps too.
//!
//! Both paths give the same octets; a differential test compares them on random queries. The fast path
//! answers opcode QUERY, class IN, well-known types, without EDNS options, in zones without delegations
//! and DNAMEs. Pure, except that prepared sections are cached at the nodes of the snapshot.

mod direct;
mod negative;
mod question;
mod ready;
mod srv;

use hickory_proto::op::ResponseCode;
use hickory_proto::rr::RecordType;

use super::limit::Kind;
use crate::dns::message::protocol::{HEADER_LENGTH, OPT_LENGTH, TC};
use crate::dns::zone::{Cursor, Found, Node, Zone, Zones};
use question::{NODATA, NXDOMAIN, NameBuffer, Question};
use ready::Prefetch;

/// A response of the fast path, as metrics and rate limiting see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FastResponse {
    /// QTYPE.
    pub record_type: RecordType,
    /// The rcode.
    pub rcode: ResponseCode,
    /// The kind for rate limiting.
    pub kind: Kind,
    question_length: usize,
    has_edns: bool,
}

impl FastResponse {
    /// Truncates the response that begins at `start`: removes its records and sets TC.
    pub fn truncate(&self, start: usize, replies: &mut Vec<u8>) {
        let end = start + HEADER_LENGTH + self.question_length;
        let opt_length = if self.has_edns { OPT_LENGTH } else { 0 };
        let opt = replies.len() - opt_length;
        replies.copy_within(opt.., end);
        replies.truncate(end + opt_length);
        replies[start + 2] |= TC;
        replies[start + 6..start + HEADER_LENGTH].fill(0);
        replies[start + HEADER_LENGTH - 1] = u8::from(self.has_edns);
    }
}

/// Whether the fast path gives negative answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Negatives {
    /// It does.
    Answer,
    /// It leaves them to the ordinary path, which adds reasons.
    Leave,
}

/// What depends on the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    /// Whether negative answers are given here.
    pub negatives: Negatives,
    /// Whether recursion is available to this client (RA).
    pub is_recursion_available: bool,
}

impl Terms {
    /// Negative answers, no recursion.
    pub const PLAIN: Self = Self { negatives: Negatives::Answer, is_recursion_available: false };
}

/// Buffers for the lower-cased QNAMEs of a batch.
pub struct NameBuffers(Vec<NameBuffer>);

impl NameBuffers {
    /// Buffers for so many questions.
    pub fn new(n_questions: usize) -> Self {
        Self(std::iter::repeat_with(NameBuffer::default).take(n_questions).collect())
    }
}

/// A question during its lookup.
pub struct Lookup<'z, 'm> {
    question: Question<'m>,
    zones: &'z Zones,
    zone: &'z Zone,
    progress: Progress<'z>,
}

/// The state of a lookup.
enum Progress<'z> {
    Seeking(Cursor<'z, Node>),
    /// The node is known; its prepared sections may still have to be prefetched.
    Found(Option<&'z Node>, Option<Prefetch>),
}

/// Looks up the questions of a batch, as many as there are buffers, so that their cache misses overlap.
/// `None` for requests that need the ordinary path.
pub fn look_up_all<'z, 'm>(
    zones: &'z Zones,
    requests: impl Iterator<Item = &'m [u8]>,
    buffers: &'m mut NameBuffers,
) -> Vec<Option<Lookup<'z, 'm>>> {
    let mut lookups: Vec<_> =
        requests.zip(&mut buffers.0).map(|(request, buffer)| Lookup::begin(zones, request, buffer)).collect();
    while lookups.iter_mut().flatten().fold(false, |is_unfinished, one| one.step() | is_unfinished) {}
    lookups
}

/// Appends the response to `request` to `replies`; `None`, with nothing appended, if it needs the ordinary
/// path.
pub fn reply(
    zones: &Zones,
    request: &[u8],
    rotation: usize,
    terms: Terms,
    replies: &mut Vec<u8>,
) -> Option<FastResponse> {
    Lookup::begin(zones, request, &mut NameBuffer::default())?.reply(rotation, terms, replies)
}

impl<'z, 'm> Lookup<'z, 'm> {
    #[inline]
    fn begin(zones: &'z Zones, request: &'m [u8], buffer: &'m mut NameBuffer) -> Option<Self> {
        let question = Question::read(request, buffer)?;
        let zone = zones.find(question.lower).filter(|zone| !zone.has_cuts())?;
        let cursor = zone.seek(question.lower);
        Some(Self { question, zones, zone, progress: Progress::Seeking(cursor) })
    }

    /// One step, with one cache miss; false once the lookup is complete.
    #[inline]
    fn step(&mut self) -> bool {
        self.progress = match &mut self.progress {
            Progress::Seeking(cursor) => match cursor.step(self.question.lower) {
                true => return true,
                false => Progress::Found(cursor.found(), Prefetch::of(self.question.record_type)),
            },
            Progress::Found(Some(node), Some(prefetch)) => {
                let prefetch = prefetch.step(node, self.question.record_type, self.zone);
                Progress::Found(Some(node), prefetch)
            }
            Progress::Found(..) => return false,
        };
        true
    }

    /// Completes the lookup of the node.
    fn finish(&mut self) -> Option<&'z Node> {
        loop {
            match self.progress {
                Progress::Seeking(_) => drop(self.step()),
                Progress::Found(node, _) => return node,
            }
        }
    }

    /// Appends the response to `replies`; `None`, with nothing appended, if the request needs the ordinary
    /// path.
    pub fn reply(mut self, rotation: usize, terms: Terms, replies: &mut Vec<u8>) -> Option<FastResponse> {
        let node = self.finish();
        let Self { mut question, zones, zone, .. } = self;
        if terms.is_recursion_available {
            question.set_recursion_available();
        }
        let negatives = terms.negatives;
        let kind = match node {
            Some(node) => exists(zones, zone, node, &question, (rotation, negatives), replies)?,
            None if negatives == Negatives::Leave => return None,
            None => missing(zone, &question, replies)?,
        };
        let rcode = if kind == Kind::NameError { ResponseCode::NXDomain } else { ResponseCode::NoError };
        let (question_length, has_edns) = (question.wire.len(), question.edns.is_some());
        Some(FastResponse { record_type: question.record_type, rcode, kind, question_length, has_edns })
    }
}

fn exists(
    zones: &Zones,
    zone: &Zone,
    node: &Node,
    question: &Question<'_>,
    (rotation, negatives): (usize, Negatives),
    replies: &mut Vec<u8>,
) -> Option<Kind> {
    let Some(set) = node.rrsets().get(question.record_type) else {
        let is_aliased = || node.rrsets().get(RecordType::CNAME).is_some();
        if negatives == Negatives::Leave || is_aliased() {
            return None;
        }
        return negative::write(zone, question, NODATA, replies).map(|()| Kind::NoData);
    };
    if direct::is_as_kept(&set, question) {
        direct::write(&set, question, rotation, replies);
        return Some(Kind::Positive);
    }
    if let Some(made) = node.ready().find(question.record_type)
        && ready::is_current(&made, zones, zone)
    {
        return ready::write(&made, question, replies).map(|()| Kind::Positive);
    }
    let made = ready::make(zones, zone, question, &set)?;
    let written = ready::write(&made, question, replies);
    node.ready().keep(question.record_type, made);
    written.map(|()| Kind::Positive)
}

fn missing(zone: &Zone, question: &Question<'_>, replies: &mut Vec<u8>) -> Option<Kind> {
    if zone.falls_through(question.lower) {
        return None;
    }
    let is_missing = !zone.has_synthesized_names()
        || matches!(zone.look_up(question.lower, question.record_type), Found::Missing);
    (is_missing && zone.is_synced()).then_some(())?;
    negative::write(zone, question, NXDOMAIN, replies).map(|()| Kind::NameError)
}

#[cfg(test)]
mod tests;
