//! What is around the servers.
//!
//! - `bad_manifests`, `manifests`: every mistake in a manifest, and manifests that are followed.
//! - `servers`: names, locks, signals, help and logs.
//! - `shells`, `packaging`: completions, man pages, and what people install.
//! - `documents`, `first_hour`: what the documentation tells people to type, and a new user's first hour.
//! - `fuzzing`: the fuzz targets over kept and made inputs.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod bad_manifests;
mod command_line;
mod documents;
mod first_hour;
mod fuzzing;
mod manifests;
mod servers;
mod shells;
mod signals;
#[path = "../support/mod.rs"]
mod support;
