//! The syntax of names, labels, keys, ports and addresses, and Kubernetes' messages for violations.
//!
//! Each function returns the messages of the rules that a text breaks, as apimachinery's
//! `pkg/util/validation` words them; none if the text is valid. The caller knows which field it is.

use std::net::IpAddr;

/// The longest DNS label (RFC 1123).
pub const LABEL_LENGTH_MAX: usize = 63;
/// The longest DNS subdomain (RFC 1123).
pub const SUBDOMAIN_LENGTH_MAX: usize = 253;
const PORT_NAME_LENGTH_MAX: usize = 15;

/// A DNS-1123 label: the name of a pod's container, a namespace, a StatefulSet.
pub fn dns1123_label(text: &str) -> Vec<String> {
    let mut broken = too_long(text, LABEL_LENGTH_MAX);
    if is_label(text) {
        return broken;
    }
    if is_subdomain(text) {
        broken.push("must not contain dots".into());
    } else {
        broken.push(with_form(
            "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must \
             start and end with an alphanumeric character",
            &["my-name", "123-abc"],
            "[a-z0-9]([-a-z0-9]*[a-z0-9])?",
        ));
    }
    broken
}

/// A DNS-1123 subdomain: the name of most objects.
pub fn dns1123_subdomain(text: &str) -> Vec<String> {
    let mut broken = too_long(text, SUBDOMAIN_LENGTH_MAX);
    if !is_subdomain(text) {
        broken.push(with_form(
            "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', \
             and must start and end with an alphanumeric character",
            &["example.com"],
            r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*",
        ));
    }
    broken
}

/// A DNS-1035 label: the name of a service.
pub fn dns1035_label(text: &str) -> Vec<String> {
    let mut broken = too_long(text, LABEL_LENGTH_MAX);
    if !is_label(text) || !text.starts_with(|c: char| c.is_ascii_lowercase()) {
        broken.push(with_form(
            "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an \
             alphabetic character, and end with an alphanumeric character",
            &["my-name", "abc-123"],
            "[a-z]([-a-z0-9]*[a-z0-9])?",
        ));
    }
    broken
}

const NAME_PART: &str = "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric \
     character";
const NAME_PART_FORM: &str = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]";
const NAME_PART_EXAMPLES: &[&str] = &["MyName", "my.name", "123-abc"];

/// A qualified name: the key of a label or an annotation, a finalizer, a condition.
pub fn qualified_name(text: &str) -> Vec<String> {
    let mut broken = Vec::new();
    let name = match text.split('/').collect::<Vec<_>>().as_slice() {
        [name] => *name,
        [prefix, name] => {
            if prefix.is_empty() {
                broken.push("prefix part must be non-empty".into());
            } else {
                broken.extend(dns1123_subdomain(prefix).iter().map(|rule| format!("prefix part {rule}")));
            }
            *name
        }
        _ => {
            let form = with_form(NAME_PART, NAME_PART_EXAMPLES, NAME_PART_FORM);
            return vec![format!(
                "a qualified name {form} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')"
            )];
        }
    };
    if name.is_empty() {
        broken.push("name part must be non-empty".into());
    } else if name.len() > LABEL_LENGTH_MAX {
        broken.push(format!("name part must be no more than {LABEL_LENGTH_MAX} bytes"));
    }
    if !is_name_part(name) {
        broken.push(format!("name part {}", with_form(NAME_PART, NAME_PART_EXAMPLES, NAME_PART_FORM)));
    }
    broken
}

/// The value of a label.
pub fn label_value(text: &str) -> Vec<String> {
    let mut broken = too_long(text, LABEL_LENGTH_MAX);
    if !text.is_empty() && !is_name_part(text) {
        broken.push(with_form(
            "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and \
             must start and end with an alphanumeric character",
            &["MyValue", "my_value", "12345"],
            "(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?",
        ));
    }
    broken
}

/// A port number.
pub fn port_number(port: i32) -> Vec<String> {
    if (1..=65_535).contains(&port) {
        Vec::new()
    } else {
        vec!["must be between 1 and 65535, inclusive".into()]
    }
}

/// The name of a container's port (an RFC 6335 service name).
pub fn port_name(text: &str) -> Vec<String> {
    let mut broken = too_long(text, PORT_NAME_LENGTH_MAX);
    if !text.bytes().all(is_label_byte) {
        broken.push("must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)".into());
    }
    if !text.bytes().any(|byte| byte.is_ascii_lowercase()) {
        broken.push("must contain at least one letter (a-z)".into());
    }
    if text.contains("--") {
        broken.push("must not contain consecutive hyphens".into());
    }
    if text.starts_with('-') || text.ends_with('-') {
        broken.push("must not begin or end with a hyphen".into());
    }
    broken
}

/// The name of an environment variable.
pub fn environment_name(text: &str) -> Vec<String> {
    let is_fine = text.bytes().all(|byte| (b' '..=b'~').contains(&byte) && byte != b'=');
    if text.is_empty() {
        vec!["environment variable name must be non-empty".into()]
    } else if !is_fine {
        vec!["a valid environment variable name must consist only of printable ASCII characters other than '='"
            .into()]
    } else {
        Vec::new()
    }
}

