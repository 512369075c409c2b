//! The program as a tool of its user: what it reads, prints and leaves behind.
//!
//! - `bad_manifests`, `fuzzing`: input of others; every mistake in a manifest, and the fuzz targets.
//! - `servers`: names, locks and files of servers beside each other; `signals`: SIGHUP and SIGTERM.
//! - `command_line`: help, tips, logs, JSON and colours.
//!
//! All need nothing but this program; the test of colours needs `script`.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod bad_manifests;
mod command_line;
mod fuzzing;
mod servers;
mod signals;
#[path = "../support/mod.rs"]
mod support;
