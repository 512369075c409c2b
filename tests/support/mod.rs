//! What the network tests share: a server to ask, messages to ask with, tools that may be missing.

#![allow(dead_code, reason = "each test that includes this folder uses a part of it")]
#![allow(clippy::disallowed_methods, reason = "a load is paced and measured in real time")]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

pub(crate) mod binary;
pub(crate) mod cluster;
pub(crate) mod encrypted;
pub(crate) mod https;
pub(crate) mod load;
pub(crate) mod message;
pub(crate) mod namespace;
pub(crate) mod port;
pub(crate) mod raw;
pub(crate) mod server;
pub(crate) mod tools;
pub(crate) mod tsig;
pub(crate) mod upstream;
pub(crate) mod wait;
