//! Entries to records: directives, and the owner and TTL that an entry takes from the one before.
//!
//! [`records`] follows `$INCLUDE` through the caller's function, at most [`INCLUDE_DEPTH_MAX`] deep.

use std::borrow::Cow;
use std::sync::Arc;

use hickory_proto::rr::{Name, RData, Record};

use super::head::{ttl_and_type, ttl_s};
use super::mistake::{MasterError, Mistake, Place};
use super::rdata;
use super::text::{self, Entry, Token};
use super::words;

/// How deep `$INCLUDE` may nest; a file that includes itself ends here.
const INCLUDE_DEPTH_MAX: usize = 8;

/// A file that `$INCLUDE` names.
pub(crate) struct Included {
    /// The name under which mistakes in it are reported.
    pub(crate) file: String,
    /// The contents.
    pub(crate) octets: Vec<u8>,
}

/// A record and its place.
pub(super) struct Placed {
    pub(super) record: Record,
    pub(super) at: Place,
}

/// The records of a file and of those that it includes, in order.
pub(super) fn records(
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

/// What one entry takes from those before.
struct Reader<'a> {
    include: &'a dyn Fn(&str) -> Result<Included, String>,
    origin: Option<Name>,
    owner: Option<Name>,
    /// From `$TTL`.
    default_ttl_s: Option<u32>,
    /// From the last record with a TTL.
    last_ttl_s: Option<u32>,
    records: Vec<Placed>,
}

impl Reader<'_> {
    fn read(&mut self, file: &str, octets: &[u8], depth: usize) -> Result<(), MasterError> {
        let shared: Arc<str> = file.into();
        let at = |line| move |mistake| MasterError::Line { file: file.to_owned(), line, mistake };
        let text = String::from_utf8_lossy(octets);
        // Octets that are not UTF-8 became U+FFFD, which is looked for outside comments.
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
                self.records.push(Placed { record, at: Place { file: shared.clone(), line: entry.line } });
            }
        }
        Ok(())
    }

    /// The outer error is of an included file, the inner one of this line.
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

    /// The included file's origin and owner end with it (RFC 1035 section 5.1).
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
