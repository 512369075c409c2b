//! Syntax errors of JSON with the messages of Go's `encoding/json`.
//!
//! API servers return these messages, and people search for them. Text that the parser has refused is
//! scanned for the first invalid octet; no values are built, and the stack has one entry for each
//! open array or object.

/// How much of a body an error shows.
const SUMMARY_OCTETS_MAX: usize = 30;

/// Go's error for `text`, which is not a JSON value.
pub(crate) fn fault(text: &[u8]) -> String {
    let mut reader = Reader { rest: text, open: Vec::new() };
    match reader.whole() {
        Err(Fault::Octet(octet, place)) => format!("invalid character {} {place}", quoted(octet)),
        Err(Fault::End) => "unexpected end of JSON input".to_owned(),
        // The syntax is valid: a number or a string is out of range.
        Ok(()) => "a number or a text in it cannot be represented".to_owned(),
    }
}

/// The beginning of a body, to be shown with the error.
pub(crate) fn summary(body: &[u8]) -> String {
    let shown = &body[..body.len().min(SUMMARY_OCTETS_MAX)];
    let more = if body.len() > SUMMARY_OCTETS_MAX { " ..." } else { "" };
    match body.first() {
        None => "<empty>".to_owned(),
        Some(b'{') => format!("{}{more}", String::from_utf8_lossy(shown)),
        Some(_) => shown.iter().map(|octet| format!("{octet:02x}")).collect::<String>() + more,
    }
}

enum Fault {
    /// An invalid octet at its position.
    Octet(u8, String),
    End,
}

/// The innermost open value, and what may come next in it.
#[derive(Clone, Copy)]
enum Open {
    List,
    Object,
}

struct Reader<'a> {
    rest: &'a [u8],
    open: Vec<Open>,
}

impl Reader<'_> {
    fn whole(&mut self) -> Result<(), Fault> {
        loop {
            // A value begins here; it may open a list or an object, whose first value then does.
            if self.value()? {
                continue;
            }
            if !self.after_value()? {
                break;
            }
        }
        match self.peek_solid() {
            None => Ok(()),
            Some(octet) => Err(Fault::Octet(octet, "after top-level value".to_owned())),
        }
    }

    /// Reads the beginning of a value. True if another value has to follow at once.
    fn value(&mut self) -> Result<bool, Fault> {
        match self.next_solid()? {
            b'{' => {
                if self.peek_solid() == Some(b'}') {
                    self.next()?;
                    return Ok(false);
                }
                self.open.push(Open::Object);
                self.key()?;
                Ok(true)
            }
            b'[' => {
                if self.peek_solid() == Some(b']') {
                    self.next()?;
                    return Ok(false);
                }
                self.open.push(Open::List);
                Ok(true)
            }
            b'"' => self.text().map(|()| false),
            b't' => self.literal("true").map(|()| false),
            b'f' => self.literal("false").map(|()| false),
            b'n' => self.literal("null").map(|()| false),
            first @ (b'-' | b'0'..=b'9') => self.number(first).map(|()| false),
            octet => Err(Fault::Octet(octet, "looking for beginning of value".to_owned())),
        }
    }

    /// Reads what follows a value. True if another value has to follow, false at the very end.
    fn after_value(&mut self) -> Result<bool, Fault> {
        while let Some(open) = self.open.last().copied() {
            match (open, self.next_solid()?) {
                (Open::List, b']') | (Open::Object, b'}') => {
                    self.open.pop();
                }
                (Open::List, b',') => return Ok(true),
                (Open::Object, b',') => return self.key().map(|()| true),
                (Open::List, octet) => return Err(Fault::Octet(octet, "after array element".to_owned())),
                (Open::Object, octet) => {
                    return Err(Fault::Octet(octet, "after object key:value pair".to_owned()));
                }
            }
        }
        Ok(false)
    }

    fn key(&mut self) -> Result<(), Fault> {
        match self.next_solid()? {
            b'"' => self.text()?,
            octet => {
                return Err(Fault::Octet(octet, "looking for beginning of object key string".to_owned()));
            }
        }
        match self.next_solid()? {
            b':' => Ok(()),
            octet => Err(Fault::Octet(octet, "after object key".to_owned())),
        }
    }

    fn text(&mut self) -> Result<(), Fault> {
        loop {
            match self.next()? {
                b'"' => return Ok(()),
                b'\\' => self.escape()?,
                octet @ ..=0x1f => return Err(Fault::Octet(octet, "in string literal".to_owned())),
                _ => {}
            }
        }
    }

    fn escape(&mut self) -> Result<(), Fault> {
        match self.next()? {
            b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => Ok(()),
            b'u' => {
                for _ in 0..4 {
                    let octet = self.next()?;
                    if !octet.is_ascii_hexdigit() {
                        return Err(Fault::Octet(octet, "in \\u hexadecimal character escape".to_owned()));
                    }
                }
                Ok(())
            }
            octet => Err(Fault::Octet(octet, "in string escape code".to_owned())),
        }
    }

    fn literal(&mut self, word: &str) -> Result<(), Fault> {
        for expected in word.bytes().skip(1) {
            let octet = self.next()?;
            if octet != expected {
                let place = format!("in literal {word} (expecting '{}')", char::from(expected));
                return Err(Fault::Octet(octet, place));
            }
        }
        Ok(())
    }

    fn number(&mut self, first: u8) -> Result<(), Fault> {
        let leading = if first == b'-' { self.digit("in numeric literal")? } else { first };
        if leading != b'0' {
            self.digits();
        }
        if self.rest.first() == Some(&b'.') {
            self.next()?;
            self.digit("after decimal point in numeric literal")?;
            self.digits();
        }
        if matches!(self.rest.first(), Some(b'e' | b'E')) {
            self.next()?;
            if matches!(self.rest.first(), Some(b'+' | b'-')) {
                self.next()?;
            }
            self.digit("in exponent of numeric literal")?;
            self.digits();
        }
        Ok(())
    }

    fn digit(&mut self, place: &str) -> Result<u8, Fault> {
        match self.next()? {
            digit @ b'0'..=b'9' => Ok(digit),
            octet => Err(Fault::Octet(octet, place.to_owned())),
        }
    }

    fn digits(&mut self) {
        let n_digits = self.rest.iter().take_while(|octet| octet.is_ascii_digit()).count();
        self.rest = &self.rest[n_digits..];
    }

    fn next(&mut self) -> Result<u8, Fault> {
        let (first, rest) = self.rest.split_first().ok_or(Fault::End)?;
        self.rest = rest;
        Ok(*first)
    }

    fn next_solid(&mut self) -> Result<u8, Fault> {
        self.peek_solid();
        self.next()
    }

    /// The next octet that is not white space, which is passed over.
    fn peek_solid(&mut self) -> Option<u8> {
        let n_space = self.rest.iter().take_while(|octet| b" \t\r\n".contains(octet)).count();
        self.rest = &self.rest[n_space..];
        self.rest.first().copied()
    }
}

