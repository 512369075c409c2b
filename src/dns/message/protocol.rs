//! The numbers of the DNS protocol, each once: lengths, header flags, EDNS options, EDE info codes.
//!
//! Types, classes, opcodes and rcodes are `hickory-proto`'s. Lengths are in octets. Where an RFC
//! leaves a number to the server, the choice is argued beside it.

/// The header (RFC 1035, 4.1.1).
pub(crate) const HEADER_LENGTH: usize = 12;
/// QTYPE and QCLASS, behind the QNAME.
pub(crate) const TYPE_AND_CLASS_LENGTH: usize = 4;
/// Type, class, TTL and RDLENGTH of a record, between its owner and its RDATA.
pub(crate) const RECORD_FIXED_LENGTH: usize = 10;
/// The longest name in wire form (RFC 1035, 2.3.4).
pub const NAME_OCTETS_MAX: usize = 255;
/// The longest label (RFC 1035, 2.3.4).
pub const LABEL_OCTETS_MAX: usize = 63;
/// The longest character string, as in TXT (RFC 1035, 3.3).
pub(crate) const CHARACTER_STRING_LENGTH_MAX: usize = 255;

/// The longest UDP response, and the payload size that our OPT record offers. RFC 6891, 6.2.5 leaves
/// the size to the server, RFC 9715 recommends 1400 at most. 1232 fits into the minimum MTU of IPv6 (1280),
/// so that no link fragments it.
pub const DATAGRAM_LENGTH_MAX: u16 = 1232;
/// The longest UDP response to a client without EDNS (RFC 1035, 4.2.1), and the least payload size
/// that counts (RFC 6891, 6.2.3).
pub(crate) const DATAGRAM_LENGTH_MAX_WITHOUT_EDNS: u16 = 512;
/// The longest message of all other transports: what a 16-bit length field can announce.
pub(crate) const MESSAGE_LENGTH_MAX: u16 = u16::MAX;

/// Header flags: those of the first octet.
pub(crate) const QR: u8 = 0x80;
/// Authoritative answer.
pub(crate) const AA: u8 = 0x04;
/// Truncation.
pub(crate) const TC: u8 = 0x02;
/// Recursion desired.
pub(crate) const RD: u8 = 0x01;
/// Header flags: those of the second octet. Recursion available.
pub(crate) const RA: u8 = 0x80;
/// Authentic data.
pub(crate) const AD: u8 = 0x20;
/// Checking disabled.
pub(crate) const CD: u8 = 0x10;
/// DNSSEC OK, in the flags of an OPT record (RFC 6891, 6.1.4).
pub(crate) const DO: u16 = 0x8000;

/// The two high bits of a compression pointer (RFC 1035, 4.1.4).
pub(crate) const POINTER: u16 = 0xC000;
/// Offsets from here on do not fit in a compression pointer.
pub(crate) const POINTER_TARGET_END: usize = 0x4000;
/// Length octets from here on begin a compression pointer.
pub(crate) const POINTER_OCTET: u8 = POINTER.to_be_bytes()[0];

/// An OPT record without options.
pub(crate) const OPT_LENGTH: usize = 11;
/// How our OPT records begin if there is no extended rcode: the root as owner, type 41, payload size,
/// extended rcode and version 0. Flags and RDLENGTH follow.
pub(crate) const OPT_BEGINNING: [u8; 7] =
    [0, 0, 41, DATAGRAM_LENGTH_MAX.to_be_bytes()[0], DATAGRAM_LENGTH_MAX.to_be_bytes()[1], 0, 0];
/// Code and length of an EDNS option (RFC 6891, 6.1.2).
pub(crate) const OPTION_HEAD_LENGTH: usize = 4;
/// Name server identifier (RFC 5001).
pub(crate) const OPTION_NSID: u16 = 3;
/// DNS cookie (RFC 7873).
pub(crate) const OPTION_COOKIE: u16 = 10;
/// edns-tcp-keepalive (RFC 7828).
pub(crate) const OPTION_KEEPALIVE: u16 = 11;
/// Padding (RFC 7830).
pub(crate) const OPTION_PADDING: u16 = 12;
/// Extended DNS Error (RFC 8914).
pub(crate) const OPTION_EXTENDED_ERROR: u16 = 15;

/// The client's part of a cookie (RFC 7873, 4.1).
pub(crate) const CLIENT_COOKIE_LENGTH: usize = 8;
/// A cookie with the shortest server's part.
pub(crate) const COOKIE_LENGTH_MIN: usize = 16;
/// A cookie with the longest server's part.
pub(crate) const COOKIE_LENGTH_MAX: usize = 40;
/// Responses are padded to a multiple of this (RFC 8467, 4.1 recommends it to servers).
pub const PADDING_BLOCK: usize = 468;

/// EDE "Other": no info code says it better (RFC 8914, 4.1).
pub(crate) const EDE_OTHER: u16 = 0;
/// EDE "Cached Error": the same question failed a moment ago (RFC 8914, 4.14).
pub(crate) const EDE_CACHED_ERROR: u16 = 13;
/// EDE "Not Ready": the server has not read everything yet (RFC 8914, 4.15).
pub(crate) const EDE_NOT_READY: u16 = 14;
/// EDE "Prohibited": this client may not (RFC 8914, 4.19).
pub(crate) const EDE_PROHIBITED: u16 = 18;
/// EDE "Not Authoritative": no zone of ours holds the name (RFC 8914, 4.21).
pub(crate) const EDE_NOT_AUTHORITATIVE: u16 = 20;
/// EDE "Not Supported": the operation or query is not offered here (RFC 8914, 4.22).
pub(crate) const EDE_NOT_SUPPORTED: u16 = 21;
/// EDE "No Reachable Authority": no upstream could be reached (RFC 8914, 4.23).
pub(crate) const EDE_NO_REACHABLE_AUTHORITY: u16 = 22;
/// EDE "Network Error": an upstream was reached and gave no usable answer (RFC 8914, 4.24).
pub(crate) const EDE_NETWORK_ERROR: u16 = 23;
