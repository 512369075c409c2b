//! Octets written as digits: decimal numbers, hexadecimal, base64.
//!
//! Hexadecimal and base64 that end a record may be split by blanks (RFC 4034 sections 2.2 and 5.3).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::text::Token;

/// A decimal number up to `max`.
pub(super) fn number(text: &str, max: u32) -> Result<u32, String> {
    let is_digits = text.bytes().all(|octet| octet.is_ascii_digit());
    let number = text.parse().ok().filter(|number| is_digits && *number <= max);
    number.ok_or_else(|| format!("`{text}` is no number up to {max}"))
}

/// Hexadecimal, which may be split anywhere (RFC 4034 section 5.3).
pub(super) fn hex(tokens: &[Token]) -> Result<Vec<u8>, String> {
    let mut digits = Vec::new();
    for token in tokens {
        let read = token.text.chars().map(|digit| digit.to_digit(16)).collect::<Option<Vec<_>>>();
        digits.extend(
            read.ok_or_else(|| format!("`{}` is not hexadecimal; write digits and a to f", token.text))?,
        );
    }
    if digits.len() % 2 != 0 {
        return Err(format!("there are {} hexadecimal digits; one is missing", digits.len()));
    }
    Ok(digits.chunks(2).map(|pair| (pair[0] * 16 + pair[1]) as u8).collect())
}

/// Base64, which may be split anywhere (RFC 4034 section 2.2).
pub(super) fn base64(tokens: &[Token]) -> Result<Vec<u8>, String> {
    let is_letter = |letter: char| letter.is_ascii_alphanumeric() || "+/=".contains(letter);
    if let Some(wrong) = tokens.iter().find(|token| !token.text.chars().all(is_letter)) {
        return Err(format!("`{}` is not base64; write letters, digits, + and /", wrong.text));
    }
    let text: String = tokens.iter().map(|token| token.text.as_str()).collect();
    of_base64(&text)
}

/// The octets of padded base64.
pub(super) fn of_base64(text: &str) -> Result<Vec<u8>, String> {
    STANDARD.decode(text).map_err(|error| {
        format!("the base64 is not whole: {error}; it is a multiple of four letters, filled up with =")
    })
}
