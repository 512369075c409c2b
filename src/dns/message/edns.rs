//! Extended DNS Errors (RFC 8914) in our OPT records, and the length of an OPT record.
//!
//! The text of an error is meant for people. It is cut to [`ERROR_TEXT_LENGTH_MAX`], and omitted first if a
//! message gets too long (RFC 8914, section 3).

use hickory_proto::op::Edns;
use hickory_proto::rr::rdata::opt::EdnsOption;

use super::protocol::{OPT_LENGTH, OPTION_EXTENDED_ERROR, OPTION_HEAD_LENGTH};

/// Maximum length of the text, in octets; RFC 8914 sets no limit.
const ERROR_TEXT_LENGTH_MAX: usize = 255;
/// Length of the info code.
const INFO_CODE_LENGTH: usize = 2;

/// Adds an Extended DNS Error of this info code and text.
pub(crate) fn add_extended_error(edns: &mut Edns, code: u16, text: &str) {
    let mut option = code.to_be_bytes().to_vec();
    option.extend_from_slice(beginning(text, ERROR_TEXT_LENGTH_MAX).as_bytes());
    edns.options_mut().insert(EdnsOption::Unknown(OPTION_EXTENDED_ERROR, option));
}

/// The OPT record without Extended DNS Error. Other options stay: a cookie belongs into every response
/// (RFC 7873, 5.2).
pub(super) fn without_extended_error(edns: &Edns) -> Edns {
    let mut bare = edns.clone();
    bare.options_mut().remove(OPTION_EXTENDED_ERROR.into());
    bare
}

/// The OPT record with the Extended DNS Error reduced to its info code; `None` if it has no such error.
pub(super) fn without_extended_text(edns: &Edns) -> Option<Edns> {
    let Some(EdnsOption::Unknown(_, error)) = edns.option(OPTION_EXTENDED_ERROR.into()) else { return None };
    let code = error.get(..INFO_CODE_LENGTH)?.to_vec();
    let mut shorter = without_extended_error(edns);
    shorter.options_mut().insert(EdnsOption::Unknown(OPTION_EXTENDED_ERROR, code));
    Some(shorter)
}

/// Length of the OPT record, in octets.
pub(super) fn opt_length(edns: &Edns) -> usize {
    let options = edns.options().as_ref().iter();
    OPT_LENGTH + options.map(|(_, option)| OPTION_HEAD_LENGTH + usize::from(option.len())).sum::<usize>()
}

/// The longest prefix of `text` with at most `length_max` octets, in whole characters.
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
