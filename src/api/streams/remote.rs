//! Carries a session over SPDY: a stream for each of its pipes, named by `streamtype`.
//!
//! The error stream, which a client opens first, waits for the others and finally carries the exit.

use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, DuplexStream};
use tokio::sync::mpsc;

use super::channel;
use super::spdy::connection::{Accept, Opened, Output, Served};
use crate::clock::Clock;
use crate::streaming::{Exit, Session, TerminalSize, Wanted};

/// How long a session waits for its streams; the kubelet's value.
const STREAMS_PATIENCE: Duration = Duration::from_secs(30);
/// How many kinds of streams there are.
const STREAMS_MAX: usize = 5;
/// The most that is read from a process at once.
const CHUNK_OCTETS: usize = 32 * 1024;
/// The longest terminal size, as text.
const SIZE_OCTETS_MAX: usize = 256;

/// A session to carry, or why it could not begin.
pub(crate) struct Remote {
    pub(crate) session: Result<Session, String>,
    pub(crate) wanted: Wanted,
    pub(crate) is_attached: bool,
    pub(crate) clock: Clock,
}

/// The streams of a session; what is not wanted stays empty.
#[derive(Default)]
struct Streams {
    stdin: Option<Opened>,
    stdout: Option<Opened>,
    stderr: Option<Opened>,
    resize: Option<Opened>,
}

impl Streams {
    fn slot(&mut self, kind: &str) -> Option<&mut Option<Opened>> {
        match kind {
            "stdin" => Some(&mut self.stdin),
            "stdout" => Some(&mut self.stdout),
            "stderr" => Some(&mut self.stderr),
            "resize" => Some(&mut self.resize),
            _ => None,
        }
    }

    fn is_complete(&self, wanted: Wanted) -> bool {
        (self.stdin.is_some() || !wanted.stdin)
            && (self.stdout.is_some() || !wanted.stdout)
            && (self.stderr.is_some() || !wanted.stderr)
            && (self.resize.is_some() || !wanted.tty)
    }
}

/// Serves the streams of a connection.
pub(crate) fn accept(remote: Remote) -> Accept {
    let (sender, receiver) = mpsc::channel(STREAMS_MAX);
    let mut first = Some((remote, receiver));
    Box::new(move |stream| {
        if stream.headers.get("streamtype")? == "error" {
            let (remote, others) = first.take()?;
            return Some(Box::pin(serve(remote, stream.output, others)) as Served);
        }
        // There are too many, or the session has ended.
        sender.try_send(stream).ok()?;
        Some(Box::pin(async {}))
    })
}

async fn serve(remote: Remote, errors: Output, mut others: mpsc::Receiver<Opened>) {
    let is_attached = remote.is_attached;
    let exit = match remote.session {
        Err(reason) => Exit::Failed(reason),
        Ok(session) => {
            let mut streams = Streams::default();
            let gathered = tokio::select! {
                () = gather(&mut streams, &mut others, remote.wanted) => true,
                () = remote.clock.sleep(STREAMS_PATIENCE) => false,
            };
            match gathered {
                true => carry(session, streams).await,
                false => Exit::Failed("timed out waiting for client to create streams".to_owned()),
            }
        }
    };
    let end = channel::end(&exit, is_attached).to_string();
    // The client may be gone.
    let _ = errors.send(end.as_bytes()).await;
    errors.finish().await;
}

async fn gather(streams: &mut Streams, others: &mut mpsc::Receiver<Opened>, wanted: Wanted) {
    while !streams.is_complete(wanted) {
        let Some(stream) = others.recv().await else { return std::future::pending().await };
        let kind = stream.headers.get("streamtype").cloned().unwrap_or_default();
        if let Some(slot) = streams.slot(&kind) {
            *slot = Some(stream);
        }
    }
}

async fn carry(session: Session, streams: Streams) -> Exit {
    let outputs = async {
        tokio::join!(pump(session.stdout, streams.stdout), pump(session.stderr, streams.stderr));
    };
    let inputs = async {
        tokio::join!(
            async {
                if let (Some(mut from), Some(mut to)) =
                    (streams.stdin.map(|stream| stream.input), session.stdin)
                {
                    // The process reads no more; the rest of the input is dropped.
                    let _ = tokio::io::copy(&mut from, &mut to).await;
                }
            },
            async {
                if let (Some(from), Some(to)) = (streams.resize.map(|stream| stream.input), session.size) {
                    resize(from, &to).await;
                }
            }
        );
        std::future::pending::<()>().await;
    };
    tokio::select! {
        ((), exit) = async { tokio::join!(outputs, session.exit) } => exit,
        () = inputs => Exit::Failed("the input ended".to_owned()),
    }
}

async fn pump(from: Option<std::pin::Pin<Box<dyn AsyncRead + Send>>>, to: Option<Opened>) {
    let (Some(mut from), Some(to)) = (from, to) else { return };
    let mut chunk = vec![0; CHUNK_OCTETS];
    while let Ok(length) = from.read(&mut chunk).await
        && length > 0
    {
        if to.output.send(&chunk[..length]).await.is_err() {
            return;
        }
    }
    to.output.finish().await;
}

/// Reads terminal sizes, one per line.
async fn resize(mut from: DuplexStream, to: &tokio::sync::watch::Sender<TerminalSize>) {
    let mut line = Vec::new();
    while let Ok(octet) = from.read_u8().await {
        if octet != b'\n' && line.len() < SIZE_OCTETS_MAX {
            line.push(octet);
            continue;
        }
        if let Some(size) = channel::size_of(&line) {
            to.send_replace(size);
        }
        line.clear();
    }
}
