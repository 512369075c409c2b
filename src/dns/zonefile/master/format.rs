//! The format of each type's data, in text and in wire form.
//!
//! One table describes both, so that data written as fields and data written as octets obey the same
//! rules. Data of other types can only be written as octets (RFC 3597).

use hickory_proto::rr::RecordType;

use super::svcb;
use super::wire::{after, after_counted, after_name, check_types};

/// The format of a type's data.
pub(super) struct Format {
    pub(super) fields: &'static [Field],
    /// How it is written.
    pub(super) shape: &'static str,
}

/// A part of the data. The fields from [`Field::Texts`] on take all remaining tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Field {
    Ipv4,
    Ipv6,
    U8,
    U16,
    U32,
    /// A time, which may have units.
    Seconds,
    Name,
    /// A character-string.
    Text,
    /// A character-string of letters and digits.
    Flags,
    /// The tag of a CAA record: letters and digits after their length.
    Property,
    /// A DNSSEC algorithm: a number or a mnemonic.
    Algorithm,
    /// The type of a CERT record: a number or a mnemonic.
    CertificateType,
    /// Octets after their length, in NSEC3 and NSEC3PARAM.
    Counted,
    /// One character-string or more.
    Texts,
    /// One token, without a length in wire form.
    Value,
    Hex,
    Base64,
    /// Base64, or nothing: a KEY record may state that there is no key.
    Key,
    /// A bitmap of types.
    Types,
    /// Service parameters of SVCB and HTTPS.
    Parameters,
}

use Field::*;

/// The format of a type, if there is one.
pub(super) fn of(record_type: RecordType) -> Option<Format> {
    let data = |shape, fields: &'static [Field]| Format { fields, shape };
    Some(match record_type {
        RecordType::A => data("192.0.2.1", &[Ipv4]),
        RecordType::AAAA => data("2001:db8::1", &[Ipv6]),
        RecordType::CNAME | RecordType::NS | RecordType::PTR | RecordType::DNAME | RecordType::ANAME => {
            data("name", &[Name])
        }
        RecordType::MX => data("preference name", &[U16, Name]),
        RecordType::SRV => data("priority weight port name", &[U16, U16, U16, Name]),
        RecordType::SOA => data(
            "ns hostmaster serial refresh retry expire minimum",
            &[Name, Name, U32, Seconds, Seconds, Seconds, Seconds],
        ),
        RecordType::TXT => data("\"text\"", &[Texts]),
        RecordType::HINFO => data("\"cpu\" \"os\"", &[Text, Text]),
        RecordType::CAA => data("flags tag \"value\"", &[U8, Property, Value]),
        RecordType::NAPTR => data(
            "order preference \"flags\" \"services\" \"regexp\" replacement",
            &[U16, U16, Flags, Text, Text, Name],
        ),
        RecordType::CERT => data("type tag algorithm base64", &[CertificateType, U16, Algorithm, Base64]),
        RecordType::DS | RecordType::CDS => data("tag algorithm digest-type hex", &[U16, Algorithm, U8, Hex]),
        RecordType::DNSKEY | RecordType::CDNSKEY => {
            data("flags protocol algorithm base64", &[U16, U8, Algorithm, Base64])
        }
        RecordType::KEY => data("flags protocol algorithm base64", &[U16, U8, Algorithm, Key]),
        RecordType::OPENPGPKEY => data("base64", &[Base64]),
        RecordType::SSHFP => data("algorithm fingerprint-type hex", &[U8, U8, Hex]),
        RecordType::TLSA | RecordType::SMIMEA => data("usage selector matching-type hex", &[U8, U8, U8, Hex]),
        RecordType::SVCB | RecordType::HTTPS => data("priority name key=value ...", &[U16, Name, Parameters]),
        RecordType::CSYNC => data("serial flags type ...", &[U32, U16, Types]),
        RecordType::RRSIG | RecordType::SIG => data(
            "type algorithm labels ttl expiration inception tag signer base64",
            &[U16, Algorithm, U8, U32, U32, U32, U16, Name, Base64],
        ),
        RecordType::NSEC => data("next type ...", &[Name, Types]),
        RecordType::NSEC3 => {
            data("algorithm flags iterations salt next type ...", &[U8, U8, U16, Counted, Counted, Types])
        }
        RecordType::NSEC3PARAM => data("algorithm flags iterations salt", &[U8, U8, U16, Counted]),
        _ => return None,
    })
}

