//! A master file's text as entries of tokens, without comments, parentheses and quotes. Escapes are kept.
//!
//! An entry is a line, or several lines in parentheses (RFC 1035 section 5.1).

use super::mistake::Mistake;

/// One word or one quoted string.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Token {
    /// As written, without the quotes.
    pub(super) text: String,
    /// Whether it was quoted.
    pub(super) is_quoted: bool,
    /// Whether it follows the token before it without a blank.
    pub(super) is_joined: bool,
}

/// A record or a directive; there is at least one token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    /// The line it begins on, from 1.
    pub(super) line: usize,
    /// Whether it begins with a blank, and so has the owner of the entry before it.
    pub(super) is_continued_owner: bool,
    pub(super) tokens: Vec<Token>,
}

/// The entries of `text`, up to the first mistake, which comes with its line.
pub(super) fn entries(text: &str) -> impl Iterator<Item = Result<Entry, (usize, Mistake)>> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut lines = text.lines().enumerate();
    let mut is_broken = false;
    std::iter::from_fn(move || {
        while !is_broken {
            let (index, line) = lines.next()?;
            let mut entry = Entry {
                line: index + 1,
                is_continued_owner: line.starts_with([' ', '\t']),
                tokens: Vec::new(),
            };
            let result = fill(&mut entry, line, &mut lines);
            is_broken = result.is_err();
            match result {
                Err(mistake) => return Some(Err(mistake)),
                Ok(()) if entry.tokens.is_empty() => {}
                Ok(()) => return Some(Ok(entry)),
            }
        }
        None
    })
}

/// Reads `line`, and as many of `lines` as its parentheses span.
fn fill<'a>(
    entry: &mut Entry,
    line: &'a str,
    lines: &mut impl Iterator<Item = (usize, &'a str)>,
) -> Result<(), (usize, Mistake)> {
    let mut opened_at = Vec::new();
    let mut place = (entry.line, line);
    loop {
        scan(place.1, place.0, &mut entry.tokens, &mut opened_at).map_err(|mistake| (place.0, mistake))?;
        let Some(opened) = opened_at.first() else { return Ok(()) };
        let (index, next) = lines.next().ok_or((*opened, Mistake::OpenParenthesis))?;
        place = (index + 1, next);
    }
}

fn scan(
    line: &str,
    number: usize,
    tokens: &mut Vec<Token>,
    opened_at: &mut Vec<usize>,
) -> Result<(), Mistake> {
    let mut rest = line;
    let mut is_after_token = false;
    loop {
        let is_joined = is_after_token && !rest.starts_with(char::is_whitespace);
        is_after_token = false;
        rest = rest.trim_start();
        let Some(first) = rest.chars().next() else { return Ok(()) };
        match first {
            ';' => return Ok(()),
            '(' => opened_at.push(number),
            ')' => {
                opened_at.pop().ok_or(Mistake::StrayParenthesis)?;
            }
            '"' => {
                let end = end_of(&rest[1..], |next| next == '"').ok_or(Mistake::OpenQuote)?;
                tokens.push(Token { text: rest[1..=end].to_owned(), is_quoted: true, is_joined });
                rest = &rest[end + 2..];
                is_after_token = true;
                continue;
            }
            _ => {
                let is_end = |next: char| next.is_whitespace() || ";()\"".contains(next);
                let end = end_of(rest, is_end).unwrap_or(rest.len());
                tokens.push(Token { text: rest[..end].to_owned(), is_quoted: false, is_joined });
                rest = &rest[end..];
                is_after_token = true;
                continue;
            }
        }
        rest = &rest[1..];
    }
}

/// The index of the first unescaped character that ends a token.
fn end_of(text: &str, is_end: impl Fn(char) -> bool) -> Option<usize> {
    let mut is_escaped = false;
    for (index, next) in text.char_indices() {
        if is_escaped {
            is_escaped = false;
        } else if next == '\\' {
            is_escaped = true;
        } else if is_end(next) {
            return Some(index);
        }
    }
    None
}
