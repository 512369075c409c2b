//! Names and character-strings as they are written: undoes escapes (RFC 1035 section 5.1).
//!
//! `\DDD` is the octet with this decimal number, `\X` the character X itself.

use hickory_proto::rr::Name;

use super::mistake::Mistake;
use super::text::Token;

const CHARACTER_STRING_LENGTH_MAX: usize = 255;

/// The name in `token`, completed with `origin` if it is relative.
pub(super) fn name(token: &Token, origin: Option<&Name>) -> Result<Name, Mistake> {
    let bad = |reason| Mistake::BadName { name: token.text.clone(), reason };
    let no_origin = || Mistake::NoOrigin(token.text.clone());
    if token.text == "@" {
        return origin.cloned().ok_or_else(no_origin);
    }
    if token.text == "." {
        return Ok(Name::root());
    }
    let (mut labels, is_absolute) = labels(&token.text).map_err(bad)?;
    if !is_absolute {
        labels.extend(origin.ok_or_else(no_origin)?.iter().map(<[u8]>::to_vec));
    }
    let too_long = "it has more than 255 octets, or a label of more than 63";
    let mut name = Name::from_labels(labels.iter().map(Vec::as_slice)).map_err(|_| bad(too_long))?;
    name.set_fqdn(true);
    Ok(name)
}

/// The labels of a name as written, and whether it ends with a dot.
fn labels(written: &str) -> Result<(Vec<Vec<u8>>, bool), &'static str> {
    let mut labels = vec![Vec::new()];
    let mut rest = written;
    while let Some((octet, after)) = next_octet(rest)? {
        let is_separator = octet == b'.' && rest.starts_with('.');
        match labels.last_mut() {
            Some(label) if !is_separator => label.push(octet),
            Some(label) if label.is_empty() => return Err("a label is empty"),
            _ => labels.push(Vec::new()),
        }
        rest = after;
    }
    let is_absolute = labels.last().is_some_and(Vec::is_empty);
    if is_absolute {
        labels.pop();
    }
    Ok((labels, is_absolute))
}

/// The first octet of `text`, unescaped, and the rest.
fn next_octet(text: &str) -> Result<Option<(u8, &str)>, &'static str> {
    let octets = text.as_bytes();
    let escape = "a backslash is followed by three digits up to 255 or by one other character";
    match octets {
        [] => Ok(None),
        [b'\\', one, two, three, ..] if one.is_ascii_digit() => {
            let digits = [*one, *two, *three];
            let value = std::str::from_utf8(&digits).ok().and_then(|digits| digits.parse().ok());
            Ok(Some((value.ok_or(escape)?, &text[4..])))
        }
        [b'\\', one, ..] if one.is_ascii() && !one.is_ascii_digit() => Ok(Some((*one, &text[2..]))),
        [b'\\', ..] => Err(escape),
        [octet, ..] if octet.is_ascii() => Ok(Some((*octet, &text[1..]))),
        _ => Err("it is not ASCII; write international names as xn--, other octets as \\DDD"),
    }
}

/// A character-string of at most 255 octets (RFC 1035 section 3.3).
pub(super) fn character_string(text: &str) -> Result<Vec<u8>, String> {
    let octets = octets(text)?;
    if octets.len() > CHARACTER_STRING_LENGTH_MAX {
        return Err(format!(
            "a string of {} octets; split it into \"...\" \"...\" of at most 255",
            octets.len()
        ));
    }
    Ok(octets)
}

/// Text of any length; characters beyond ASCII stay as they are in UTF-8.
pub(super) fn octets(text: &str) -> Result<Vec<u8>, String> {
    let mut octets = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        if first.is_ascii() {
            let (octet, after) = next_octet(rest)?.expect("there is text left");
            octets.push(octet);
            rest = after;
        } else {
            octets.extend_from_slice(&rest.as_bytes()[..first.len_utf8()]);
            rest = &rest[first.len_utf8()..];
        }
    }
    Ok(octets)
}
