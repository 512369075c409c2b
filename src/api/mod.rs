//! The Kubernetes API over HTTPS.
//!
//! ```text
//!   TLS, limits (server) ─► credentials, Host, Origin (gate) ─► path, query, body (request) ─► verbs ─► store
//!                                     response ◄─ status, tables, lists (answer) ◄─┘
//! ```
//!
//! Requests become calls of the store. exec, attach and port-forward go to a trait (streams) that
//! the application wires. Nothing here knows of controllers, runtimes or DNS.

pub mod server;
pub mod streams;

mod answer;
mod request;
mod verbs;
