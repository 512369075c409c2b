//! Master files (RFC 1035, section 5): text to zones, and what is wrong where.
//!
//! ```text
//!  text ──► text.rs: entries of tokens ──► owner, TTL, class, type ──► rdata.rs ──► records ──► Zone
//!                                                                       │
//!              format.rs: the fields of each type ◄────────────────────┤
//!              fields.rs, words.rs, service.rs: tokens to wire form ◄──┘
//! ```
//!
//! hickory's parser names no line, reads decimal escapes as octal, lower-cases names in RDATA and
//! drops what is too much, so all of the text is read here. `$ORIGIN`, `$TTL` and `$INCLUDE` are
//! known; files are opened by the caller, not here. One file is one zone, whose apex is the owner of
//! its SOA record; the first mistake ends the reading. Files are octets: a comment may hold any, what
//! is not a comment is UTF-8, other octets written as `\DDD`.

mod fields;
mod format;
mod rdata;
mod service;
mod text;
mod words;

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use hickory_proto::rr::{Name, RData, Record, RecordType};
use hickory_proto::serialize::txt::parse_ttl;

use self::text::{Entry, Token};
use crate::dns::zone::{Zone, ZoneError};

/// How deep `$INCLUDE` may nest; a file that includes itself ends here.
const INCLUDE_DEPTH_MAX: usize = 8;
/// RFC 2181, section 8.
const TTL_MAX_S: u32 = i32::MAX as u32;

/// Why a master file is no zone.
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
        /// What the system says.
        source: std::io::Error,
    },
}

/// What is wrong in a line of a master file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Mistake {
    /// A `"` without its other half.
    #[error("the quote that begins here is not closed on its line; close it with \"")]
    OpenQuote,
    /// Octets outside of comments that are no text.
    #[error(
        "an octet that is not UTF-8 text; write it as \\DDD, three decimal digits, or save the file as UTF-8"
    )]
    NotText,
    /// A `(` without its other half.
    #[error("the parenthesis that opens here is never closed; close it with )")]
    OpenParenthesis,
    /// A `)` without its other half.
    #[error("a closing parenthesis without an opening one; remove it")]
    StrayParenthesis,
    /// A `$` line that is not known.
    #[error("{0} is not supported; use $ORIGIN, $TTL and $INCLUDE")]
    UnknownDirective(String),
    /// A `$` line with too few or too many words.
    #[error("write it as `{0}`")]
    Directive(&'static str),
    /// A relative name and nothing to complete it with.
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
    /// A line that begins with a blank and is the first.
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
    /// The record and others make no zone.
    #[error("{0}")]
    Zone(Box<ZoneError>),
    /// Another file that cannot be included.
    #[error("cannot include {path}: {reason}")]
    Include {
        /// As it was written.
        path: String,
        /// Why not.
        reason: String,
    },
}

/// The zone that `text` describes. `file` is what mistakes are reported under; `origin` completes
/// relative names until the text says otherwise. `$INCLUDE` is refused.
pub fn parse_zone(file: &str, text: &str, origin: Option<Name>) -> Result<Zone, MasterError> {
    let no_include = |_: &str| Err("there is no folder to include from".into());
    Ok(parse_zone_with(file, text, origin, &no_include)?.zone)
}

