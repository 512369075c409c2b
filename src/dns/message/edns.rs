//! What is put into our OPT record and taken out again: Extended DNS Errors, and how long it gets.
//!
//! An Extended DNS Error (RFC 8914) is an info code and a text. The text is for people: it is cut to
//! [`ERROR_TEXT_LENGTH_MAX`], and is the first to go when a message gets too long.

use hickory_proto::op::Edns;
use hickory_proto::rr::rdata::opt::EdnsOption;

use super::protocol::{OPT_LENGTH, OPTION_EXTENDED_ERROR, OPTION_HEAD_LENGTH};

/// The longest text of an Extended DNS Error, in octets. RFC 8914, 2 sets no limit but asks for brevity.
const ERROR_TEXT_LENGTH_MAX: usize = 255;
/// An Extended DNS Error that is its info code alone.
const INFO_CODE_LENGTH: usize = 2;

/// Adds an Extended DNS Error of this info code and text.
pub(crate) fn add_extended_error(edns: &mut Edns, code: u16, text: &str) {
    let mut option = code.to_be_bytes().to_vec();
    option.extend_from_slice(beginning(text, ERROR_TEXT_LENGTH_MAX).as_bytes());
    edns.options_mut().insert(EdnsOption::Unknown(OPTION_EXTENDED_ERROR, option));
}

/// The record without its Extended DNS Error. A cookie has to be in every response (RFC 7873, 5.2);
/// what explains an error need not be.
pub(super) fn without_extended_error(edns: &Edns) -> Edns {
    let mut bare = edns.clone();
    bare.options_mut().remove(OPTION_EXTENDED_ERROR.into());
    bare
}

/// The record with the info code of its Extended DNS Error alone; `None` if it has no such error.
pub(super) fn without_extended_text(edns: &Edns) -> Option<Edns> {
    let Some(EdnsOption::Unknown(_, error)) = edns.option(OPTION_EXTENDED_ERROR.into()) else { return None };
    let code = error.get(..INFO_CODE_LENGTH)?.to_vec();
    let mut shorter = without_extended_error(edns);
    shorter.options_mut().insert(EdnsOption::Unknown(OPTION_EXTENDED_ERROR, code));
    Some(shorter)
}

/// The length of the OPT record.
pub(super) fn opt_length(edns: &Edns) -> usize {
    let options = edns.options().as_ref().iter();
    OPT_LENGTH + options.map(|(_, option)| OPTION_HEAD_LENGTH + usize::from(option.len())).sum::<usize>()
}

/// As much of `text` as has at most `length_max` octets, in whole characters.
pub(crate) fn beginning(text: &str, length_max: usize) -> &str {
    let end = (0..=length_max.min(text.len())).rev().find(|end| text.is_char_boundary(*end));
    &text[..end.unwrap_or(0)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_of_an_extended_error_is_cut_between_characters() {
        assert_eq!(beginning("a\u{e4}", 2), "a");
        assert_eq!(beginning("a\u{e4}", 3), "a\u{e4}");
        assert_eq!(beginning("", 3), "");
    }
}
