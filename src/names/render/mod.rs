//! Kubernetes objects to records, by the specification "Kubernetes DNS-Based Service Discovery" 1.1.0
//! and CoreDNS. Pure: objects in, contributions and complaints out.
//!
//! | file | objects | names |
//! |---|---|---|
//! | `service` | a service and its slices | `<svc>.<ns>.svc`, `_<port>._<proto>.…`, `<endpoint>.…`, PTR |
//! | `again` | the same, some of whose slices have changed | only the names that differ |
//! | `endpoints` | slices | who is ready, at which address, under which label |
//! | `form` | a service | headless, with cluster addresses, or an alias |
//! | `zonal` | a headless service's endpoints by zone | `<zone>.pin._zone.<svc>.…`, `<zone>.prefer.…` |
//! | `pods` | namespaces, pods | `<ns>.svc`, `<ns>.pod`, `<a-b-c-d>.<ns>.pod` |
//! | `fixed` | options | apex, `ns.dns`, `dns-version`, `svc`, `pod` |
//! | `reverse` | addresses, networks | `in-addr.arpa`, `ip6.arpa` |
//!
//! Names that exist without records (namespaces, `svc`) are entries without RRsets. A part of an
//! object that gives no valid name is left out with a complaint; the rest is rendered.

mod again;
mod draft;
mod endpoints;
mod fixed;
mod form;
mod pods;
mod port;
pub(crate) mod reverse;
mod scheme;
mod service;
mod srv;
mod touched;
mod work;
mod zonal;

pub use scheme::{NameServer, Rendered, Scheme};
pub use touched::Touched;

#[cfg(test)]
mod tests;
