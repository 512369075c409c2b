//! The text form of label selectors: `a=b,c!=d,e in (x,y),f notin (z),g,!h,i>1`.
//!
//! The grammar and its messages are those of apimachinery's `pkg/labels` (`labels.Parse`), including
//! its quirks: `in` and `notin` are identifiers where a value is expected, and a value may be empty.
//! The length of a text is bounded by that of a query; parsing takes linear time.

use super::requirement::{Operator, Requirement};
use crate::objects::names;

/// The operators between a key and its value, as in messages.
const BINARY_OPERATORS: &str = "in, notin, =, ==, !=, gt, lt";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Token {
    Identifier,
    In,
    NotIn,
    Equals,
    DoubleEquals,
    NotEquals,
    DoesNotExist,
    GreaterThan,
    LessThan,
    Comma,
    OpenParenthesis,
    ClosedParenthesis,
    End,
}

const SYMBOLS: &[(&str, Token)] = &[
    ("==", Token::DoubleEquals),
    ("!=", Token::NotEquals),
    ("=", Token::Equals),
    ("!", Token::DoesNotExist),
    (">", Token::GreaterThan),
    ("<", Token::LessThan),
    (",", Token::Comma),
    ("(", Token::OpenParenthesis),
    (")", Token::ClosedParenthesis),
];

/// The requirements of a selector's text, sorted by key.
pub(super) fn parse(text: &str) -> Result<Vec<Requirement>, String> {
    let mut parser = Parser { tokens: scan(text), position: 0 };
    let mut requirements = parser.requirements()?;
    requirements.sort_by(|a, b| a.key.cmp(&b.key));
    Ok(requirements)
}

fn scan(text: &str) -> Vec<(Token, &str)> {
    let mut tokens = Vec::new();
    let mut rest = text.trim_start_matches(is_space);
    while !rest.is_empty() {
        let symbol = SYMBOLS.iter().find(|(symbol, _)| rest.starts_with(symbol));
        let (token, length) = symbol.map_or_else(|| word(rest), |(symbol, token)| (*token, symbol.len()));
        tokens.push((token, &rest[..length]));
        rest = rest[length..].trim_start_matches(is_space);
    }
    tokens.push((Token::End, ""));
    tokens
}

fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\r' | '\n')
}

fn word(text: &str) -> (Token, usize) {
    let is_end = |c: char| is_space(c) || matches!(c, '=' | '!' | '(' | ')' | ',' | '>' | '<');
    let length = text.find(is_end).unwrap_or(text.len());
    match &text[..length] {
        "in" => (Token::In, length),
        "notin" => (Token::NotIn, length),
        _ => (Token::Identifier, length),
    }
}

struct Parser<'a> {
    /// The last is always the end, and is never consumed.
    tokens: Vec<(Token, &'a str)>,
    position: usize,
}

impl<'a> Parser<'a> {
    /// The next token where an operator is expected.
    fn peek_operator(&self) -> (Token, &'a str) {
        self.tokens[self.position]
    }

    /// The next token where a key or value is expected: keywords are words there.
    fn peek(&self) -> (Token, &'a str) {
        match self.peek_operator() {
            (Token::In | Token::NotIn, text) => (Token::Identifier, text),
            other => other,
        }
    }

    fn advance(&mut self) {
        self.position = (self.position + 1).min(self.tokens.len() - 1);
    }

    fn next(&mut self) -> (Token, &'a str) {
        let next = self.peek();
        self.advance();
        next
    }

    fn requirements(&mut self) -> Result<Vec<Requirement>, String> {
        let mut found = Vec::new();
        loop {
            match self.peek() {
                (Token::Identifier | Token::DoesNotExist, _) => {
                    let requirement = self.requirement();
                    found.push(requirement.map_err(|error| format!("unable to parse requirement: {error}"))?);
                }
                (Token::End, _) => return Ok(found),
                (_, text) => {
                    return Err(format!("found '{text}', expected: !, identifier, or 'end of string'"));
                }
            }
            match self.next() {
                (Token::End, _) => return Ok(found),
                (Token::Comma, _) => match self.peek() {
                    (Token::Identifier | Token::DoesNotExist, _) => {}
                    (_, text) => return Err(format!("found '{text}', expected: identifier after ','")),
                },
                (_, text) => return Err(format!("found '{text}', expected: ',' or 'end of string'")),
            }
        }
    }

