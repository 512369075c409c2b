//! What reads input of others, without a server: every mistake in a manifest (`bad_manifests`) and the
//! fuzz targets over kept and made inputs (`fuzzing`); what the documentation tells people to type
//! (`documents`), and a new user's first hour (`first_hour`).

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod bad_manifests;
mod documents;
mod first_hour;
mod fuzzing;

#[path = "../support/mod.rs"]
mod support;
