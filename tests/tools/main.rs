//! What reads input of others, without a server: every mistake in a manifest (`bad_manifests`) and the
//! fuzz targets over kept and made inputs (`fuzzing`). Both need nothing but this program.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod bad_manifests;
mod documents;
mod fuzzing;
