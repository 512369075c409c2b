//! Paths within tokens that have no grammar: what macros and attributes are given.

use proc_macro2::{Ident, TokenStream, TokenTree};

use crate::read::Mention;

/// Every path, and every name that stands alone.
pub(crate) fn paths(tokens: TokenStream, found: &mut Vec<Mention>) {
    let trees: Vec<TokenTree> = tokens.into_iter().collect();
    let mut i = 0;
    while i < trees.len() {
        match &trees[i] {
            TokenTree::Group(group) => paths(group.stream(), found),
            TokenTree::Ident(first) if begins_path(first, &trees[..i]) => {
                let segments = segments(&trees[i..]);
                i += 3 * (segments.len() - 1);
                found.push(Mention { line: first.span().start().line, path: segments });
            }
            _ => {}
        }
        i += 1;
    }
}

/// The paths that strings of an attribute are: `serde(with = "crate::objects::time")`.
pub(crate) fn quoted_paths(tokens: TokenStream, found: &mut Vec<Mention>) {
    for tree in tokens {
        if let TokenTree::Group(group) = &tree {
            quoted_paths(group.stream(), found);
        } else if let Some(path) = quoted(&tree.to_string()) {
            found.push(Mention { line: tree.span().start().line, path });
        }
    }
}

/// Not after `.` (a field or method), `'` (a lifetime), `$` (a macro's variable, but for `$crate`),
/// or the `>::` of generics.
fn begins_path(name: &Ident, before: &[TokenTree]) -> bool {
    let marks = before.iter().rev().map_while(|tree| match tree {
        TokenTree::Punct(mark) => Some(mark.as_char()),
        _ => None,
    });
    let marks: String = marks.take(3).collect();
    match marks.chars().next() {
        Some('.') => marks.starts_with(".."),
        Some('\'') => false,
        Some('$') => name == "crate",
        _ => !marks.starts_with("::>"),
    }
}

/// The names of the path that begins here.
fn segments(trees: &[TokenTree]) -> Vec<String> {
    let is_colon = |tree: &TokenTree| matches!(tree, TokenTree::Punct(mark) if mark.as_char() == ':');
    let mut segments = Vec::new();
    let mut rest = trees;
    while let Some(TokenTree::Ident(name)) = rest.first() {
        segments.push(plain(name));
        match rest.get(1..3) {
            Some(colons) if colons.iter().all(is_colon) => rest = &rest[3..],
            _ => break,
        }
    }
    segments
}

/// A name without the mark of a raw one.
pub(crate) fn plain(name: &Ident) -> String {
    let name = name.to_string();
    name.strip_prefix("r#").map_or(name.clone(), str::to_owned)
}

/// The path that a string is, if it has more than one segment.
fn quoted(literal: &str) -> Option<Vec<String>> {
    let text = literal.strip_prefix('"')?.strip_suffix('"')?;
    let is_name = |name: &str| {
        name.starts_with(|c: char| c.is_alphabetic() || c == '_')
            && name.chars().all(|c| c.is_alphanumeric() || c == '_')
    };
    let segments: Vec<_> = text.split("::").map(str::to_owned).collect();
    (segments.len() > 1 && segments.iter().all(|name| is_name(name))).then_some(segments)
}
