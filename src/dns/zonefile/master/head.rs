//! The words between a record's owner and data: TTL, class and type.
//!
//! TTL and class may come in either order and may be left out (RFC 1035 section 5.1); the first word that
//! is neither is the type. Only class IN is served.

use hickory_proto::rr::RecordType;
use hickory_proto::serialize::txt::parse_ttl;

use super::mistake::Mistake;
use super::text::Token;

/// RFC 2181 section 8: TTLs have 31 bits. Larger ones are refused instead of taken as zero.
const TTL_MAX_S: u32 = i32::MAX as u32;

/// The stated TTL, the type, and the remaining tokens, which are the data.
pub(super) fn ttl_and_type(tokens: &[Token]) -> Result<(Option<u32>, RecordType, &[Token]), Mistake> {
    let mut stated_ttl_s = None;
    for (index, token) in tokens.iter().enumerate() {
        let word = token.text.to_ascii_uppercase();
        match word.as_str() {
            "IN" | "CLASS1" => {}
            "CH" | "HS" | "CS" | "ANY" => return Err(Mistake::Class(word)),
            _ if is_numbered_class(&word) => return Err(Mistake::Class(word)),
            _ if stated_ttl_s.is_none() && word.starts_with(|first: char| first.is_ascii_digit()) => {
                stated_ttl_s = Some(ttl_s(&token.text)?);
            }
            _ => return Ok((stated_ttl_s, record_type(&word)?, &tokens[index + 1..])),
        }
    }
    Err(Mistake::NoType)
}

/// A class by number, `CLASS32` (RFC 3597 section 5).
fn is_numbered_class(word: &str) -> bool {
    word.strip_prefix("CLASS").is_some_and(|number| number.parse::<u16>().is_ok())
}

/// A type by its mnemonic in capitals, or as `TYPE65` (RFC 3597, section 5).
pub fn record_type(word: &str) -> Result<RecordType, Mistake> {
    let number = word.strip_prefix("TYPE").and_then(|number| number.parse::<u16>().ok());
    number
        .map(RecordType::from)
        .or_else(|| word.parse().ok())
        .ok_or_else(|| Mistake::UnknownType(word.to_owned()))
}

/// A TTL in seconds, or with units as in `1h30m`.
pub(super) fn ttl_s(word: &str) -> Result<u32, Mistake> {
    let bad = || Mistake::BadTtl(word.to_owned());
    parse_ttl(word).ok().filter(|ttl_s| *ttl_s <= TTL_MAX_S).ok_or_else(bad)
}