/// A key of a ConfigMap or a Secret.
pub fn config_key(text: &str) -> Vec<String> {
    let mut broken = too_long(text, SUBDOMAIN_LENGTH_MAX);
    let is_fine = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
    if text.is_empty() || !text.bytes().all(is_fine) {
        broken.push(with_form(
            "a valid config key must consist of alphanumeric characters, '-', '_' or '.'",
            &["key.name", "KEY_NAME", "key-name"],
            "[-._a-zA-Z0-9]+",
        ));
    }
    match text {
        "." => broken.push("must not be '.'".into()),
        ".." => broken.push("must not be '..'".into()),
        _ if text.starts_with("..") => broken.push("must not start with '..'".into()),
        _ => {}
    }
    broken
}

/// The name of an HTTP header.
pub fn http_header_name(text: &str) -> Vec<String> {
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-') {
        return Vec::new();
    }
    vec![with_form(
        "a valid HTTP header must consist of alphanumeric characters or '-'",
        &["X-Header-Name"],
        "[-A-Za-z0-9]+",
    )]
}

/// An IP address.
pub fn ip_address(text: &str) -> Vec<String> {
    match text.parse::<IpAddr>() {
        Ok(_) => Vec::new(),
        Err(_) => vec!["must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)".into()],
    }
}

/// A network prefix.
pub fn network(text: &str) -> Vec<String> {
    match text.parse::<ipnet::IpNet>() {
        Ok(_) => Vec::new(),
        Err(_) => vec!["must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)".into()],
    }
}

fn is_label(text: &str) -> bool {
    let ends_well = !text.starts_with('-') && !text.ends_with('-');
    !text.is_empty() && ends_well && text.bytes().all(is_label_byte)
}

fn is_label_byte(byte: u8) -> bool {
    byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-'
}

fn is_subdomain(text: &str) -> bool {
    text.split('.').all(is_label)
}

fn is_name_part(text: &str) -> bool {
    let is_end = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
    let bytes = text.as_bytes();
    is_end(bytes.first())
        && is_end(bytes.last())
        && bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(byte))
}

fn too_long(text: &str, n_bytes_max: usize) -> Vec<String> {
    if text.len() > n_bytes_max {
        vec![format!("must be no more than {n_bytes_max} bytes")]
    } else {
        Vec::new()
    }
}

/// A rule, its examples and its regular expression, as apimachinery's `RegexError` joins them.
fn with_form(rule: &str, examples: &[&str], form: &str) -> String {
    let examples: Vec<String> = examples.iter().map(|example| format!("'{example}', ")).collect();
    format!("{rule} (e.g. {}regex used for validation is '{form}')", examples.join(" or "))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The texts that break no rule, and those that break the one beginning with `rule`.
    fn check(judge: impl Fn(&str) -> Vec<String>, good: &[&str], rule: &str, bad: &[&str]) {
        for text in good {
            assert_eq!(judge(text), Vec::<String>::new(), "{text:?}");
        }
        for text in bad {
            let broken = judge(text);
            assert!(broken.iter().any(|broken| broken.starts_with(rule)), "{text:?}: {broken:?}");
        }
    }

    #[test]
    fn names_have_their_forms() {
        let long = "a".repeat(64);
        check(
            dns1123_label,
            &["a", "0", "a-b", "0a"],
            "a lowercase RFC 1123 label",
            &["", "A", "-a", "a-", "a_b"],
        );
        check(dns1123_label, &[], "must not contain dots", &["a.b"]);
        check(dns1123_label, &[], "must be no more than 63 bytes", &[&long]);
        check(dns1123_subdomain, &["a.b", "a"], "a lowercase RFC 1123 subdomain", &["a..b", ".", "", "a.B"]);
        check(dns1035_label, &["a0", "a-b"], "a DNS-1035 label", &["0a", "a.b", "A"]);
        check(
            qualified_name,
            &["app", "example.com/App_1", "a.b-c"],
            "name part must",
            &["", "a/", "-a", "ü"],
        );
        check(qualified_name, &[], "prefix part", &["/a", "A/a"]);
        check(qualified_name, &[], "a qualified name", &["a/b/c"]);
        check(label_value, &["", "A.b_c-1"], "a valid label", &["-", "a b"]);
        check(port_name, &["http", "a-1"], "must contain only", &["HTTP"]);
        check(port_name, &[], "must contain at least one letter", &["80"]);
        check(port_name, &[], "must be no more than 15 bytes", &["abcdefghijklmnop"]);
        check(config_key, &["a.b", "_", ".a"], "must not", &[".", "..", "..a"]);
        check(config_key, &[], "a valid config key", &["", "a/b"]);
        check(environment_name, &["A", "a.b-c d"], "a valid environment variable name", &["a=b", "ä"]);
        check(ip_address, &["10.0.0.1", "::1"], "must be a valid IP address", &["10.0.0", "010.0.0.1", "x"]);
        check(network, &["10.0.0.0/8"], "must be a valid CIDR value", &["10.0.0.0"]);
    }

    #[test]
    fn a_broken_form_is_told_in_kubernetes_words() {
        assert_eq!(
            dns1123_label("Web"),
            [
                "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start \
                 and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is \
                 '[a-z0-9]([-a-z0-9]*[a-z0-9])?')"
            ]
        );
    }
}
