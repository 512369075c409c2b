//! A record's data from its tokens.
//!
//! Tokens become wire form by the table of formats, which keeps case and escapes, and are decoded as if
//! received from the network. Every type can be written as octets, `\# length hex` (RFC 3597 section 5);
//! octets of a known type must fit its format.

use hickory_proto::rr::{Name, RData, RecordType};

use super::fields;
use super::format::{self, Format};
use super::mistake::Mistake;
use super::mnemonic::mnemonic;
use super::text::Token;
use crate::dns::zone::decode_rdata;

/// The data of a record of `record_type`.
pub(super) fn rdata(
    record_type: RecordType,
    tokens: &[Token],
    origin: Option<&Name>,
) -> Result<RData, Mistake> {
    let wrong = |reason| Mistake::Data { record_type, reason };
    if is_meta(record_type) {
        return Err(Mistake::NotInZones(record_type));
    }
    let format = format::of(record_type);
    let octets = match tokens.split_first() {
        Some((token, octets)) if token.text == "\\#" && !token.is_quoted => {
            generic(record_type, format, octets).map_err(wrong)?
        }
        _ if is_made_by_signing(record_type) => return Err(Mistake::NotInZones(record_type)),
        _ => {
            let unknown = || wrong("a type without a format is written as octets: \\# 4 01020304".to_owned());
            fields::octets(record_type, &format.ok_or_else(unknown)?, tokens, origin)?
        }
    };
    format::check_together(record_type, &octets).map_err(wrong)?;
    decode_rdata(record_type, &octets).map_err(wrong)
}

/// Data written as octets, checked against the format if it is known.
fn generic(record_type: RecordType, format: Option<Format>, tokens: &[Token]) -> Result<Vec<u8>, String> {
    let shape = || "write octets as `\\# length hex`, for example \\# 4 01020304".to_owned();
    let (length, hex) = tokens.split_first().ok_or_else(shape)?;
    let length: u16 = length.text.parse().map_err(|_| shape())?;
    let digits = hex.iter().flat_map(|token| token.text.chars());
    let digits = digits.map(|digit| digit.to_digit(16)).collect::<Option<Vec<_>>>().ok_or_else(shape)?;
    if digits.len() != 2 * usize::from(length) {
        return Err(format!("the length is {length}, but there are {} octets", digits.len() as f64 / 2.0));
    }
    let octets: Vec<u8> = digits.chunks(2).map(|pair| (pair[0] * 16 + pair[1]) as u8).collect();
    if let Some(format) = format {
        let unfit =
            |reason| format!("the octets are not `{} {}`: {reason}", mnemonic(record_type), format.shape);
        format.check(&octets).map_err(unfit)?;
    }
    Ok(octets)
}

/// Whether the type exists only in questions and messages (RFC 6895 section 3.1), or is reserved.
fn is_meta(record_type: RecordType) -> bool {
    matches!(u16::from(record_type), 0 | 41 | 128..=255)
}

/// Whether a zone signer makes records of this type. They are accepted only as octets.
fn is_made_by_signing(record_type: RecordType) -> bool {
    matches!(
        record_type,
        RecordType::SIG | RecordType::RRSIG | RecordType::NSEC | RecordType::NSEC3 | RecordType::NSEC3PARAM
    )
}
