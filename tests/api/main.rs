//! The API as its clients see it: kubectl, the Kubernetes clients of Rust and Python, and octets.
//!
//! - `bad_requests`: what is refused, with Kubernetes' own words.
//! - `kubectl`, `kubectl_changes`, `streams`: what people type, from `get` to `exec`.
//! - `kube_client`, `python_client`: what programs are written with.
//! - `nodes`: nodes that are described, drained and lost.
//! - `watch_load`: many watchers while much is written.
//!
//! `tests/README.md` says what each needs.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod bad_requests;
mod kube_client;
mod kubectl;
mod kubectl_changes;
mod nodes;
mod python_client;
mod streams;
#[path = "../support/mod.rs"]
mod support;
mod watch_load;
