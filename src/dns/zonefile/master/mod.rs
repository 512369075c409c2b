//! Master files (RFC 1035, section 5): text to zones, and what is wrong where.
//!
//! ```text
//!  text ──► text: entries of tokens ──► reader: owner, head: TTL, class, type ──► rdata ──► records ──► zone
//!                                                                                   │
//!                          format: the fields of each type ◄────────────────────────┤
//!                          fields, words, digits, svcb: tokens to wire form ◄───────┘
//! ```
//!
//! hickory's parser names no line, reads decimal escapes as octal, lower-cases names in RDATA and
//! drops surplus text, so all of the text is read here. `$ORIGIN`, `$TTL` and `$INCLUDE` are
//! known; files are opened by the caller, not here. One file is one zone, whose apex is the owner of
//! its SOA record; the first mistake ends the reading. Files are octets: a comment may hold any, what
//! is not a comment is UTF-8, other octets written as `\DDD`.

mod digits;
mod fields;
mod format;
mod head;
mod mistake;
mod mnemonic;
mod rdata;
mod reader;
mod svcb;
mod text;
mod wire;
mod words;
mod zone;

pub use head::record_type;
pub use mistake::{MasterError, Mistake, Place};
pub(super) use reader::Included;
pub use zone::parse_zone;
pub(super) use zone::{PlacedZone, parse_zone_with};

#[cfg(test)]
mod tests;
