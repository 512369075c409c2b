//! What is around the servers: every mistake in a manifest (`bad_manifests`), the fuzz targets over
//! kept and made inputs (`fuzzing`), completions and man pages (`shells`), what the documentation tells
//! people to type (`documents`), and a new user's first hour (`first_hour`). The first two need nothing
//! but this program.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod bad_manifests;
mod documents;
mod first_hour;
mod fuzzing;
mod shells;
#[path = "../support/mod.rs"]
mod support;