/// A file that `$INCLUDE` names.
pub(super) struct Included {
    /// What mistakes in it are reported under.
    pub(super) file: String,
    /// What it holds.
    pub(super) octets: Vec<u8>,
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

/// A zone and where its SOA record stands.
#[derive(Clone, Debug)]
pub(super) struct PlacedZone {
    pub(super) zone: Zone,
    pub(super) soa_at: Place,
}

/// Like [`parse_zone`], of octets; `include` gives an included file or says why it does not.
pub(super) fn parse_zone_with(
    file: &str,
    octets: impl AsRef<[u8]>,
    origin: Option<Name>,
    include: &dyn Fn(&str) -> Result<Included, String>,
) -> Result<PlacedZone, MasterError> {
    let records = parse_records(file, octets, origin, include)?;
    let is_soa = |placed: &&Placed| placed.record.record_type() == RecordType::SOA;
    let Some(soa) = records.iter().find(is_soa) else {
        return Err(MasterError::NoSoa { file: file.to_owned() });
    };
    let soa_at = Place { file: soa.file.clone(), line: soa.line };
    let apex = soa.record.name.clone();
    let all = records.iter().map(|placed| placed.record.clone());
    let zone = Zone::from_records_in_order(apex, all).map_err(|(index, error)| {
        let Placed { file, line, .. } = &records[index];
        MasterError::Line { file: file.to_string(), line: *line, mistake: Mistake::Zone(Box::new(error)) }
    })?;
    Ok(PlacedZone { zone, soa_at })
}

/// A record and where it was read.
struct Placed {
    record: Record,
    file: Arc<str>,
    line: usize,
}

fn parse_records(
    file: &str,
    octets: impl AsRef<[u8]>,
    origin: Option<Name>,
    include: &dyn Fn(&str) -> Result<Included, String>,
) -> Result<Vec<Placed>, MasterError> {
    let mut reader =
        Reader { include, origin, owner: None, default_ttl_s: None, last_ttl_s: None, records: Vec::new() };
    reader.read(file, octets.as_ref(), 0)?;
    Ok(reader.records)
}

/// What one entry leaves to the next.
struct Reader<'a> {
    include: &'a dyn Fn(&str) -> Result<Included, String>,
    origin: Option<Name>,
    owner: Option<Name>,
    /// Of `$TTL`.
    default_ttl_s: Option<u32>,
    /// Of the last record that states one.
    last_ttl_s: Option<u32>,
    records: Vec<Placed>,
}

impl Reader<'_> {
    fn read(&mut self, file: &str, octets: &[u8], depth: usize) -> Result<(), MasterError> {
        let shared: Arc<str> = file.into();
        let at = |line| move |mistake| MasterError::Line { file: file.to_owned(), line, mistake };
        let text = String::from_utf8_lossy(octets);
        // What is no text has become a character that is looked for where it matters.
        let is_lossy = matches!(text, Cow::Owned(_));
        for entry in text::entries(&text) {
            let entry = entry.map_err(|(line, mistake)| at(line)(mistake))?;
            if is_lossy && entry.tokens.iter().any(|token| token.text.contains(char::REPLACEMENT_CHARACTER)) {
                return Err(at(entry.line)(Mistake::NotText));
            }
            let is_directive = !entry.tokens[0].is_quoted && entry.tokens[0].text.starts_with('$');
            if is_directive && !entry.is_continued_owner {
                self.directive(&entry, depth)?.map_err(at(entry.line))?;
            } else {
                let record = self.record(&entry).map_err(at(entry.line))?;
                self.records.push(Placed { record, file: shared.clone(), line: entry.line });
            }
        }
        Ok(())
    }

    /// The outer error is another file's, the inner one this line's.
    fn directive(&mut self, entry: &Entry, depth: usize) -> Result<Result<(), Mistake>, MasterError> {
        let words = &entry.tokens[1..];
        let keyword = entry.tokens[0].text.to_ascii_uppercase();
        Ok(match keyword.as_str() {
            "$ORIGIN" => self.set_origin(words),
            "$TTL" => self.set_default_ttl(words),
            "$INCLUDE" => return self.include(words, depth),
            _ => Err(Mistake::UnknownDirective(entry.tokens[0].text.clone())),
        })
    }

    fn set_origin(&mut self, words: &[Token]) -> Result<(), Mistake> {
        let [name] = words else { return Err(Mistake::Directive("$ORIGIN example.test.")) };
        self.origin = Some(words::name(name, self.origin.as_ref())?);
        Ok(())
    }

    fn set_default_ttl(&mut self, words: &[Token]) -> Result<(), Mistake> {
        let [ttl] = words else { return Err(Mistake::Directive("$TTL 3600")) };
        self.default_ttl_s = Some(ttl_s(&ttl.text)?);
        Ok(())
    }

    /// The included file may set origin and owner for itself alone (RFC 1035, 5.1).
    fn include(&mut self, words: &[Token], depth: usize) -> Result<Result<(), Mistake>, MasterError> {
        let (path, origin) = match words {
            [path] => (path, Ok(self.origin.clone())),
            [path, origin] => (path, words::name(origin, self.origin.as_ref()).map(Some)),
            _ => return Ok(Err(Mistake::Directive("$INCLUDE file [origin]"))),
        };
        let origin = match origin {
            Ok(origin) => origin,
            Err(mistake) => return Ok(Err(mistake)),
        };
        let cannot = |reason| Ok(Err(Mistake::Include { path: path.text.clone(), reason }));
        if depth == INCLUDE_DEPTH_MAX {
            return cannot("files include each other too deeply".to_owned());
        }
        let included = match (self.include)(&path.text) {
            Ok(included) => included,
            Err(reason) => return cannot(reason),
        };
        let outer = (std::mem::replace(&mut self.origin, origin), self.owner.clone());
        self.read(&included.file, &included.octets, depth + 1)?;
        (self.origin, self.owner) = outer;
        Ok(Ok(()))
    }

    fn record(&mut self, entry: &Entry) -> Result<Record, Mistake> {
        let mut tokens = entry.tokens.as_slice();
        if !entry.is_continued_owner {
            self.owner = Some(words::name(&tokens[0], self.origin.as_ref())?);
            tokens = &tokens[1..];
        }
        let owner = self.owner.clone().ok_or(Mistake::NoOwner)?;
        let (stated_ttl_s, record_type, data) = ttl_and_type(tokens)?;
        let ttl_s = stated_ttl_s.or(self.default_ttl_s).or(self.last_ttl_s).ok_or(Mistake::NoTtl)?;
        self.last_ttl_s = stated_ttl_s.or(self.last_ttl_s);
        let data: RData = rdata::rdata(record_type, data, self.origin.as_ref())?;
        Ok(Record::from_rdata(owner, ttl_s, data))
    }
}

