//! What can be wrong with a master file: the file, the line, and what to write instead.
//!
//! Every message says what to do, since whoever reads it has the file open.

use std::fmt;
use std::sync::Arc;

use hickory_proto::rr::RecordType;

use super::mnemonic::mnemonic;
use crate::dns::zone::ZoneError;

/// Why a master file gives no zone.
#[derive(Debug, thiserror::Error)]
pub enum MasterError {
    /// A line is wrong.
    #[error("{file}:{line}: {mistake}")]
    Line {
        /// The file as it was named.
        file: String,
        /// The line, from 1; the first of an entry that spans several.
        line: usize,
        /// What is wrong there.
        mistake: Mistake,
    },
    /// There is no SOA record.
    #[error(
        "{file}: there is no SOA record; begin the zone with one, for example \
         `@ 3600 IN SOA ns hostmaster 1 7200 1800 86400 5`"
    )]
    NoSoa {
        /// The file as it was named.
        file: String,
    },
    /// The file or folder cannot be read.
    #[error("cannot read {file}: {source}")]
    Unreadable {
        /// The file or folder.
        file: String,
        /// The system's error.
        source: std::io::Error,
    },
}

/// What is wrong in a line of a master file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Mistake {
    /// A quote that is not closed.
    #[error("the quote that begins here is not closed on its line; close it with \"")]
    OpenQuote,
    /// Octets outside comments that are not UTF-8.
    #[error(
        "an octet that is not UTF-8 text; write it as \\DDD, three decimal digits, or save the file as UTF-8"
    )]
    NotText,
    /// A `(` that is not closed.
    #[error("the parenthesis that opens here is never closed; close it with )")]
    OpenParenthesis,
    /// A `)` without `(`.
    #[error("a closing parenthesis without an opening one; remove it")]
    StrayParenthesis,
    /// An unknown directive.
    #[error("{0} is not supported; use $ORIGIN, $TTL and $INCLUDE")]
    UnknownDirective(String),
    /// A directive with too few or too many words.
    #[error("write it as `{0}`")]
    Directive(&'static str),
    /// A relative name without an origin.
    #[error("`{0}` is relative but there is no origin; add $ORIGIN or end the name with a dot")]
    NoOrigin(String),
    /// Not a domain name.
    #[error("`{name}` is not a domain name: {reason}")]
    BadName {
        /// As it was written.
        name: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The first line begins with a blank, so it has no owner.
    #[error("the line begins with a blank, so it continues the owner before it, but there is none; name one")]
    NoOwner,
    /// A record without type.
    #[error("the record has no type; write `owner TTL IN TYPE data`")]
    NoType,
    /// Neither TTL nor class nor type.
    #[error("`{0}` is no TTL, class or type; for types without a name write TYPE<number>")]
    UnknownType(String),
    /// A class that is not served.
    #[error("class {0} is not served; use IN or leave the class out")]
    Class(String),
    /// No TTL and no default.
    #[error("the record has no TTL; add $TTL 3600 at the beginning of the file")]
    NoTtl,
    /// Not a TTL.
    #[error("`{0}` is no TTL; write seconds up to 2147483647, or 1h30m")]
    BadTtl(String),
    /// RDATA that does not fit its type.
    #[error("{} data: {reason}", mnemonic(*.record_type))]
    Data {
        /// The type.
        record_type: RecordType,
        /// What is wrong with it.
        reason: String,
    },
    /// A type that exists only in messages.
    #[error("{} records exist only in messages or are made by signing; remove the line", mnemonic(*.0))]
    NotInZones(RecordType),
    /// The record does not fit the zone.
    #[error("{0}")]
    Zone(Box<ZoneError>),
    /// A file that cannot be included.
    #[error("cannot include {path}: {reason}")]
    Include {
        /// As it was written.
        path: String,
        /// Why not.
        reason: String,
    },
}

/// A place in a master file, `file:line`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The file as it was named.
    pub file: Arc<str>,
    /// The line, from 1.
    pub line: usize,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file, self.line)
    }
}
