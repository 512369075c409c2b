//! Carries a session over a WebSocket until the process or the client ends.
//!
//! ```text
//!   client ─► listen ─► stdin, size
//!   client ◄─ tell ◄─ (MESSAGES_MAX) ◄─ stdout, stderr, then the end
//! ```
//!
//! Buffers are bounded: a client that does not read blocks the output of the process, and a process
//! that does not read blocks the client's input. Pings detect a client that vanished.

use std::time::Duration;

use axum::extract::ws::{CloseFrame, Message, WebSocket, close_code};
use bytes::Bytes;
use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt, StreamExt};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::channel::{self, Said, Version};
use crate::clock::Clock;
use crate::streaming::{Exit, Session, TerminalSize};

/// How many messages to a client may be queued.
const MESSAGES_MAX: usize = 8;
/// The most output in one message.
const CHUNK_OCTETS: usize = 32 * 1024;
/// How often a client is pinged.
const PING_INTERVAL: Duration = Duration::from_secs(30);
/// How long a client may be silent, pongs included.
const SILENCE_MAX: Duration = Duration::from_secs(180);

/// How a session is carried.
pub(crate) struct Way {
    pub(crate) version: Version,
    pub(crate) is_attached: bool,
    pub(crate) clock: Clock,
    pub(crate) stop: CancellationToken,
}

/// Carries `session` until its exit was sent, the client is gone, or the server stops. For a session
/// that could not begin only the reason is sent.
pub(crate) async fn carry(socket: WebSocket, session: Result<Session, String>, way: Way) {
    let (sink, stream) = socket.split();
    let (sender, receiver) = mpsc::channel(MESSAGES_MAX);
    let mut session = session;
    let (stdin, size) = match &mut session {
        Ok(session) => (session.stdin.take(), session.size.take()),
        Err(_) => (None, None),
    };
    let produced = async {
        let exit = match session {
            Ok(session) => produce(session, &sender).await,
            Err(reason) => Exit::Failed(reason),
        };
        let end = channel::end(&exit, way.is_attached).to_string();
        // The client may be gone.
        let _ = sender.send(channel::message(channel::END, end.as_bytes())).await;
        drop(sender);
    };
    let told = tell(sink, receiver, &way);
    tokio::select! {
        // Output is sent while it is produced, to its end.
        _ = async { tokio::join!(produced, told) } => {}
        () = listen(stream, stdin, size, &way) => {}
    }
}

/// Reads a session's output to the end; returns how it ended.
async fn produce(session: Session, sender: &mpsc::Sender<Vec<u8>>) -> Exit {
    let outputs = async {
        tokio::join!(
            pump(session.stdout, channel::STDOUT, sender),
            pump(session.stderr, channel::STDERR, sender)
        );
    };
    let ((), exit) = tokio::join!(outputs, session.exit);
    exit
}

async fn pump(
    output: Option<std::pin::Pin<Box<dyn AsyncRead + Send>>>,
    channel: u8,
    sender: &mpsc::Sender<Vec<u8>>,
) {
    let Some(mut output) = output else { return };
    let mut chunk = vec![0; CHUNK_OCTETS];
    while let Ok(length) = output.read(&mut chunk).await
        && length > 0
    {
        if sender.send(channel::message(channel, &chunk[..length])).await.is_err() {
            return;
        }
    }
}

/// Sends queued messages, with pings between, and closes at the end.
async fn tell(mut sink: SplitSink<WebSocket, Message>, mut messages: mpsc::Receiver<Vec<u8>>, way: &Way) {
    let close = |code, reason: &'static str| Message::Close(Some(CloseFrame { code, reason: reason.into() }));
    loop {
        let message = tokio::select! {
            message = messages.recv() => match message {
                Some(message) => Message::Binary(message.into()),
                None => close(close_code::NORMAL, ""),
            },
            () = way.clock.sleep(PING_INTERVAL) => Message::Ping(Bytes::new()),
            () = way.stop.cancelled() => close(close_code::AWAY, "the server stops"),
        };
        let is_last = matches!(message, Message::Close(_));
        if sink.send(message).await.is_err() || is_last {
            return;
        }
    }
}

/// Passes the client's messages on until it is gone.
async fn listen(
    mut stream: SplitStream<WebSocket>,
    mut stdin: Option<std::pin::Pin<Box<dyn tokio::io::AsyncWrite + Send>>>,
    size: Option<tokio::sync::watch::Sender<TerminalSize>>,
    way: &Way,
) {
    loop {
        let message = tokio::select! {
            message = stream.next() => message,
            () = way.clock.sleep(SILENCE_MAX) => return,
        };
        let message = match message {
            Some(Ok(Message::Binary(message))) => message,
            Some(Ok(Message::Close(_)) | Err(_)) | None => return,
            // The library answers pings; text messages have no meaning here.
            Some(Ok(_)) => continue,
        };
        match channel::read(&message, way.version) {
            Said::Input(input) => {
                if let Some(open) = &mut stdin
                    && (open.write_all(input).await.is_err() || open.flush().await.is_err())
                {
                    // The process reads no more; the rest of the input is dropped.
                    stdin = None;
                }
            }
            Said::EndOfInput => stdin = None,
            Said::Size(now) => {
                if let Some(size) = &size {
                    size.send_replace(now);
                }
            }
            Said::Nothing => {}
        }
    }
}
