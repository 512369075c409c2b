//! Templates that were not rendered: the files of a Helm chart, as they are in its folder.
//!
//! `{{` is allowed in the text of a field, so it is told only where something is wrong: in a document
//! that is not YAML, and on the line of a mistake.

/// What a template that was not rendered is told.
pub(super) const MESSAGE: &str =
    "this is a template that was not rendered (\"{{\"); use what \"helm template\" prints of its chart";

/// The lines of a document, which begins on `first_line`, that have `{{`.
pub(super) fn lines(text: &str, first_line: usize) -> Vec<usize> {
    if !text.contains("{{") {
        return Vec::new();
    }
    let lines = text.lines().enumerate().filter(|(_, line)| line.contains("{{"));
    lines.map(|(index, _)| first_line + index).collect()
}
