//! Fits a response into one message: truncation, shortening, padding.
//!
//! If the message is too long, it loses in this order:
//! - the text of the Extended DNS Error (RFC 8914, section 3);
//! - additional RRsets that do not fit, without TC (RFC 2181, section 9), except glue: missing glue sets TC
//!   (RFC 9471);
//! - all records, with TC. RRsets are never truncated in part; RFC 2181, section 9 would allow it.
//!
//! On transports without a larger alternative, [`Response::shorten`] is applied before.

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
use super::tsig::ResponseTsig;

impl Response {
    /// The message, at most `length_max` octets long.
    ///
    /// Over TCP and the like a response has to be [shortened](Response::shorten) before.
    pub fn to_octets(&self) -> Vec<u8> {
        let (message, mut edns) = self.written(self.length_max);
        if let Some(edns) = &mut edns
            && let Some(padding) = self.padding(message.length() + opt_length(edns) + self.tsig_length())
        {
            edns.options_mut().insert(padding);
        }
        let octets = message.finish(edns.as_ref());
        match &self.tsig {
            Some(tsig) => tsig.append_to(octets),
            None => octets,
        }
    }

    /// Length of the complete message without padding.
    pub(crate) fn length(&self) -> usize {
        let (message, edns) = self.written(usize::MAX);
        message.length() + edns.as_ref().map_or(0, opt_length) + self.tsig_length()
    }

    /// Length of the complete message without name compression: an upper bound for every encoder.
    pub(crate) fn length_uncompressed(&self) -> usize {
        let records = self.answers.iter().chain(&self.authority).chain(&self.additional);
        let opt = self.edns.as_ref().map_or(0, opt_length);
        HEADER_LENGTH
            + self.question.len()
            + opt
            + self.tsig_length()
            + records.map(record_length).sum::<usize>()
    }

    /// The padding option for a message of `length` octets, if the response is to be padded: up to a whole
    /// block (RFC 8467, 4.1), or up to the maximum length.
    pub(crate) fn padding(&self, length: usize) -> Option<EdnsOption> {
        if !self.is_padded {
            return None;
        }
        let n_octets = length.checked_add(OPTION_HEAD_LENGTH)?;
        let padded = n_octets.next_multiple_of(PADDING_BLOCK).min(self.length_max);
        Some(EdnsOption::Unknown(OPTION_PADDING, vec![0; padded.checked_sub(n_octets)?]))
    }

    /// Removes records until `length` is at most `length_max`: first the additional section, then answers
    /// from the end.
    ///
    /// An RRset that exceeds 65,535 octets is thus answered in part, without TC: clients have no larger
    /// transport to retry over, and a headless service of thousands of endpoints is more useful with most
    /// of them than with none. The RRset is rotated, so every endpoint appears in some response. If not
    /// even one record fits the response is SERVFAIL, as an empty answer would mean NODATA.
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

    /// The message with the sections that fit, and the OPT record to append.
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
            let room = length_max.saturating_sub(self.tsig_length() + opt);
            if message.length() <= room && self.add_additional(&mut message, room)? {
                return Ok((message, edns));
            }
            message.rewind(mark);
        }
        let mut header = self.header;
        header.truncation = true;
        Ok((Message::new(header, &self.question), self.edns.as_ref().map(without_extended_error)))
    }

    /// Adds the additional RRsets that fit; false if glue does not fit.
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

    /// Whether this is glue: the address of a name server at or below the zone cut of a referral.
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

    fn tsig_length(&self) -> usize {
        self.tsig.as_ref().map_or(0, ResponseTsig::length)
    }
}

fn is_same_rrset(one: &Record, other: &Record) -> bool {
    one.record_type() == other.record_type() && one.name == other.name
}

fn record_length(record: &Record) -> usize {
    name_length(&record.name) + RECORD_FIXED_LENGTH + rdata_length(&record.data)
}

/// Length of `name` without compression; hickory's `len` is that of its text.
fn name_length(name: &Name) -> usize {
    name.iter().map(|label| 1 + label.len()).sum::<usize>() + 1
}

#[cfg(test)]
mod tests;
