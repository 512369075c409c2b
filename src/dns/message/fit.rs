//! What of a response goes into one message, and the padding that hides how much it was.
//!
//! A message that is too long loses, in this order:
//! - the text of the Extended DNS Error;
//! - additional RRsets that do not fit (RFC 2181, 9: without TC), but never glue (RFC 9471: with TC);
//! - answer and authority, both whole: TC is set; never a part of an RRset.
//!
//! Where there is no larger transport to turn to, [`Response::shorten`] answers in part beforehand.

use hickory_proto::ProtoError;
use hickory_proto::op::{Edns, ResponseCode};
use hickory_proto::rr::rdata::opt::EdnsOption;
use hickory_proto::rr::{Name, Record, RecordType};

use super::edns::{opt_length, without_extended_error, without_extended_text};
use super::encode::{Message, rdata_length};
use super::protocol::{
    HEADER_LENGTH, OPTION_HEAD_LENGTH, OPTION_PADDING, PADDING_BLOCK, RECORD_FIXED_LENGTH,
};
use super::response::Response;
use super::tsig::Seal;

impl Response {
    /// The message, at most `length_max` octets long.
    ///
    /// A stream message that is too long has to be [shortened](Response::shorten) before.
    pub fn to_octets(&self) -> Vec<u8> {
        let (message, mut edns) = self.written(self.length_max);
        if let Some(edns) = &mut edns
            && let Some(padding) = self.padding(message.length() + opt_length(edns) + self.seal_length())
        {
            edns.options_mut().insert(padding);
        }
        let octets = message.finish(edns.as_ref());
        match &self.seal {
            Some(seal) => seal.put_on(octets),
            None => octets,
        }
    }

    /// How many octets the whole message has, without padding.
    pub(crate) fn length(&self) -> usize {
        let (message, edns) = self.written(usize::MAX);
        message.length() + edns.as_ref().map_or(0, opt_length) + self.seal_length()
    }

    /// How many octets the whole message would have without name compression: an upper bound that
    /// holds for every encoder.
    pub(crate) fn length_uncompressed(&self) -> usize {
        let records = self.answers.iter().chain(&self.authority).chain(&self.additional);
        let opt = self.edns.as_ref().map_or(0, opt_length);
        HEADER_LENGTH
            + self.question.len()
            + opt
            + self.seal_length()
            + records.map(record_length).sum::<usize>()
    }

    /// The padding option for a message that has `length` octets without it, if the response is to be
    /// padded: to a whole block, or as much as there is room for.
    pub(crate) fn padding(&self, length: usize) -> Option<EdnsOption> {
        if !self.is_padded {
            return None;
        }
        let n_octets = length.checked_add(OPTION_HEAD_LENGTH)?;
        let padded = n_octets.next_multiple_of(PADDING_BLOCK).min(self.length_max);
        Some(EdnsOption::Unknown(OPTION_PADDING, vec![0; padded.checked_sub(n_octets)?]))
    }

    /// Leaves out records until `length` of what remains is at most `length_max`: first the
    /// additional section, then answers from the end.
    ///
    /// An RRset that no stream message can hold is thus answered in part, without TC: there is no
    /// larger transport that a client could turn to, and a headless service of thousands of
    /// endpoints is of more use with most of them than with none. As the RRset is rotated, every
    /// endpoint is seen in turn. If not even one record has room it is a failure, for an answer without
    /// records would say that there are none.
    pub(crate) fn shorten(&mut self, length: impl Fn(&Response) -> usize) {
        if self.length_uncompressed() <= self.length_max || length(self) <= self.length_max {
            return;
        }
        self.additional.clear();
        loop {
            let (n, octets) = (self.answers.len(), length(self));
            if octets <= self.length_max || n == 0 {
                return;
            }
            let n_left = (n * self.length_max / octets).min(n - 1);
            if n_left == 0 {
                self.header.response_code = ResponseCode::ServFail;
            }
            self.answers.truncate(n_left);
        }
    }

    /// The sections as far as they fit, and the OPT record that is to end the message.
    fn written(&self, length_max: usize) -> (Message, Option<Edns>) {
        self.try_written(length_max).unwrap_or_else(|error| {
            tracing::error!(%error, "a record of the zone cannot be encoded");
            let mut header = self.header;
            header.response_code = ResponseCode::ServFail;
            (Message::new(header, &self.question), None)
        })
    }

    fn try_written(&self, length_max: usize) -> Result<(Message, Option<Edns>), ProtoError> {
        let mut message = Message::new(self.header, &self.question);
        for record in &self.answers {
            message.answer(record)?;
        }
        for record in &self.authority {
            message.authority(record)?;
        }
        let mark = message.mark();
        for edns in self.edns_from_long_to_short() {
            let opt = edns.as_ref().map_or(0, opt_length);
            let room = length_max.saturating_sub(self.seal_length() + opt);
            if message.length() <= room && self.add_additional(&mut message, room)? {
                return Ok((message, edns));
            }
            message.rewind(mark);
        }
        let mut header = self.header;
        header.truncation = true;
        Ok((Message::new(header, &self.question), self.edns.as_ref().map(without_extended_error)))
    }

    /// Adds the additional RRsets that fit; false if glue does not.
    fn add_additional(&self, message: &mut Message, room: usize) -> Result<bool, ProtoError> {
        for rrset in self.additional.chunk_by(is_same_rrset) {
            let mark = message.mark();
            for record in rrset {
                message.additional(record)?;
            }
            if message.length() > room {
                if self.is_glue(&rrset[0]) {
                    return Ok(false);
                }
                message.rewind(mark);
            }
        }
        Ok(true)
    }

    /// A referral's address record for a server below the cut, without which the cut is a dead end.
    fn is_glue(&self, record: &Record) -> bool {
        !self.header.authoritative
            && self.answers.is_empty()
            && self
                .authority
                .iter()
                .any(|ns| ns.record_type() == RecordType::NS && ns.name.zone_of(&record.name))
    }

    fn edns_from_long_to_short(&self) -> impl Iterator<Item = Option<Edns>> {
        let shorter = self.edns.as_ref().and_then(without_extended_text);
        std::iter::once(self.edns.clone()).chain(shorter.map(Some))
    }

    fn seal_length(&self) -> usize {
        self.seal.as_ref().map_or(0, Seal::length)
    }
}

fn is_same_rrset(one: &Record, other: &Record) -> bool {
    one.record_type() == other.record_type() && one.name == other.name
}

fn record_length(record: &Record) -> usize {
    name_length(&record.name) + RECORD_FIXED_LENGTH + rdata_length(&record.data)
}

/// The length of `name` when it is written out; hickory's `len` is that of its text.
fn name_length(name: &Name) -> usize {
    name.iter().map(|label| 1 + label.len()).sum::<usize>() + 1
}

#[cfg(test)]
mod tests;
