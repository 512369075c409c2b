//! Names of images, as the distribution project parses and normalizes them
//! (`github.com/distribution/reference`, `ParseNormalizedNamed`), and a kubelet with it.
//!
//! ```text
//!   reference := [domain '/'] path [':' tag] ['@' digest]     domain := host [':' port]
//!   nginx            is docker.io/library/nginx               a first part is a domain if it has a
//!   quay.io/etcd:v3  is what it says                          '.', a ':' or a capital, or is localhost
//! ```
//!
//! Pure. Nothing is kept of a name but whether it is one: runtimes take images by the text that
//! the user wrote.

/// Why a text names no image, in the words of that project.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ImageNameError {
    /// It has the form of an image's id.
    #[error("invalid repository name ({0}), cannot specify 64-byte hexadecimal strings")]
    Identifier(String),
    /// The path has capitals.
    #[error("invalid reference format: repository name ({0}) must be lowercase")]
    Capitals(String),
    /// It would be valid without capitals.
    #[error("repository name must be lowercase")]
    NotLowercase,
    /// It does not have the form of a reference.
    #[error("invalid reference format")]
    Format,
    /// The path is too long.
    #[error("repository name must not be more than {PATH_LENGTH_MAX} characters")]
    Length,
    /// Nobody knows the digest's algorithm.
    #[error("unsupported digest algorithm")]
    Algorithm,
    /// The digest is not as long as its algorithm makes it.
    #[error("invalid checksum digest length")]
    DigestLength,
    /// The digest has capitals.
    #[error("invalid checksum digest format")]
    DigestFormat,
}

/// The longest path.
const PATH_LENGTH_MAX: usize = 255;
const TAG_LENGTH_MAX: usize = 128;
/// The length of an image's id in hexadecimal digits.
const IDENTIFIER_LENGTH: usize = 64;
/// The shortest digest that has the form of one.
const DIGEST_LENGTH_MIN: usize = 32;
/// Where images without a domain are.
const DOMAIN_DEFAULT: &str = "docker.io";
/// The older name of [`DOMAIN_DEFAULT`].
const DOMAIN_LEGACY: &str = "index.docker.io";

/// Checks that `text` names an image.
pub fn check(text: &str) -> Result<(), ImageNameError> {
    let is_identifier = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    if text.len() == IDENTIFIER_LENGTH && text.bytes().all(is_identifier) {
        return Err(ImageNameError::Identifier(text.to_owned()));
    }
    let (domain, rest) = split_domain(text);
    let path = rest.split_once(':').map_or(&*rest, |(path, _)| path);
    if path.to_lowercase() != path {
        return Err(ImageNameError::Capitals(path.to_owned()));
    }
    let whole = format!("{domain}/{rest}");
    let Some(Reference { path, digest }) = Reference::parse(&whole) else {
        let is_lowercase_valid = Reference::parse(&whole.to_lowercase()).is_some();
        return Err(if is_lowercase_valid { ImageNameError::NotLowercase } else { ImageNameError::Format });
    };
    if path.len() > PATH_LENGTH_MAX {
        return Err(ImageNameError::Length);
    }
    digest.map_or(Ok(()), check_digest)
}

/// The domain, and what comes after it; without a domain the default's.
fn split_domain(text: &str) -> (&str, String) {
    let official = |name: &str| format!("library/{name}");
    let Some((first, rest)) = text.split_once('/') else { return (DOMAIN_DEFAULT, official(text)) };
    let is_domain = first == "localhost" || first.contains(['.', ':']) || first.to_lowercase() != first;
    let (domain, name) = match (first, is_domain) {
        (DOMAIN_LEGACY, _) => (DOMAIN_DEFAULT, rest),
        (_, true) => (first, rest),
        (_, false) => (DOMAIN_DEFAULT, text),
    };
    let is_official = domain == DOMAIN_DEFAULT && !name.contains('/');
    (domain, if is_official { official(name) } else { name.to_owned() })
}

/// The parts of a reference that have rules beyond their form.
struct Reference<'t> {
    path: &'t str,
    digest: Option<&'t str>,
}

impl<'t> Reference<'t> {
    /// `None` if the text does not have the form of a reference.
    fn parse(text: &'t str) -> Option<Self> {
        let (text, digest) = text.split_once('@').map_or((text, None), |(text, digest)| (text, Some(digest)));
        let last = text.rfind('/').map_or(0, |slash| slash + 1);
        let (name, tag) = match text[last..].find(':') {
            Some(colon) => (&text[..last + colon], Some(&text[last + colon + 1..])),
            None => (text, None),
        };
        if !tag.is_none_or(is_tag) || !digest.is_none_or(is_digest) {
            return None;
        }
        let below = name.split_once('/').filter(|(domain, path)| is_domain(domain) && is_path(path));
        let path = below.map(|(_, path)| path).or(Some(name).filter(|name| is_path(name)))?;
        Some(Self { path, digest })
    }
}

