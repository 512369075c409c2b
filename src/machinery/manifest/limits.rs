//! How much of a text is read.
//!
//! A manifest may come from anybody; going beyond one of these bounds is reported as a mistake. Octets
//! bound what is held of a text, values what its aliases unfold to, objects what is made of it. The
//! documents of a text are read one after another, so only the largest of them is held as a tree.

/// The longest text, in bytes.
pub const TEXT_LENGTH_MAX: usize = 64 * 1024 * 1024;
/// The most objects in one text: its documents, empty ones too, and the items of its lists.
pub const OBJECTS_MAX: usize = 100_000;
/// How deep maps and lists may be nested.
pub const NESTING_MAX: usize = 100;
/// The most values in one text, with aliases expanded.
pub const NODES_MAX: usize = 4_000_000;
/// The most mistakes that are reported for one text.
pub const MISTAKES_MAX: usize = 500;
/// The longest message, in bytes; longer ones are cut.
pub const MESSAGE_LENGTH_MAX: usize = 4096;
