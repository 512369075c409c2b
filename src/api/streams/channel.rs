//! Kubernetes' remote command protocol over WebSocket: binary messages whose first octet is the
//! channel.
//!
//! Version 4 has standard input, output and error, the exit as a Status, and terminal sizes;
//! version 5 adds a message that closes standard input. Pure: octets in, values out.

use serde_json::{Value, json};

use crate::streaming::{Exit, TerminalSize};

/// The subprotocols in order of preference, for WebSocket and for SPDY (whose streams close one by
/// one).
pub(crate) const PROTOCOLS: [&str; 2] = ["v5.channel.k8s.io", "v4.channel.k8s.io"];

const STDIN: u8 = 0;
/// The channel of standard output.
pub(crate) const STDOUT: u8 = 1;
/// The channel of standard error.
pub(crate) const STDERR: u8 = 2;
/// The channel of the exit, a Status.
pub(crate) const END: u8 = 3;
const RESIZE: u8 = 4;
const CLOSE: u8 = 255;

/// The version of the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Version {
    V4,
    V5,
}

impl Version {
    /// The version that a subprotocol stands for.
    pub(crate) fn of(protocol: &str) -> Option<Self> {
        match protocol {
            "v5.channel.k8s.io" => Some(Self::V5),
            "v4.channel.k8s.io" => Some(Self::V4),
            _ => None,
        }
    }
}

/// A message of a client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Said<'a> {
    Input(&'a [u8]),
    EndOfInput,
    Size(TerminalSize),
    /// Unknown; ignored, as Kubernetes does.
    Nothing,
}

/// What a binary message of a client means.
pub(crate) fn read(message: &[u8], version: Version) -> Said<'_> {
    match (message.split_first(), version) {
        (Some((&STDIN, input)), _) => Said::Input(input),
        (Some((&RESIZE, size)), _) => size_of(size).map_or(Said::Nothing, Said::Size),
        (Some((&CLOSE, &[STDIN])), Version::V5) => Said::EndOfInput,
        _ => Said::Nothing,
    }
}

/// The size of a terminal, as clients encode it.
pub(crate) fn size_of(text: &[u8]) -> Option<TerminalSize> {
    let size: Value = serde_json::from_slice(text).ok()?;
    let number = |name: &str| u16::try_from(size.get(name)?.as_u64()?).ok();
    Some(TerminalSize { width: number("Width")?, height: number("Height")? })
}

/// A message to a client.
pub(crate) fn message(channel: u8, octets: &[u8]) -> Vec<u8> {
    let mut message = Vec::with_capacity(octets.len() + 1);
    message.push(channel);
    message.extend_from_slice(octets);
    message
}

/// The Status with which a stream ends. An attached client reads the container's exit code from its
/// pod, so for it every exit is a success.
pub(crate) fn end(exit: &Exit, is_attached: bool) -> Value {
    match exit {
        Exit::Code(code) if *code != 0 && !is_attached => json!({
            "metadata": {}, "status": "Failure", "reason": "NonZeroExitCode",
            "message": format!("command terminated with non-zero exit code: exit status {code}"),
            "details": {"causes": [{"reason": "ExitCode", "message": code.to_string()}]},
        }),
        Exit::Code(_) => json!({"metadata": {}, "status": "Success"}),
        Exit::Failed(message) => json!({
            "metadata": {}, "status": "Failure", "reason": "InternalError", "message": message, "code": 500,
            "details": {"causes": [{"message": message}]},
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_octet_says_what_a_message_is() {
        let size = Said::Size(TerminalSize { width: 100, height: 30 });
        for (message, version, expected) in [
            (&b"\x00ls\n"[..], Version::V4, Said::Input(b"ls\n")),
            (b"\x00", Version::V5, Said::Input(b"")),
            (b"\x04{\"Width\":100,\"Height\":30}\n", Version::V5, size),
            (b"\x04{\"Width\":100000,\"Height\":30}", Version::V5, Said::Nothing),
            (b"\x04nonsense", Version::V4, Said::Nothing),
            (b"\xff\x00", Version::V5, Said::EndOfInput),
            (b"\xff\x00", Version::V4, Said::Nothing),
            (b"\xff\x01", Version::V5, Said::Nothing),
            (b"\x01x", Version::V5, Said::Nothing),
            (b"", Version::V5, Said::Nothing),
        ] {
            assert_eq!(read(message, version), expected, "{message:?}");
        }
    }

    #[test]
    fn an_end_tells_its_code_to_who_ran_the_command_and_success_to_who_attached() {
        let status = |exit: &Exit, is_attached| end(exit, is_attached)["status"].as_str().map(str::to_owned);
        assert_eq!(status(&Exit::Code(0), false).as_deref(), Some("Success"));
        assert_eq!(status(&Exit::Code(3), true).as_deref(), Some("Success"));
        assert_eq!(end(&Exit::Code(3), false)["details"]["causes"][0]["message"], "3");
        let failed = Exit::Failed("no such file".into());
        for is_attached in [false, true] {
            assert_eq!(end(&failed, is_attached)["message"], "no such file");
        }
    }
}
