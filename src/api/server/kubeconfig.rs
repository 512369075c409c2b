//! The kubeconfig that the server writes, and the user that it is for.
//!
//! It carries a token and a client certificate, either of which lets its holder in.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::pki::credentials::{Kept, Subject};

/// Who everybody with credentials is.
pub const ADMIN: Subject<'_> = Subject { user: "dullahan-admin", group: "system:masters" };

/// A kubeconfig with which a client reaches `server` (a URL). Cluster, context and user are all called
/// `context`, so that it can be merged with those of other servers.
pub(super) fn write(kept: &Kept, server: &str, context: &str) -> String {
    let [authority, certificate, key] =
        [&kept.authority_certificate, &kept.client_certificate, &kept.client_key]
            .map(|text| STANDARD.encode(text));
    let token = &kept.token;
    format!(
        "apiVersion: v1
kind: Config
current-context: {context}
clusters:
- name: {context}
  cluster:
    server: {server}
    certificate-authority-data: {authority}
contexts:
- name: {context}
  context:
    cluster: {context}
    user: {context}
    namespace: default
users:
- name: {context}
  user:
    token: {token}
    client-certificate-data: {certificate}
    client-key-data: {key}
"
    )
}
