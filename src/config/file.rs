//! The configuration file, turned into flags.
//!
//! Pure: the decoded document goes in, arguments or the setting that is wrong come out.

use serde_json::Value;

/// Why a document is not a configuration.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FileError {
    /// The document is something else than a map.
    #[error("expected a map of settings, such as \"ttl: 5\"")]
    NotAMap,
    /// A value is a map, or a list of something else than plain values.
    #[error("{0}: expected a plain value or a list of plain values")]
    NotPlain(String),
}

/// One setting of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileSetting {
    /// The flag's long name, without dashes.
    pub name: String,
    /// Its values; several for a repeatable flag.
    pub values: Vec<String>,
}

impl FileSetting {
    /// The command line arguments that say the same.
    pub fn arguments(&self) -> impl Iterator<Item = String> {
        self.values.iter().map(|value| format!("--{}={value}", self.name))
    }
}

/// The settings that a decoded configuration file holds; an empty document holds none.
pub fn settings(document: &Value) -> Result<Vec<FileSetting>, FileError> {
    let map = match document {
        Value::Null => return Ok(Vec::new()),
        Value::Object(map) => map,
        _ => return Err(FileError::NotAMap),
    };
    map.iter().map(|(name, value)| setting(name, value)).collect()
}

/// The line of the file in which a setting is named, from 1.
pub fn line_of(text: &str, name: &str) -> usize {
    let is_there = |line: &str| {
        let unquoted = line.trim_start_matches([' ', '{', '"', '\'', '?']);
        let rest = unquoted.strip_prefix(name).map(|rest| rest.trim_start_matches(['"', '\'']).trim_start());
        rest.is_some_and(|rest| rest.starts_with(':'))
    };
    // In a map on one line it may be anywhere.
    let found = text.lines().position(is_there).or_else(|| text.lines().position(|line| line.contains(name)));
    found.map_or(1, |index| index + 1)
}

fn setting(name: &str, value: &Value) -> Result<FileSetting, FileError> {
    let values = match value {
        Value::Array(values) => values.iter().map(plain).collect(),
        value => plain(value).map(|value| vec![value]),
    };
    let values = values.ok_or_else(|| FileError::NotPlain(name.to_owned()))?;
    Ok(FileSetting { name: name.to_owned(), values })
}

fn plain(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn plain_values_and_lists_become_flags() {
        let document = json!({"ttl": 5, "dns-listen": ["127.0.0.1:53", "[::1]:53"], "no-endpoints": true});
        let settings = settings(&document).unwrap();
        let mut arguments: Vec<String> = settings.iter().flat_map(FileSetting::arguments).collect();
        arguments.sort();
        let expected =
            ["--dns-listen=127.0.0.1:53", "--dns-listen=[::1]:53", "--no-endpoints=true", "--ttl=5"];
        assert_eq!(arguments, expected);
    }

    #[test]
    fn a_setting_is_found_where_it_is_named_and_not_where_it_is_mentioned() {
        let text = "# ttl\nnegative-ttl: 1\n\"ttl\" : 2\n";
        assert_eq!((line_of(text, "ttl"), line_of(text, "negative-ttl")), (3, 2));
        assert_eq!(line_of("# x\n{a: 1, ttl: 2}\n", "ttl"), 2);
    }

    #[test]
    fn what_is_no_setting_is_named() {
        assert_eq!(settings(&json!([])), Err(FileError::NotAMap));
        assert_eq!(settings(&json!({"ttl": {"a": 1}})), Err(FileError::NotPlain("ttl".into())));
        assert_eq!(settings(&json!(null)), Ok(vec![]));
    }
}
