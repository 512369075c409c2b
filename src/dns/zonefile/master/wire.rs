//! Stepping through RDATA in wire form, field by field.
//!
//! Each function returns the octets after a field, or why the field is malformed.

use crate::dns::message::name::{LABEL_OCTETS_MAX, NAME_OCTETS_MAX};

pub(super) fn too_early() -> String {
    "something is missing at the end".to_owned()
}

pub(super) fn after(octets: &[u8], length: usize) -> Result<&[u8], String> {
    octets.get(length..).ok_or_else(too_early)
}

pub(super) fn after_counted(octets: &[u8]) -> Result<&[u8], String> {
    let (length, rest) = octets.split_first().ok_or_else(too_early)?;
    after(rest, usize::from(*length))
}

/// Names in RDATA written as octets are uncompressed (RFC 3597 section 4).
pub(super) fn after_name(octets: &[u8]) -> Result<&[u8], String> {
    let mut rest = octets;
    loop {
        let length = *rest.first().ok_or_else(too_early)?;
        if usize::from(length) > LABEL_OCTETS_MAX {
            return Err("a label of a name is compressed, or longer than 63 octets".to_owned());
        }
        rest = after_counted(rest)?;
        if octets.len() - rest.len() > NAME_OCTETS_MAX {
            return Err("a name is longer than 255 octets".to_owned());
        }
        if length == 0 {
            return Ok(rest);
        }
    }
}

/// Checks a bitmap of types (RFC 4034 section 4.1.2).
pub(super) fn check_types(octets: &[u8]) -> Result<(), String> {
    const WINDOW_LENGTH_MAX: usize = 32;
    let (mut rest, mut last) = (octets, None);
    while let Some((window, counted)) = rest.split_first() {
        let after = after_counted(counted)?;
        let length = counted.len() - after.len() - 1;
        let is_padded = counted[length] == 0;
        if last >= Some(*window) || !(1..=WINDOW_LENGTH_MAX).contains(&length) || is_padded {
            return Err("the windows of its types must ascend and have 1 to 32 octets each, \
                        the last of them not 0"
                .to_owned());
        }
        (rest, last) = (after, Some(*window));
    }
    Ok(())
}
