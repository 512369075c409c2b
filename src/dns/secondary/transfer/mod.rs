//! Zone transfers: AXFR (RFC 5936) and IXFR (RFC 1995) of one snapshot, message by message.
//!
//! ```text
//!   whole:        SOA, every name's records, SOA
//!   differences:  SOA, for every version (old SOA, removed, new SOA, added), SOA
//! ```
//!
//! A transfer keeps the version of the zone it began with, so it is consistent however long it takes.
//! Messages are encoded one at a time, when the one before is sent. The first message of a whole transfer
//! sorts all names, which are in no order in the zone; the caller chooses the thread for that.
//!
//! RFC 5936 section 2.2 leaves the size of messages to the server. Ours end after [`MESSAGE_LENGTH_AIM`]
//! octets, because compression pointers reach no further than 16 KiB. IXFR is answered with the whole zone
//! (RFC 1995 section 4) if the journal does not reach back, or if differences are longer than the zone.

use std::collections::VecDeque;
use std::sync::Arc;

use hickory_proto::op::{Edns, Metadata};
use hickory_proto::rr::Record;

use crate::clock::Clock;
use crate::dns::message::encode::Message;
use crate::dns::message::name::WireName;
use crate::dns::message::tsig::Signer;
use crate::dns::zone::{Delta, Zone};

/// A message is sent once it has so many octets.
const MESSAGE_LENGTH_AIM: usize = 16 * 1024;
/// The longest message of a stream.
const MESSAGE_LENGTH_MAX: usize = u16::MAX as usize;
/// Room for an OPT record with its options.
const OPT_LENGTH_MAX: usize = 512;

/// A transfer under way.
#[derive(Debug)]
pub struct Transfer {
    zone: Zone,
    header: Metadata,
    /// The question and OPT record, which only the first message has.
    first: Option<(Vec<u8>, Option<Edns>)>,
    signer: Option<Signer>,
    clock: Clock,
    /// Records to be sent next.
    queue: VecDeque<Record>,
    rest: Rest,
}

/// What comes after the queue.
#[derive(Debug)]
enum Rest {
    /// All names, not sorted yet.
    Zone,
    Names(std::vec::IntoIter<WireName>),
    Versions(std::vec::IntoIter<Arc<Delta>>),
    Nothing,
}

impl Transfer {
    /// The whole zone, or what has changed in it since `known_serial`.
    pub(crate) fn new(zone: Zone, known_serial: Option<u32>, header: Metadata, clock: Clock) -> Self {
        let rest = match known_serial.and_then(|serial| zone.changes_since(serial)) {
            Some(deltas) => Rest::Versions(deltas.into_iter()),
            None => Rest::Zone,
        };
        let queue = [zone.soa_record()].into();
        Self { zone, header, first: None, signer: None, clock, queue, rest }
    }

    /// The question and the OPT record of the first message.
    pub(crate) fn beginning_with(mut self, question: Vec<u8>, edns: Option<Edns>) -> Self {
        self.first = Some((question, edns));
        self
    }

    /// Signs every message.
    pub(crate) fn signed_by(mut self, signer: Option<Signer>) -> Self {
        self.signer = signer;
        self
    }

    /// The next message; `None` after the last one, or if a record fits no message.
    pub fn next_message(&mut self) -> Option<Vec<u8>> {
        let (question, edns) = self.first.take().unwrap_or_default();
        let reserved = OPT_LENGTH_MAX + self.signer.as_ref().map_or(0, Signer::length);
        let mut message = Message::new(self.header, &question);
        let mut n_records = 0;
        while message.length() < MESSAGE_LENGTH_AIM {
            if self.queue.is_empty() {
                self.refill();
            }
            let Some(record) = self.queue.front() else { break };
            let mark = message.mark();
            let is_too_long =
                message.answer(record).is_err() || message.length() + reserved > MESSAGE_LENGTH_MAX;
            if is_too_long && n_records == 0 {
                tracing::error!(owner = %record.name, "a record fits no message; the transfer ends early");
                return None;
            }
            if is_too_long {
                message.rewind(mark);
                break;
            }
            self.queue.pop_front();
            n_records += 1;
        }
        let octets = (n_records > 0).then(|| message.finish(edns.as_ref()))?;
        let now_s = self.clock.now().as_second() as u64;
        Some(match &mut self.signer {
            Some(signer) => signer.sign(octets, now_s),
            None => octets,
        })
    }

    fn names_in_order(&self) -> Vec<WireName> {
        let mut names: Vec<WireName> = self.zone.nodes().map(|node| node.name().into()).collect();
        names.sort_unstable();
        names
    }

    fn refill(&mut self) {
        while self.queue.is_empty() {
            let has_more = match &mut self.rest {
                Rest::Zone => {
                    self.rest = Rest::Names(self.names_in_order().into_iter());
                    continue;
                }
                Rest::Names(names) => names.next().map(|name| self.queue.extend(self.zone.records_at(&name))),
                Rest::Versions(deltas) => {
                    deltas.next().map(|delta| self.queue.extend(delta.records(&self.zone)))
                }
                Rest::Nothing => return,
            };
            if has_more.is_none() {
                self.rest = Rest::Nothing;
                self.queue.push_back(self.zone.soa_record());
            }
        }
    }
}

#[cfg(test)]
mod tests;