impl Format {
    /// Checks data in wire form.
    pub(super) fn check(&self, octets: &[u8]) -> Result<(), String> {
        let mut rest = octets;
        for field in self.fields {
            rest = field.skip(rest)?;
        }
        if rest.is_empty() { Ok(()) } else { Err(format!("there are {} too many", rest.len())) }
    }
}

impl Field {
    /// Whether it may be omitted.
    pub(super) fn is_optional(self) -> bool {
        matches!(self, Key | Types | Parameters)
    }

    /// Checks a field of letters and digits (RFC 3403 section 4.1, RFC 8659 section 4.1).
    pub(super) fn check_letters(self, letters: &[u8]) -> Result<(), String> {
        const PROPERTY_LENGTH_MAX: usize = 15;
        let is_alphanumeric = letters.iter().all(u8::is_ascii_alphanumeric);
        match self {
            Flags if !is_alphanumeric => Err("flags are letters and digits, for example u".to_owned()),
            Property if !is_alphanumeric || !(1..=PROPERTY_LENGTH_MAX).contains(&letters.len()) => {
                Err("a tag is 1 to 15 letters and digits, for example issue".to_owned())
            }
            _ => Ok(()),
        }
    }

    /// The octets after it.
    fn skip(self, octets: &[u8]) -> Result<&[u8], String> {
        match self {
            U8 | Algorithm => after(octets, 1),
            U16 | CertificateType => after(octets, 2),
            Ipv4 | U32 | Seconds => after(octets, 4),
            Ipv6 => after(octets, 16),
            Text | Counted => after_counted(octets),
            Name => after_name(octets),
            Flags | Property => {
                let rest = after_counted(octets)?;
                self.check_letters(&octets[1..octets.len() - rest.len()])?;
                Ok(rest)
            }
            Texts => {
                let mut rest = after_counted(octets)?;
                while !rest.is_empty() {
                    rest = after_counted(rest)?;
                }
                Ok(rest)
            }
            Hex | Base64 => after(octets, octets.len().max(1)),
            Value | Key => Ok(&[]),
            Types => check_types(octets).map(|()| &[][..]),
            Parameters => svcb::check(octets).map(|()| &[][..]),
        }
    }
}

/// Checks rules between the fields of a type.
pub(super) fn check_together(record_type: RecordType, octets: &[u8]) -> Result<(), String> {
    match (record_type, octets) {
        // RFC 4034 section 5.1.4, RFC 4509 section 2.1, RFC 6605 section 2.
        (RecordType::DS | RecordType::CDS, [_, _, _, digest_type @ (1 | 2 | 4), digest @ ..]) => {
            check_digest(*digest_type, digest)
        }
        // RFC 4255 section 3.1.2, RFC 6594 section 4.1.
        (RecordType::SSHFP, [_, digest_type @ (1 | 2), digest @ ..]) => check_digest(*digest_type, digest),
        // RFC 2535 section 3.1.2.
        (RecordType::KEY, [flags, _, _, _]) if flags >> 6 != 0b11 => {
            Err("the key is missing; flags without one are 49152 and above".to_owned())
        }
        // RFC 7477 section 2.1.1.2.
        (RecordType::CSYNC, [_, _, _, _, high, low, ..]) if *high > 0 || *low > 3 => {
            Err("its flags are 0 to 3: 1 for immediate, 2 for soaminimum".to_owned())
        }
        _ => Ok(()),
    }
}

/// Checks the length of a digest: SHA-1, SHA-256 or SHA-384.
fn check_digest(digest_type: u8, digest: &[u8]) -> Result<(), String> {
    let length = match digest_type {
        1 => 20,
        2 => 32,
        _ => 48,
    };
    let n_octets = digest.len();
    match n_octets == length {
        true => Ok(()),
        false => Err(format!("a digest of type {digest_type} has {length} octets, but there are {n_octets}")),
    }
}
