//! How much of a text is read.
//!
//! A manifest may come from anybody; going beyond one of these bounds is reported as a mistake.

/// The longest text, in bytes.
pub const TEXT_LENGTH_MAX: usize = 16 * 1024 * 1024;
/// The most documents in one text.
pub const DOCUMENTS_MAX: usize = 10_000;
/// How deep maps and lists may be nested.
pub const NESTING_MAX: usize = 100;
/// The most values in one text, with aliases expanded.
pub const NODES_MAX: usize = 1_000_000;
/// The most mistakes that are reported for one text.
pub const MISTAKES_MAX: usize = 500;
/// The longest message, in bytes; longer ones are cut.
pub const MESSAGE_LENGTH_MAX: usize = 4096;