/// An octet as Go quotes a character.
fn quoted(octet: u8) -> String {
    match octet {
        b'\'' => "'\\''".to_owned(),
        b'"' => "'\"'".to_owned(),
        b'\\' => "'\\\\'".to_owned(),
        b'\n' => "'\\n'".to_owned(),
        b'\r' => "'\\r'".to_owned(),
        b'\t' => "'\\t'".to_owned(),
        7 => "'\\a'".to_owned(),
        8 => "'\\b'".to_owned(),
        11 => "'\\v'".to_owned(),
        12 => "'\\f'".to_owned(),
        0..=0x1f | 0x7f => format!("'\\x{octet:02x}'"),
        // Octets are taken for Unicode code points; those that do not print are escaped.
        0x80..=0xa0 | 0xad => format!("'\\u{:04x}'", u32::from(octet)),
        _ => format!("'{}'", char::from(octet)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_octet_that_cannot_be_is_named_as_go_names_it() {
        for (text, expected) in [
            ("{spec:{repplicas:5}}", "invalid character 's' looking for beginning of object key string"),
            ("{'a':1}", "invalid character '\\'' looking for beginning of object key string"),
            ("{\"a\":1,}", "invalid character '}' looking for beginning of object key string"),
            ("{\"a\" 1}", "invalid character '1' after object key"),
            ("{\"a\":1 \"b\"}", "invalid character '\"' after object key:value pair"),
            ("{\"a\":}", "invalid character '}' looking for beginning of value"),
            ("[1 2]", "invalid character '2' after array element"),
            ("[1,]", "invalid character ']' looking for beginning of value"),
            ("{} x", "invalid character 'x' after top-level value"),
            ("spec", "invalid character 's' looking for beginning of value"),
            ("nil", "invalid character 'i' in literal null (expecting 'u')"),
            ("\"a\nb\"", "invalid character '\\n' in string literal"),
            ("\"\\x\"", "invalid character 'x' in string escape code"),
            ("\"\\u12g4\"", "invalid character 'g' in \\u hexadecimal character escape"),
            ("-a", "invalid character 'a' in numeric literal"),
            ("1.x", "invalid character 'x' after decimal point in numeric literal"),
            ("1e+x", "invalid character 'x' in exponent of numeric literal"),
            ("01", "invalid character '1' after top-level value"),
            ("\u{1}", "invalid character '\\x01' looking for beginning of value"),
            ("ä", "invalid character 'Ã' looking for beginning of value"),
            ("{\"a\":[{\"b\":[]}, {\"c\":{}}", "unexpected end of JSON input"),
            ("", "unexpected end of JSON input"),
        ] {
            assert_eq!(fault(text.as_bytes()), expected, "{text}");
        }
    }

    #[test]
    fn what_a_parser_takes_has_no_fault_in_its_syntax() {
        for text in ["{}", " [ ] ", "[{\"a\":[1,-0.5e3,true]},null]", "\"\\u00e4\\n\"", "-0"] {
            serde_json::from_str::<serde_json::Value>(text).unwrap();
            assert!(fault(text.as_bytes()).starts_with("a number"), "{text}");
        }
    }

    #[test]
    fn a_summary_is_short_and_readable_if_it_may_be_json() {
        assert_eq!(summary(b""), "<empty>");
        assert_eq!(summary(b"{a}"), "{a}");
        assert_eq!(summary(b"ab"), "6162");
        assert_eq!(summary(&[b'{'; 31]), format!("{} ...", "{".repeat(30)));
    }
}
