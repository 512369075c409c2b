//! The whole: StatefulSets, simulated pods and their names together.
//!
//! - `tutorial`, `tutorial_dns`: five public tutorials as they are written, and one as dig sees it.
//! - `examples`: every file of `examples/` does what its first lines say.
//! - `exported`: the export of a real cluster in `examples/` is answered for.
//! - `real_manifests`: what people deploy becomes Ready and resolves.
//! - `peers`: pods that find one another before they are Ready.
//!
//! `tests/README.md` says what each needs.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod examples;
mod exported;
mod peers;
mod real_manifests;
#[path = "../support/mod.rs"]
mod support;
mod tutorial;
mod tutorial_dns;
