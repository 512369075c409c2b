//! Parses simple questions in place, and writes what all responses of the fast path share.
//!
//! Anything unusual takes the ordinary path: unexpected header flags, records other than one OPT record
//! without options, trailing octets, types with special processing.

use hickory_proto::rr::RecordType;

use crate::dns::message::name;
use crate::dns::message::protocol::{
    AA, AD, CD, DATAGRAM_LENGTH_MAX, DATAGRAM_LENGTH_MAX_WITHOUT_EDNS, DO, HEADER_LENGTH, NAME_OCTETS_MAX,
    OPT_BEGINNING, OPT_LENGTH, QR, RA, RD, TC, TYPE_AND_CLASS_LENGTH,
};

/// The expected section counts, without the last octet of ARCOUNT.
const COUNTS: [u8; 7] = [0, 1, 0, 0, 0, 0, 0];
const CLASS_IN: [u8; 2] = [0, 1];

/// Header flags of a positive response, and of NODATA.
pub(super) const AUTHORITATIVE: [u8; 2] = [QR | AA, 0];
pub(super) const NODATA: [u8; 2] = AUTHORITATIVE;
/// Header flags of a truncated response.
pub(super) const TRUNCATED: [u8; 2] = [QR | AA | TC, 0];
/// Header flags of NXDOMAIN, rcode 3.
pub(super) const NXDOMAIN: [u8; 2] = [QR | AA, 3];

/// A buffer for a lower-cased QNAME.
pub(super) struct NameBuffer([u8; NAME_OCTETS_MAX]);

impl Default for NameBuffer {
    fn default() -> Self {
        Self([0; NAME_OCTETS_MAX])
    }
}

/// A simple question.
pub(super) struct Question<'m> {
    /// ID.
    pub(super) id: [u8; 2],
    /// RD as sent, for the first octet of flags.
    pub(super) rd: u8,
    /// CD as sent, and RA, for the second octet of flags.
    pub(super) low_flags: u8,
    /// QNAME, QTYPE and QCLASS as sent.
    pub(crate) wire: &'m [u8],
    /// QNAME as sent.
    pub(crate) name: &'m [u8],
    /// QNAME in lower case.
    pub(super) lower: &'m [u8],
    /// QTYPE.
    pub(crate) record_type: RecordType,
    /// Flags of the OPT record in the response, if there is one.
    pub(super) edns: Option<[u8; 2]>,
    /// Maximum length of the response, in octets.
    pub(super) length_max: usize,
}

impl<'m> Question<'m> {
    /// Parses `message`; `None` if it is not a simple question.
    #[inline]
    pub(super) fn read(message: &'m [u8], buffer: &'m mut NameBuffer) -> Option<Self> {
        let (header, body) = message.split_first_chunk::<HEADER_LENGTH>()?;
        let [id_high, id_low, flags_high, flags_low, counts @ .., n_additional] = *header;
        if flags_high & !RD != 0 || flags_low & !(AD | CD) != 0 || counts != COUNTS {
            return None;
        }
        let name = body.get(..name::length(body)?)?;
        let wire = body.get(..name.len() + TYPE_AND_CLASS_LENGTH)?;
        let [type_high, type_low, class @ ..] = *wire[name.len()..].first_chunk::<TYPE_AND_CLASS_LENGTH>()?;
        let record_type = RecordType::from(u16::from_be_bytes([type_high, type_low]));
        if class != CLASS_IN || !is_ordinary(record_type) {
            return None;
        }
        let (edns, length_max) = read_opt(&body[wire.len()..], n_additional)?;
        // Length octets are at most 63, so folding ASCII letters leaves them unchanged.
        let lower = &mut buffer.0[..name.len()];
        lower.copy_from_slice(name);
        lower.make_ascii_lowercase();
        let (id, length_max) = ([id_high, id_low], usize::from(length_max));
        let (rd, low_flags) = (flags_high & RD, flags_low & CD);
        Some(Self { id, rd, low_flags, wire, name, lower, record_type, edns, length_max })
    }

    /// Sets RA in the response.
    pub(super) fn set_recursion_available(&mut self) {
        self.low_flags |= RA;
    }

    /// A request with this question in lower case, with or without an OPT record.
    pub(super) fn plain_request(&self, has_edns: bool) -> Vec<u8> {
        let mut request = vec![0; HEADER_LENGTH];
        request[5] = 1;
        request.extend_from_slice(self.lower);
        request.extend_from_slice(&self.wire[self.name.len()..]);
        if has_edns {
            request[HEADER_LENGTH - 1] = 1;
            request.extend_from_slice(&OPT_BEGINNING);
            request.resize(request.len() + OPT_LENGTH - OPT_BEGINNING.len(), 0);
        }
        request
    }

    /// Appends header and question of the response.
    pub(super) fn write_head(&self, flags: [u8; 2], counts: [u16; 3], replies: &mut Vec<u8>) {
        let [answers, authorities, additionals] = counts;
        let additionals = additionals + u16::from(self.edns.is_some());
        let (an, ns, ar) = (answers.to_be_bytes(), authorities.to_be_bytes(), additionals.to_be_bytes());
        let (high, low) = (flags[0] | self.rd, flags[1] | self.low_flags);
        let [id0, id1] = self.id;
        replies.extend_from_slice(&[id0, id1, high, low, 0, 1, an[0], an[1], ns[0], ns[1], ar[0], ar[1]]);
        replies.extend_from_slice(self.wire);
    }

    /// Appends the OPT record, if the client sent one.
    pub(super) fn write_opt(&self, replies: &mut Vec<u8>) {
        if let Some(flags) = self.edns {
            replies.extend_from_slice(&OPT_BEGINNING);
            replies.extend_from_slice(&[flags[0], flags[1], 0, 0]);
        }
    }

    /// Length of the response if its records have `n_octets`.
    pub(super) fn length_with(&self, n_octets: usize) -> usize {
        let opt = if self.edns.is_some() { OPT_LENGTH } else { 0 };
        HEADER_LENGTH + self.wire.len() + n_octets + opt
    }
}

/// Types that are answered with their RRset and its additional section alone.
fn is_ordinary(record_type: RecordType) -> bool {
    use RecordType::{A, AAAA, CNAME, HTTPS, MX, NS, PTR, SOA, SRV, SVCB, TXT};
    matches!(record_type, A | AAAA | CNAME | HTTPS | MX | NS | PTR | SOA | SRV | SVCB | TXT)
}

/// Flags for our OPT record, if the client sent one, and the maximum length of the response.
fn read_opt(rest: &[u8], n_additional: u8) -> Option<(Option<[u8; 2]>, u16)> {
    match (n_additional, rest) {
        (0, []) => Some((None, DATAGRAM_LENGTH_MAX_WITHOUT_EDNS)),
        (1, [0, 0, 41, size_high, size_low, 0, 0, flags, _, 0, 0]) => {
            let size = u16::from_be_bytes([*size_high, *size_low]);
            let length_max = size.clamp(DATAGRAM_LENGTH_MAX_WITHOUT_EDNS, DATAGRAM_LENGTH_MAX);
            Some((Some([flags & DO.to_be_bytes()[0], 0]), length_max))
        }
        _ => None,
    }
}
