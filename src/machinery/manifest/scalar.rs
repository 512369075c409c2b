//! The values of plain scalars.
//!
//! Quoted and block scalars are strings. `serde_yaml` decides what a plain one is, with one exception:
//! an integer with a leading zero is octal, as in YAML 1.1 and therefore in kubectl, since manifests
//! have `defaultMode: 0644`.

use serde_json::Value;

/// The value of a plain scalar.
pub(super) fn plain(text: &str) -> Value {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => Value::Null,
        "true" | "True" | "TRUE" => Value::Bool(true),
        "false" | "False" | "FALSE" => Value::Bool(false),
        _ if may_be_number(text) => number(text).unwrap_or_else(|| Value::from(text)),
        _ => Value::from(text),
    }
}

/// Whether `serde_yaml` may read a number; it would take `---` for a document.
fn may_be_number(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '+' | '-' | '.'))
        && text.contains(|c: char| c.is_ascii_digit())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-._".contains(&byte))
}

fn number(text: &str) -> Option<Value> {
    if let Some(octal) = octal(text) {
        return Some(Value::from(octal));
    }
    match serde_yaml::from_str::<serde_yaml::Value>(text).ok()? {
        serde_yaml::Value::Number(number) => serde_json::to_value(number).ok().filter(Value::is_number),
        _ => None,
    }
}

fn octal(text: &str) -> Option<i64> {
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => (-1, digits),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    let digits = digits.strip_prefix('0').filter(|rest| !rest.is_empty())?;
    digits
        .bytes()
        .all(|byte| (b'0'..=b'7').contains(&byte))
        .then(|| i64::from_str_radix(digits, 8).ok())?
        .map(|number| sign * number)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn plain_scalars_mean_what_serde_yaml_says_and_octals_what_kubectl_says() {
        let cases = [
            ("", json!(null)),
            ("~", json!(null)),
            ("true", json!(true)),
            ("yes", json!("yes")),
            ("3", json!(3)),
            ("-3", json!(-3)),
            ("0x1f", json!(31)),
            ("0o17", json!(15)),
            ("0644", json!(420)),
            ("089", json!("089")),
            ("0", json!(0)),
            ("1.5", json!(1.5)),
            ("1e3", json!(1000.0)),
            (".5", json!(0.5)),
            ("1.2.3", json!("1.2.3")),
            ("10Gi", json!("10Gi")),
            ("2024-01-01", json!("2024-01-01")),
            ("---", json!("---")),
            ("-", json!("-")),
            (".", json!(".")),
            (".inf", json!(".inf")),
            ("18446744073709551615", json!(18_446_744_073_709_551_615_u64)),
        ];
        for (text, expected) in cases {
            assert_eq!(plain(text), expected, "{text}");
        }
    }
}
