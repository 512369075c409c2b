//! A connection with its streams, from the first frame to the last.
//!
//! One task reads, one writes, and each stream is served by a future of its own; all of them end
//! with the connection.

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::{Arc, Weak};
use std::time::Duration;

use bytes::Bytes;
use futures_util::{Sink, SinkExt, Stream, StreamExt};
use tokio::io::{AsyncWriteExt, DuplexStream};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::broken::Broken;
use super::frame::{self, Decoder, Frame, Leave, Refusal};
use super::headers::{Deflater, Headers};
use crate::clock::Clock;

/// How many streams a connection may have open at once.
pub(crate) const CONNECTION_STREAMS_MAX: usize = 256;
/// How much of what a client sends in one stream waits to be read.
const PIPE_OCTETS: usize = 64 * 1024;
/// How many frames to a client wait to be sent.
const FRAMES_MAX: usize = 8;
/// How often a client is pinged.
const PING_INTERVAL: Duration = Duration::from_secs(30);
/// How long a client may say nothing, not even that it is there.
const SILENCE_MAX: Duration = Duration::from_secs(180);
/// How long a stream may not be read while more of it comes; then it is given up, for the others.
pub(crate) const STALL_MAX: Duration = Duration::from_secs(60);
/// How long a connection may have no streams, as long as a kubelet lets it.
const IDLE_MAX: Duration = Duration::from_secs(4 * 60 * 60);

/// A stream that a client has opened.
pub(crate) struct Opened {
    pub(crate) id: u32,
    pub(crate) headers: Headers,
    /// What the client sends, until it has sent all.
    pub(crate) input: DuplexStream,
    pub(crate) output: Output,
    /// Cancelled when the client gives the stream up.
    pub(crate) is_reset: CancellationToken,
}

/// Where a stream is answered. The stream is open until this is dropped.
pub(crate) struct Output {
    id: u32,
    frames: mpsc::Sender<Bytes>,
    _open: Arc<()>,
}

/// The client is gone.
#[derive(Debug)]
pub(crate) struct Gone;

impl Output {
    /// Sends some octets, once there is room for them.
    pub(crate) async fn send(&self, octets: &[u8]) -> Result<(), Gone> {
        self.frames.send(frame::data(self.id, octets, false)).await.map_err(|_| Gone)
    }

    /// Says that this was all.
    pub(crate) async fn finish(self) {
        // Whoever is gone needs no end.
        let _ = self.frames.send(frame::data(self.id, b"", true)).await;
    }
}

/// What serves a stream.
pub(crate) type Served = Pin<Box<dyn Future<Output = ()> + Send>>;
/// Takes a new stream and gives what serves it, or does not take it.
pub(crate) type Accept = Box<dyn FnMut(Opened) -> Option<Served> + Send>;

/// Serves a connection until either end is over or the server stops.
pub(crate) async fn serve<I, O>(
    incoming: I,
    outgoing: O,
    clock: Clock,
    stop: CancellationToken,
    accept: Accept,
) where
    I: Stream<Item = Bytes> + Send,
    O: Sink<Bytes> + Send,
{
    let (frames, waiting) = mpsc::channel(FRAMES_MAX);
    let connection = Connection {
        decoder: Decoder::default(),
        deflater: Deflater::default(),
        streams: HashMap::new(),
        served: JoinSet::new(),
        last: 0,
        is_leaving: false,
        clock: clock.clone(),
        stop,
        accept,
        frames,
    };
    let told = tell(outgoing, waiting, clock);
    // A client that cannot be written to is gone, whoever still waits to be read by it.
    let mut told = std::pin::pin!(told);
    tokio::select! {
        () = connection.listen(incoming) => {}
        () = &mut told => return,
    }
    told.await;
}

/// Sends what there is, and pings between.
async fn tell(outgoing: impl Sink<Bytes>, mut frames: mpsc::Receiver<Bytes>, clock: Clock) {
    let mut outgoing = std::pin::pin!(outgoing);
    // A server's pings have even numbers.
    let mut number = 0_u32;
    loop {
        let frame = tokio::select! {
            frame = frames.recv() => match frame {
                Some(frame) => frame,
                None => break,
            },
            () = clock.sleep(PING_INTERVAL) => {
                number = number.wrapping_add(2);
                frame::ping(number)
            }
        };
        if outgoing.send(frame).await.is_err() {
            return;
        }
    }
    // The client may have closed already.
    let _ = outgoing.close().await;
}

/// What is known of an open stream.
struct Known {
    /// Where its octets go; `None` once the client has sent all, or nobody reads them.
    pipe: Option<DuplexStream>,
    is_reset: CancellationToken,
    /// Whether it is still being answered.
    open: Weak<()>,
}

