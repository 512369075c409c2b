//! What is around the servers: every mistake in a manifest (`bad_manifests`), the fuzz targets over
//! kept and made inputs (`fuzzing`), completions and man pages (`shells`), and what people install
//! (`packaging`). The first two need nothing but this program.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod bad_manifests;
mod fuzzing;
mod packaging;
mod shells;
#[path = "../support/mod.rs"]
mod support;