    fn requirement(&mut self) -> Result<Requirement, String> {
        let mut next = self.next();
        let is_absent = next.0 == Token::DoesNotExist;
        if is_absent {
            next = self.next();
        }
        let (Token::Identifier, key) = next else {
            return Err(format!("found '{}', expected: identifier", next.1));
        };
        check(names::qualified_name(key), "<nil>", key)?;
        let operator = match self.peek() {
            _ if is_absent => Operator::DoesNotExist,
            (Token::End | Token::Comma, _) => Operator::Exists,
            _ => self.operator(key)?,
        };
        Ok(Requirement { key: key.to_owned(), operator })
    }

    fn operator(&mut self, key: &str) -> Result<Operator, String> {
        let (token, text) = self.peek_operator();
        self.advance();
        match token {
            Token::In => Ok(Operator::In(self.values(key)?)),
            Token::NotIn => Ok(Operator::NotIn(self.values(key)?)),
            Token::Equals | Token::DoubleEquals => Ok(Operator::Equals(self.value(key)?)),
            Token::NotEquals => Ok(Operator::NotEquals(self.value(key)?)),
            Token::GreaterThan => Ok(Operator::GreaterThan(self.number(key)?)),
            Token::LessThan => Ok(Operator::LessThan(self.number(key)?)),
            _ => Err(format!("found '{text}', expected: {BINARY_OPERATORS}")),
        }
    }

    fn value(&mut self, key: &str) -> Result<String, String> {
        let value = match self.peek() {
            (Token::End | Token::Comma, _) => "",
            _ => match self.next() {
                (Token::Identifier, value) => value,
                (_, text) => return Err(format!("found '{text}', expected: identifier")),
            },
        };
        check_value(key, 0, value)?;
        Ok(value.to_owned())
    }

    fn number(&mut self, key: &str) -> Result<i64, String> {
        let value = self.value(key)?;
        value.parse().map_err(|_| {
            let rule = "for 'Gt', 'Lt' operators, the value must be an integer";
            format!("values[0]: Invalid value: {value:?}: {rule}")
        })
    }

    /// The values within parentheses, each once and sorted.
    fn values(&mut self, key: &str) -> Result<Vec<String>, String> {
        let (token, text) = self.next();
        if token != Token::OpenParenthesis {
            return Err(format!("found '{text}' expected: '('"));
        }
        let mut values = match self.peek() {
            (Token::Identifier | Token::Comma, _) => self.list()?,
            (Token::ClosedParenthesis, _) => Vec::new(),
            (_, text) => return Err(format!("found '{text}', expected: ',', ')' or identifier")),
        };
        self.advance();
        if values.is_empty() {
            let rule = "for 'in', 'notin' operators, values set can't be empty";
            return Err(format!("values: Invalid value: []: {rule}"));
        }
        values.sort_unstable();
        values.dedup();
        for (index, value) in values.iter().enumerate() {
            check_value(key, index, value)?;
        }
        Ok(values.into_iter().map(str::to_owned).collect())
    }

    /// The values up to the closing parenthesis. Between two commas, or a comma and a parenthesis, is
    /// an empty value.
    fn list(&mut self) -> Result<Vec<&'a str>, String> {
        let mut values = Vec::new();
        loop {
            match self.next() {
                (Token::Identifier, value) => {
                    values.push(value);
                    match self.peek() {
                        (Token::Comma, _) => {}
                        (Token::ClosedParenthesis, _) => return Ok(values),
                        (_, text) => return Err(format!("found '{text}', expected: ',' or ')'")),
                    }
                }
                (Token::Comma, _) => {
                    let (next, _) = self.peek();
                    if values.is_empty() || matches!(next, Token::Comma | Token::ClosedParenthesis) {
                        values.push("");
                    }
                    match next {
                        Token::ClosedParenthesis => return Ok(values),
                        Token::Comma => self.advance(),
                        _ => {}
                    }
                }
                (_, text) => return Err(format!("found '{text}', expected: ',', or identifier")),
            }
        }
    }
}

fn check_value(key: &str, index: usize, value: &str) -> Result<(), String> {
    check(names::label_value(value), &format!("values[{index}][{key}]"), value)
}

fn check(rules: Vec<String>, path: &str, value: &str) -> Result<(), String> {
    if rules.is_empty() {
        return Ok(());
    }
    Err(format!("{path}: Invalid value: {value:?}: {}", rules.join("; ")))
}