struct Connection {
    decoder: Decoder,
    deflater: Deflater,
    streams: HashMap<u32, Known>,
    served: JoinSet<()>,
    /// The last stream that was accepted.
    last: u32,
    /// Whether the client opens no more streams.
    is_leaving: bool,
    clock: Clock,
    stop: CancellationToken,
    accept: Accept,
    frames: mpsc::Sender<Bytes>,
}

impl Connection {
    async fn listen(mut self, incoming: impl Stream<Item = Bytes>) {
        let mut incoming = std::pin::pin!(incoming);
        let mut leave = Leave::Ok;
        let mut idle_since = self.clock.now();
        while !(self.is_leaving && self.served.is_empty()) {
            let idle_for = self.clock.now().duration_since(idle_since).unsigned_abs();
            tokio::select! {
                chunk = incoming.next() => {
                    let Some(chunk) = chunk else { return };
                    if let Err(broken) = self.hear(&chunk).await {
                        tracing::debug!(%broken, "a SPDY connection is given up");
                        leave = Leave::ProtocolError;
                        break;
                    }
                }
                Some(_) = self.served.join_next() => {}
                () = self.clock.sleep(SILENCE_MAX) => return,
                () = self.clock.sleep(IDLE_MAX.saturating_sub(idle_for)), if self.served.is_empty() => break,
                () = self.stop.cancelled() => break,
            }
            if !self.served.is_empty() {
                idle_since = self.clock.now();
            }
        }
        self.say(frame::go_away(self.last, leave)).await;
    }

    async fn hear(&mut self, chunk: &[u8]) -> Result<(), Broken> {
        self.decoder.feed(chunk);
        while let Some(frame) = self.decoder.next()? {
            match frame {
                Frame::Open { stream, headers, is_last } => self.open(stream, headers, is_last).await,
                Frame::Data { stream, octets, is_last } => self.pass(stream, &octets, is_last).await,
                Frame::Reset { stream } => {
                    if let Some(known) = self.streams.remove(&stream) {
                        known.is_reset.cancel();
                    }
                }
                // An even number is the answer to a ping of ours.
                Frame::Ping(number) if number % 2 == 1 => self.say(frame::ping(number)).await,
                Frame::GoAway => self.is_leaving = true,
                Frame::Ping(_) | Frame::Other => {}
            }
        }
        Ok(())
    }

    async fn open(&mut self, id: u32, headers: Headers, is_last: bool) {
        self.streams.retain(|_, known| known.open.strong_count() > 0);
        // A client counts its streams up in odd numbers (SPDY/3, section 2.3.2).
        if self.is_leaving
            || id.is_multiple_of(2)
            || id <= self.last
            || self.streams.len() >= CONNECTION_STREAMS_MAX
        {
            return self.say(frame::reset(id, Refusal::Refused)).await;
        }
        let (pipe, input) = tokio::io::duplex(PIPE_OCTETS);
        let open = Arc::new(());
        let is_reset = CancellationToken::new();
        let known = Known {
            pipe: (!is_last).then_some(pipe),
            is_reset: is_reset.clone(),
            open: Arc::downgrade(&open),
        };
        let output = Output { id, frames: self.frames.clone(), _open: open };
        match (self.accept)(Opened { id, headers, input, output, is_reset }) {
            Some(served) => {
                self.last = id;
                self.streams.insert(id, known);
                let reply = frame::reply(id, &mut self.deflater);
                self.say(reply).await;
                self.served.spawn(served);
            }
            None => self.say(frame::reset(id, Refusal::Refused)).await,
        }
    }

    async fn pass(&mut self, id: u32, octets: &[u8], is_last: bool) {
        let Some(known) = self.streams.get_mut(&id) else {
            // What was on its way when the stream ended needs no answer.
            if id > self.last {
                self.say(frame::reset(id, Refusal::InvalidStream)).await;
            }
            return;
        };
        if let Some(pipe) = &mut known.pipe {
            tokio::select! {
                // Nobody reads a pipe that takes no more; the rest of it is for nobody.
                written = pipe.write_all(octets) => if written.is_err() || is_last { known.pipe = None },
                () = self.clock.sleep(STALL_MAX) => {
                    known.is_reset.cancel();
                    self.streams.remove(&id);
                    self.say(frame::reset(id, Refusal::Cancelled)).await;
                }
            }
        }
    }

    async fn say(&mut self, frame: Bytes) {
        // Whoever is gone is noticed by who reads.
        let _ = self.frames.send(frame).await;
    }
}