/// TTL and class in either order, or neither, then the type; what remains is the data.
fn ttl_and_type(tokens: &[Token]) -> Result<(Option<u32>, RecordType, &[Token]), Mistake> {
    let mut stated_ttl_s = None;
    for (index, token) in tokens.iter().enumerate() {
        let word = token.text.to_ascii_uppercase();
        match word.as_str() {
            "IN" | "CLASS1" => {}
            "CH" | "HS" | "CS" | "ANY" => return Err(Mistake::Class(word)),
            _ if is_numbered_class(&word) => return Err(Mistake::Class(word)),
            _ if stated_ttl_s.is_none() && word.starts_with(|first: char| first.is_ascii_digit()) => {
                stated_ttl_s = Some(ttl_s(&token.text)?);
            }
            _ => return Ok((stated_ttl_s, record_type(&word)?, &tokens[index + 1..])),
        }
    }
    Err(Mistake::NoType)
}

/// RFC 3597, section 5.
fn is_numbered_class(word: &str) -> bool {
    word.strip_prefix("CLASS").is_some_and(|number| number.parse::<u16>().is_ok())
}

/// A type by its mnemonic in capitals, or as `TYPE65` (RFC 3597, section 5).
pub fn record_type(word: &str) -> Result<RecordType, Mistake> {
    let number = word.strip_prefix("TYPE").and_then(|number| number.parse::<u16>().ok());
    number
        .map(RecordType::from)
        .or_else(|| word.parse().ok())
        .ok_or_else(|| Mistake::UnknownType(word.to_owned()))
}

fn mnemonic(record_type: RecordType) -> String {
    match record_type {
        RecordType::Unknown(number) => format!("TYPE{number}"),
        RecordType::ZERO => "TYPE0".to_owned(),
        known => known.to_string(),
    }
}

fn ttl_s(word: &str) -> Result<u32, Mistake> {
    let bad = || Mistake::BadTtl(word.to_owned());
    parse_ttl(word).ok().filter(|ttl_s| *ttl_s <= TTL_MAX_S).ok_or_else(bad)
}

#[cfg(test)]
mod tests;
