//! An ordinary question, read where it lies.
//!
//! Whatever is not exactly as most clients write it is nobody's fault but takes the ordinary way:
//! header bits that a query has no use for, records other than one plain OPT, octets left over,
//! types that are answered in a way of their own.

use hickory_proto::rr::RecordType;

use crate::dns::message::name;
use crate::dns::message::protocol::{
    AA, AD, CD, DATAGRAM_LENGTH_MAX, DATAGRAM_LENGTH_MAX_WITHOUT_EDNS, DO, HEADER_LENGTH, NAME_OCTETS_MAX,
    OPT_BEGINNING, OPT_LENGTH, QR, RA, RD, TC, TYPE_AND_CLASS_LENGTH,
};

/// The four counts but for their last octet: what they have to be.
const COUNTS: [u8; 7] = [0, 1, 0, 0, 0, 0, 0];
const CLASS_IN: [u8; 2] = [0, 1];

/// The flags of a response with records, and of NODATA.
pub(super) const AUTHORITATIVE: [u8; 2] = [QR | AA, 0];
pub(super) const NODATA: [u8; 2] = AUTHORITATIVE;
/// Those of a truncated response.
pub(super) const TRUNCATED: [u8; 2] = [QR | AA | TC, 0];
/// Those of a name error, RCODE 3.
pub(super) const NXDOMAIN: [u8; 2] = [QR | AA, 3];

/// Where a name is put in lower case.
pub(super) struct NameBuffer([u8; NAME_OCTETS_MAX]);

impl Default for NameBuffer {
    fn default() -> Self {
        Self([0; NAME_OCTETS_MAX])
    }
}

/// An ordinary question.
pub(super) struct Question<'m> {
    /// The id as sent.
    pub(super) id: [u8; 2],
    /// RD as sent, in the first octet of flags.
    pub(super) rd: u8,
    /// CD as sent, in the second, and RA once it is set.
    pub(super) low_flags: u8,
    /// Name, type and class as sent.
    pub(crate) wire: &'m [u8],
    /// The name as sent.
    pub(crate) name: &'m [u8],
    /// The name in lower case.
    pub(super) lower: &'m [u8],
    /// The type.
    pub(crate) record_type: RecordType,
    /// The OPT of the response: its flags.
    pub(super) edns: Option<[u8; 2]>,
    /// How long the response may be.
    pub(super) length_max: usize,
}

impl<'m> Question<'m> {
    /// Reads `message`; `None` if it is no ordinary question.
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
        // Lengths of labels are less than the code of any letter.
        let lower = &mut buffer.0[..name.len()];
        lower.copy_from_slice(name);
        lower.make_ascii_lowercase();
        let (id, length_max) = ([id_high, id_low], usize::from(length_max));
        let (rd, low_flags) = (flags_high & RD, flags_low & CD);
        Some(Self { id, rd, low_flags, wire, name, lower, record_type, edns, length_max })
    }

    /// Has the response say that others would be asked.
    pub(super) fn set_recursion_available(&mut self) {
        self.low_flags |= RA;
    }

    /// The question that a ready-made response is made for: in lower case, with a plain OPT or
    /// without.
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

    /// Appends header and question of a response.
    pub(super) fn write_head(&self, flags: [u8; 2], counts: [u16; 3], replies: &mut Vec<u8>) {
        let [answers, authorities, additionals] = counts;
        let additionals = additionals + u16::from(self.edns.is_some());
        let (an, ns, ar) = (answers.to_be_bytes(), authorities.to_be_bytes(), additionals.to_be_bytes());
        let (high, low) = (flags[0] | self.rd, flags[1] | self.low_flags);
        let [id0, id1] = self.id;
        replies.extend_from_slice(&[id0, id1, high, low, 0, 1, an[0], an[1], ns[0], ns[1], ar[0], ar[1]]);
        replies.extend_from_slice(self.wire);
    }

    /// Appends the OPT record, if there is to be one.
    pub(super) fn write_opt(&self, replies: &mut Vec<u8>) {
        if let Some(flags) = self.edns {
            replies.extend_from_slice(&OPT_BEGINNING);
            replies.extend_from_slice(&[flags[0], flags[1], 0, 0]);
        }
    }

    /// How long a response with sections of this length is.
    pub(super) fn length_with(&self, n_octets: usize) -> usize {
        let opt = if self.edns.is_some() { OPT_LENGTH } else { 0 };
        HEADER_LENGTH + self.wire.len() + n_octets + opt
    }
}

/// Types that are answered by what their RRset holds, and its additional section.
fn is_ordinary(record_type: RecordType) -> bool {
    use RecordType::{A, AAAA, CNAME, HTTPS, MX, NS, PTR, SOA, SRV, SVCB, TXT};
    matches!(record_type, A | AAAA | CNAME | HTTPS | MX | NS | PTR | SOA | SRV | SVCB | TXT)
}

/// The flags for our OPT record, if the client sent one, and how long the response may be.
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