fn is_domain(text: &str) -> bool {
    let digits = |port: &str| !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
    if let Some((address, port)) = text.strip_prefix('[').and_then(|text| text.split_once(']')) {
        let is_address = !address.is_empty() && address.bytes().all(|b| b.is_ascii_hexdigit() || b == b':');
        return is_address && (port.is_empty() || port.strip_prefix(':').is_some_and(digits));
    }
    let (host, port) = text.split_once(':').map_or((text, None), |(host, port)| (host, Some(port)));
    let is_label = |label: &str| {
        let has_ends = !label.is_empty() && !label.starts_with('-') && !label.ends_with('-');
        has_ends && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    port.is_none_or(digits) && host.split('.').all(is_label)
}

fn is_path(text: &str) -> bool {
    text.split('/').all(is_component)
}

/// Letters and digits, with `.`, `_`, `__` or any number of hyphens between them.
fn is_component(text: &str) -> bool {
    let is_word = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let mut separators = text.split(|character: char| character.is_ascii() && is_word(character as u8));
    let is_within = text.bytes().next().is_some_and(is_word) && text.bytes().next_back().is_some_and(is_word);
    let is_separator = |text: &str| matches!(text, "" | "." | "_" | "__") || text.bytes().all(|b| b == b'-');
    is_within && separators.all(is_separator)
}

fn is_tag(text: &str) -> bool {
    let is_word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    let mut bytes = text.bytes();
    let starts = bytes.next().is_some_and(is_word);
    starts && text.len() <= TAG_LENGTH_MAX && bytes.all(|byte| is_word(byte) || matches!(byte, b'.' | b'-'))
}

fn is_digest(text: &str) -> bool {
    let Some((algorithm, digits)) = text.split_once(':') else { return false };
    let is_part = |part: &str| {
        part.starts_with(|first: char| first.is_ascii_alphabetic())
            && part.bytes().all(|byte| byte.is_ascii_alphanumeric())
    };
    let has_digits = digits.len() >= DIGEST_LENGTH_MIN && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    has_digits && algorithm.split(['-', '_', '+', '.']).all(is_part)
}

/// Whether an algorithm makes such a digest (`github.com/opencontainers/go-digest`, `Validate`).
fn check_digest(text: &str) -> Result<(), ImageNameError> {
    let (algorithm, digits) = text.split_once(':').ok_or(ImageNameError::DigestFormat)?;
    let length = match algorithm {
        "sha256" => 64,
        "sha384" => 96,
        "sha512" => 128,
        other if other.to_lowercase() != other => return Err(ImageNameError::DigestFormat),
        _ => return Err(ImageNameError::Algorithm),
    };
    match digits {
        digits if digits.len() != length => Err(ImageNameError::DigestLength),
        digits if digits.to_lowercase() != digits => Err(ImageNameError::DigestFormat),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_that_registries_have_are_names() {
        let digest = format!("sha256:{}", "0a".repeat(32));
        let names = [
            "nginx",
            "nginx:1.27",
            "nginx:1.27-alpine_X",
            "bitnami/etcd",
            "registry.k8s.io/nginx-slim:0.24",
            "quay.io/coreos/etcd:v3.5.9",
            "localhost/a",
            "localhost:5000/a/b/c:1",
            "[fd00::1]:5000/a",
            "[fd00::1]/a",
            "Registry/a",
            "EXAMPLE.com/a__b.c--d_e",
            "exa_mple.com/a",
            "docker.io/nginx",
            "index.docker.io/library/nginx",
            &format!("nginx@{digest}"),
            &format!("nginx:1.27@{digest}"),
            &format!("example.com/{}", "a".repeat(255)),
        ];
        for name in names {
            assert_eq!(check(name), Ok(()), "{name}");
        }
    }

    #[test]
    fn what_names_no_image_is_refused_in_the_words_of_the_distribution_project() {
        let short = format!("nginx@sha256:{}", "0".repeat(63));
        let capitals = format!("nginx@sha256:{}", "A".repeat(64));
        let unknown = format!("nginx@blake3:{}", "0".repeat(64));
        let too_long = "a".repeat(256);
        let identifier = "0a".repeat(32);
        let format = "invalid reference format";
        let table = [
            ("", format),
            (":1", format),
            ("nginx:", format),
            ("nginx:1 2", format),
            ("https://nginx", format),
            ("example.com//nginx", format),
            ("nginx/", format),
            ("-nginx", format),
            ("nginx-", format),
            ("a..b", format),
            ("a___b", format),
            ("a@sha256:1", format),
            ("ghcr.io/${{ github.repository }}:latest", format),
            ("exa_mple.com:5000/a", format),
            ("[fd00::1/a", format),
            (
                "{{ .Values.image }}",
                "invalid reference format: repository name (library/{{ .Values.image }}) must be lowercase",
            ),
            ("busyBOX", "invalid reference format: repository name (library/busyBOX) must be lowercase"),
            ("DUMMY:TEST", "invalid reference format: repository name (library/DUMMY) must be lowercase"),
            ("a/B:1", "invalid reference format: repository name (a/B) must be lowercase"),
            ("A_b/c", "repository name must be lowercase"),
            (&too_long, "repository name must not be more than 255 characters"),
            (&short, "invalid checksum digest length"),
            (&capitals, "invalid checksum digest format"),
            (&unknown, "unsupported digest algorithm"),
            (
                &identifier,
                &format!(
                    "invalid repository name ({identifier}), cannot specify 64-byte hexadecimal strings"
                ),
            ),
        ];
        for (name, expected) in table {
            assert_eq!(check(name).map_err(|error| error.to_string()), Err(expected.to_owned()), "{name}");
        }
    }
}
