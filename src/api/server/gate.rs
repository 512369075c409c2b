//! Authentication: a bearer token or a client certificate of this server's authority; requests of
//! web pages are refused.
//!
//! A page in a browser can reach a server on loopback by its address, or by a name of its own that
//! resolves to it (DNS rebinding). `Origin` and `Sec-Fetch-Site` reveal the first, a `Host` that is
//! not this server's the second.

use std::collections::BTreeSet;
use std::net::IpAddr;

use axum::http::{HeaderMap, HeaderName, header};
use subtle::ConstantTimeEq;

use crate::api::answer::status::Failure;
use crate::api::request::path::Target;

const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Authenticates requests.
pub(crate) struct Gate {
    token: String,
    hosts: BTreeSet<String>,
}

impl Gate {
    /// `hosts` are the names of this server, besides its addresses.
    pub(crate) fn new(token: String, hosts: impl IntoIterator<Item = String>) -> Self {
        Self { token, hosts: hosts.into_iter().map(|host| host.to_ascii_lowercase()).collect() }
    }

    /// Admits a request or says why not. `target` is the parsed path, if it is served;
    /// `is_certified`: the connection has a client certificate of the authority.
    pub(crate) fn admit(
        &self,
        target: Option<&Target>,
        headers: &HeaderMap,
        is_certified: bool,
    ) -> Result<(), Failure> {
        self.check_host(headers)?;
        check_origin(headers)?;
        let is_public = matches!(target, Some(Target::Health));
        if is_public || is_certified || self.has_token(headers) {
            return Ok(());
        }
        Err(Failure::unauthorized())
    }

    fn check_host(&self, headers: &HeaderMap) -> Result<(), Failure> {
        let host = text(headers, &header::HOST).unwrap_or_default();
        let name = without_port(host).to_ascii_lowercase();
        let is_address = name.trim_matches(['[', ']']).parse::<IpAddr>().is_ok();
        if is_address || self.hosts.contains(&name) {
            return Ok(());
        }
        let message = format!(
            "the host \"{host}\" is not this server's; use its address, or start it with --tls-san for this name"
        );
        Err(Failure::new(403, "Forbidden", message))
    }

    fn has_token(&self, headers: &HeaderMap) -> bool {
        let credentials = text(headers, &header::AUTHORIZATION).unwrap_or_default();
        let Some((scheme, token)) = credentials.split_once(' ') else { return false };
        let is_equal: bool = token.trim().as_bytes().ct_eq(self.token.as_bytes()).into();
        scheme.eq_ignore_ascii_case("bearer") && is_equal
    }
}

fn check_origin(headers: &HeaderMap) -> Result<(), Failure> {
    let host = text(headers, &header::HOST).unwrap_or_default();
    let is_foreign_origin = headers.contains_key(header::ORIGIN)
        && text(headers, &header::ORIGIN).is_none_or(|origin| origin != format!("https://{host}"));
    let is_foreign_site =
        text(headers, &FETCH_SITE).is_some_and(|site| !matches!(site, "none" | "same-origin"));
    if is_foreign_origin || is_foreign_site {
        return Err(Failure::new(403, "Forbidden", "web pages of other origins may not use this server"));
    }
    Ok(())
}

fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) && !name.ends_with(':') => name,
        _ => host,
    }
}

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::request::path;

    fn check(path: &str, headers: &[(&'static str, &str)], is_certified: bool, expected: Option<u16>) {
        let gate = Gate::new("secret".into(), ["localhost".to_owned()]);
        let headers: HeaderMap = headers
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), value.parse().unwrap()))
            .collect();
        let found =
            gate.admit(path::parse(path).as_ref(), &headers, is_certified).err().map(|failure| failure.code);
        assert_eq!(found, expected, "{path} {headers:?}");
    }

    #[test]
    fn only_credentials_let_in_and_only_health_needs_none() {
        let host = ("host", "localhost:7443");
        check("/api", &[host], false, Some(401));
        check("/api", &[host, ("authorization", "Bearer secret")], false, None);
        check("/api", &[host, ("authorization", "bearer secret")], false, None);
        check("/api", &[host, ("authorization", "Bearer secre")], false, Some(401));
        check("/api", &[host, ("authorization", "Basic secret")], false, Some(401));
        check("/api", &[host], true, None);
        check("/livez", &[host], false, None);
        check("/version", &[host], false, Some(401));
    }

    #[test]
    fn web_pages_stay_out_whatever_they_know() {
        let token = ("authorization", "Bearer secret");
        for (host, expected) in [
            ("127.0.0.1:7443", None),
            ("[::1]:7443", None),
            ("[::1]", None),
            ("LOCALHOST", None),
            ("evil.example:7443", Some(403)),
            ("", Some(403)),
        ] {
            check("/api", &[("host", host), token], false, expected);
        }
        let host = ("host", "localhost:7443");
        for (header, expected) in [
            (("origin", "https://localhost:7443"), None),
            (("origin", "https://evil.example"), Some(403)),
            (("origin", "null"), Some(403)),
            (("sec-fetch-site", "cross-site"), Some(403)),
            (("sec-fetch-site", "same-origin"), None),
        ] {
            check("/api", &[host, token, header], true, expected);
        }
    }
}
