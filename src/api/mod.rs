//! How objects come in: manifest files that are followed, and HTTP as Kubernetes speaks it.
//!
//! ```text
//!   TLS, limits (server) ─► who, from where (gate) ─► what (request) ─► verbs ─► store
//!                                     response ◄─ status, tables, lists (answer) ◄─┘
//! ```
//!
//! Streams into containers (exec, attach) go from verbs to a trait (streams) that the application
//! wires. Everything here turns what users send into store calls. It knows nothing of controllers,
//! runtimes or DNS.

pub mod server;
pub mod streams;

mod answer;
mod request;
mod verbs;
