//! Splits a text into its documents before any of them is parsed.
//!
//! `---` at the beginning of a line ends a document anywhere, even within quotes (YAML 1.2.2, section
//! 9.1.2). Splitting there first confines a syntax error to its own document.

use std::borrow::Cow;

/// The text of one document, and the line it begins on.
pub(super) struct Chunk<'a> {
    pub(super) line: usize,
    pub(super) text: Cow<'a, str>,
}

/// The text without byte order mark and with line feeds alone.
pub(super) fn normalize(text: &str) -> Cow<'_, str> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if text.contains('\r') {
        Cow::Owned(text.replace("\r\n", "\n").replace('\r', "\n"))
    } else {
        Cow::Borrowed(text)
    }
}

/// The documents of a normalized text; those with only directives and comments are left out.
pub(super) fn chunks(text: &str) -> impl Iterator<Item = Chunk<'_>> {
    let mut rest = Some((text, 1));
    std::iter::from_fn(move || {
        loop {
            let (text, line) = rest?;
            let (chunk, after) = first_document(text);
            let n_lines = chunk.bytes().filter(|byte| *byte == b'\n').count();
            rest = (!after.is_empty()).then_some((after, line + n_lines));
            if !is_void(chunk) {
                return Some(Chunk { line, text: plain_json(chunk) });
            }
        }
    })
}

/// The text up to the next document, and the rest.
fn first_document(text: &str) -> (&str, &str) {
    let mut offset = 0;
    for line in text.split_inclusive('\n') {
        if is_separator(line) && offset > 0 {
            break;
        }
        offset += line.len();
    }
    text.split_at(offset)
}

fn is_separator(line: &str) -> bool {
    line.strip_prefix("---").is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '\t', '\n']))
}

fn is_void(text: &str) -> bool {
    text.lines().all(|line| {
        let line = line.trim_start();
        line.is_empty() || line.starts_with('#') || line.starts_with('%')
    })
}

/// Rewrites JSON that YAML does not accept: tabs between tokens, and escaped surrogates.
fn plain_json(text: &str) -> Cow<'_, str> {
    let is_json = text.trim_start().starts_with(['{', '[']) && (text.contains('\t') || text.contains("\\u"));
    if !is_json || serde_json::from_str::<serde::de::IgnoredAny>(text).is_err() {
        return Cow::Borrowed(text);
    }
    // A string of JSON contains no tab: it would have to be escaped.
    Cow::Owned(join_surrogates(&text.replace('\t', " ")))
}

fn join_surrogates(text: &str) -> String {
    let mut joined = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        let unit = |from: usize| {
            let digits = rest.get(at + from..at + from + 6)?.strip_prefix("\\u")?;
            u16::from_str_radix(digits, 16).ok()
        };
        let pair = [unit(0), unit(6)].into_iter().flatten();
        let character = char::decode_utf16(pair).next().and_then(Result::ok);
        match character.filter(|character| character.len_utf16() == 2) {
            Some(character) => {
                joined.push_str(&rest[..at]);
                joined.push_str(&format!("\\U{:08x}", u32::from(character)));
                rest = &rest[at + 12..];
            }
            None => {
                let end = rest[at + 1..].chars().next().map_or(at + 1, |c| at + 1 + c.len_utf8());
                joined.push_str(&rest[..end]);
                rest = &rest[end..];
            }
        }
    }
    joined + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &[(usize, &str)]) {
        let text = normalize(text);
        let found: Vec<_> = chunks(&text).map(|chunk| (chunk.line, chunk.text.to_string())).collect();
        let expected: Vec<_> = expected.iter().map(|(line, text)| (*line, (*text).to_owned())).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn a_text_is_cut_where_a_document_begins() {
        check("a: 1\n---\nb: 2\n", &[(1, "a: 1\n"), (2, "---\nb: 2\n")]);
        check("\u{feff}---\r\na: 1\r\n--- # next\r\nb: 2", &[(1, "---\na: 1\n"), (3, "--- # next\nb: 2")]);
        check("%YAML 1.2\n---\na: ---b\n", &[(2, "---\na: ---b\n")]);
        check("# only\n\n", &[]);
        check("a: |\n  ---\n  b\n", &[(1, "a: |\n  ---\n  b\n")]);
    }

    #[test]
    fn json_is_made_readable_as_yaml() {
        check(
            "{\n\t\"a\": \"\\ud83d\\ude00 \\u00e4 \\\\\"}",
            &[(1, "{\n \"a\": \"\\U0001f600 \\u00e4 \\\\\"}")],
        );
        check("{\"a\": \"\t\"}", &[(1, "{\"a\": \"\t\"}")]);
    }
}
