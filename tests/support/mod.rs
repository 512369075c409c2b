//! What the network tests share: a server to ask, messages to ask with, tools that may be missing.

pub mod message;
pub mod server;
pub mod tools;
