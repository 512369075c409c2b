//! The fast path for datagrams: an ordinary question is read in place and its response copied.
//!
//! ```text
//!  octets ──► Question::read ──► zone, node ─┬─ has the type ──► direct.rs: records as kept ──────┐
//!                │ anything unusual          │          └──► srv.rs, ready.rs: ready-made ─────────┤
//!                ▼                           ├─ lacks it ──────► negative.rs: SOA, NODATA ─────────┤
//!             respond                        └─ missing ───────► negative.rs: SOA, NXDOMAIN ───────┤
//!                ▲                                                                       reply ◄───┘
//!                └── delegations, wildcards, aliases, EDNS options, ...
//! ```
//!
//! What this costs is mostly waiting for memory, so the questions of a batch are looked up together,
//! in steps that wait once each; the sections that are kept of a node come near in such steps too.
//!
//! Both ways give the same octets; a test asks both at random. What this path does by itself: an
//! opcode QUERY of class IN for a well-known type, without records but one plain OPT, in a zone
//! without delegations and DNAMEs. Pure but for what it leaves at the nodes of the snapshot.

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
use ready::Distance;

/// What was asked the fast way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Taken {
    /// The type that was asked for.
    pub record_type: RecordType,
    /// What the response says.
    pub rcode: ResponseCode,
    /// What it is counted as by those who limit.
    pub kind: Kind,
    question_length: usize,
    has_edns: bool,
}

impl Taken {
    /// Leaves out the sections of the response that begins at `start`, and sets TC.
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

/// Whether what does not exist is answered the fast way too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Negatives {
    /// It is.
    Taken,
    /// It is left to those who can say why.
    Left,
}

/// What holds for a client, whatever it asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    /// What becomes of negative answers.
    pub negatives: Negatives,
    /// Whether others would be asked for this client (RA).
    pub is_recursion_available: bool,
}

impl Terms {
    /// Everything is taken, nobody else is asked.
    pub const PLAIN: Self = Self { negatives: Negatives::Taken, is_recursion_available: false };
}

/// Room for the questions of a batch.
pub struct Room(Vec<NameBuffer>);

impl Room {
    /// For so many questions.
    pub fn new(n_questions: usize) -> Self {
        Self(std::iter::repeat_with(NameBuffer::default).take(n_questions).collect())
    }
}

/// A question that is being looked up.
pub struct Lookup<'z, 'm> {
    question: Question<'m>,
    zones: &'z Zones,
    zone: &'z Zone,
    progress: Progress<'z>,
}

/// How far a lookup is.
enum Progress<'z> {
    Seeking(Cursor<'z, Node>),
    /// The node is known; what is ready-made of it may still be far.
    Found(Option<&'z Node>, Option<Distance>),
}

/// Looks up the questions of a batch, as many as there is room for: while one lookup waits for
/// memory, so do the others. `None` for what has to go the ordinary way.
pub fn look_up_all<'z, 'm>(
    zones: &'z Zones,
    requests: impl Iterator<Item = &'m [u8]>,
    room: &'m mut Room,
) -> Vec<Option<Lookup<'z, 'm>>> {
    let mut lookups: Vec<_> =
        requests.zip(&mut room.0).map(|(request, buffer)| Lookup::begin(zones, request, buffer)).collect();
    while lookups.iter_mut().flatten().fold(false, |is_unfinished, one| one.step() | is_unfinished) {}
    lookups
}

/// Appends the response to `request` to `replies`; `None`, and nothing is appended, if it has to go
/// the ordinary way.
pub fn reply(
    zones: &Zones,
    request: &[u8],
    turn: usize,
    terms: Terms,
    replies: &mut Vec<u8>,
) -> Option<Taken> {
    Lookup::begin(zones, request, &mut NameBuffer::default())?.reply(turn, terms, replies)
}

impl<'z, 'm> Lookup<'z, 'm> {
    #[inline]
    fn begin(zones: &'z Zones, request: &'m [u8], buffer: &'m mut NameBuffer) -> Option<Self> {
        let question = Question::read(request, buffer)?;
        let zone = zones.find(question.lower).filter(|zone| !zone.has_cuts())?;
        let cursor = zone.seek(question.lower);
        Some(Self { question, zones, zone, progress: Progress::Seeking(cursor) })
    }

    /// Goes on, waiting for memory once; whether there is more to do.
    #[inline]
    fn step(&mut self) -> bool {
        self.progress = match &mut self.progress {
            Progress::Seeking(cursor) => match cursor.step(self.question.lower) {
                true => return true,
                false => Progress::Found(cursor.found(), Distance::of(self.question.record_type)),
            },
            Progress::Found(Some(node), Some(distance)) => {
                let distance = distance.approach(node, self.question.record_type, self.zone);
                Progress::Found(Some(node), distance)
            }
            Progress::Found(..) => return false,
        };
        true
    }

    /// The node, once it is known.
    fn finish(&mut self) -> Option<&'z Node> {
        loop {
            match self.progress {
                Progress::Seeking(_) => drop(self.step()),
                Progress::Found(node, _) => return node,
            }
        }
    }

    /// Appends the response to `replies`; `None`, and nothing is appended, if the request has to go
    /// the ordinary way.
    pub fn reply(mut self, turn: usize, terms: Terms, replies: &mut Vec<u8>) -> Option<Taken> {
        let node = self.finish();
        let Self { mut question, zones, zone, .. } = self;
        if terms.is_recursion_available {
            question.set_recursion_available();
        }
        let negatives = terms.negatives;
        let kind = match node {
            Some(node) => exists(zones, zone, node, &question, (turn, negatives), replies)?,
            None if negatives == Negatives::Left => return None,
            None => missing(zone, &question, replies)?,
        };
        let rcode = if kind == Kind::NameError { ResponseCode::NXDomain } else { ResponseCode::NoError };
        let (question_length, has_edns) = (question.wire.len(), question.edns.is_some());
        Some(Taken { record_type: question.record_type, rcode, kind, question_length, has_edns })
    }
}

fn exists(
    zones: &Zones,
    zone: &Zone,
    node: &Node,
    question: &Question<'_>,
    (turn, negatives): (usize, Negatives),
    replies: &mut Vec<u8>,
) -> Option<Kind> {
    let Some(set) = node.rrsets().get(question.record_type) else {
        let is_aliased = || node.rrsets().get(RecordType::CNAME).is_some();
        if negatives == Negatives::Left || is_aliased() {
            return None;
        }
        return negative::write(zone, question, NODATA, replies).map(|()| Kind::NoData);
    };
    if direct::is_as_kept(&set, question) {
        direct::write(&set, question, turn, replies);
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