#[cfg(test)]
mod tests {
    use crate::machinery::selector::{Labels, Selector};

    fn check(text: &str, expected: &str) {
        let parsed = match Selector::parse(text) {
            Ok(selector) => selector.to_string(),
            Err(error) => format!("error: {error}"),
        };
        assert_eq!(parsed, expected, "{text}");
    }

    #[test]
    fn selectors_are_written_back_in_the_order_of_their_keys() {
        let cases = [
            ("", ""),
            ("  ", ""),
            ("a=b", "a=b"),
            ("a==b", "a=b"),
            ("app.kubernetes.io/name = web , !b", "app.kubernetes.io/name=web,!b"),
            ("c!=d,a=b", "a=b,c!=d"),
            ("e in (y, x,y),f notin (z)", "e in (x,y),f notin (z)"),
            ("g,!h", "g,!h"),
            ("a=,b", "a=,b"),
            ("a in (,x)", "a in (,x)"),
            ("a in (x,)", "a in (,x)"),
            ("a in (x,,y)", "a in (,x,y)"),
            ("in=notin", "in=notin"),
            ("a in (in,notin)", "a in (in,notin)"),
            ("b<2,a>1", "a>1,b<2"),
        ];
        for (text, expected) in cases {
            check(text, expected);
        }
    }

    #[test]
    fn mistakes_are_told_in_kubernetes_words() {
        let cases = [
            ("=b", "error: found '=', expected: !, identifier, or 'end of string'"),
            ("a,", "error: found '', expected: identifier after ','"),
            ("a,,b", "error: found ',', expected: identifier after ','"),
            ("a b", "error: unable to parse requirement: found 'b', expected: in, notin, =, ==, !=, gt, lt"),
            ("a=b c", "error: found 'c', expected: ',' or 'end of string'"),
            ("!a=b", "error: found '=', expected: ',' or 'end of string'"),
            ("!", "error: unable to parse requirement: found '', expected: identifier"),
            ("a==(", "error: unable to parse requirement: found '(', expected: identifier"),
            ("a in b", "error: unable to parse requirement: found 'b' expected: '('"),
            ("a in (", "error: unable to parse requirement: found '', expected: ',', ')' or identifier"),
            ("a in (b", "error: unable to parse requirement: found '', expected: ',' or ')'"),
            ("a in (b c)", "error: unable to parse requirement: found 'c', expected: ',' or ')'"),
            (
                "a in ()",
                "error: unable to parse requirement: values: Invalid value: []: for 'in', 'notin' operators, values \
                 set can't be empty",
            ),
            (
                "a>x",
                "error: unable to parse requirement: values[0]: Invalid value: \"x\": for 'Gt', 'Lt' operators, the \
                 value must be an integer",
            ),
        ];
        for (text, expected) in cases {
            check(text, expected);
        }
        let bad = [
            ("a/b/c=d", "<nil>: Invalid value: \"a/b/c\": "),
            ("a=b_", "values[0][a]: Invalid value: \"b_\": "),
        ];
        for (text, start) in bad {
            let error = Selector::parse(text).unwrap_err().to_string();
            assert!(error.starts_with(&format!("unable to parse requirement: {start}")), "{error}");
        }
    }

    #[test]
    fn a_parsed_selector_matches_as_the_kubernetes_document_says() {
        let labels = |text: &str| -> Labels {
            let pairs = text.split_whitespace().map(|pair| pair.split_once('=').unwrap());
            pairs.map(|(key, value)| (key.to_owned(), value.to_owned())).collect()
        };
        let cases = [
            ("", "", true),
            ("a=1", "a=1", true),
            ("a=1", "", false),
            ("a!=1", "", true),
            ("a!=1", "a=1", false),
            ("a in (1,2)", "a=2", true),
            ("a notin (1,2)", "a=2", false),
            ("a notin (1,2)", "", true),
            ("a,!b", "a=1", true),
            ("a,!b", "a=1 b=1", false),
            ("a>1", "a=2", true),
            ("a>2", "a=2", false),
            ("a<2", "a=x", false),
            ("a<2", "", false),
            ("a<2", "a=-1", true),
            ("a=1,b=2", "a=1", false),
        ];
        for (text, given, expected) in cases {
            let selector = Selector::parse(text).unwrap();
            assert_eq!(selector.matches(Some(&labels(given))), expected, "{text} on {given}");
        }
    }
}
