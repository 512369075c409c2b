//! The program as a tool of its user: what it reads, prints and leaves behind.
//!
//! - `bad_manifests`, `fuzzing`: input of others; every mistake in a manifest, and the fuzz targets.
//! - `servers`: names, locks and files of servers beside each other; `signals`: SIGHUP and SIGTERM.
//! - `command_line`: help, tips, logs, JSON and colours; `shells`: completions and man pages.
//! - `documents`: what the documentation tells people to type; `first_hour`: a new user's first hour.
//!
//! `tests/README.md` says what each needs.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod bad_manifests;
mod command_line;
mod documents;
mod first_hour;
mod fuzzing;
mod servers;
mod shells;
mod signals;
#[path = "../support/mod.rs"]
mod support;
