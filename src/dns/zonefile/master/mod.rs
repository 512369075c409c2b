//! Master files (RFC 1035 section 5): text to zones, or the first mistake with its line.
//!
//! ```text
//!  text ──► text: entries of tokens ──► reader: owner, head: TTL, class, type ──► rdata ──► records ──► zone
//!                                                                                   │
//!                          format: the fields of each type ◄────────────────────────┤
//!                          fields, words, digits, svcb: tokens to wire form ◄───────┘
//! ```
//!
//! hickory's parser reports no line, reads decimal escapes as octal, lower-cases names in RDATA and drops
//! surplus text, so the text is parsed here. `$ORIGIN`, `$TTL` (RFC 2308 section 4) and `$INCLUDE` are
//! supported; the caller opens files. One file is one zone, whose apex is the owner of its SOA record;
//! parsing ends at the first mistake. Comments may hold any octets; everything else is UTF-8, with other
//! octets written as `\DDD`.

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
