//! How SPDY is transported: in the messages of a WebSocket, or directly after an upgrade.
//!
//! Message boundaries have no meaning, and messages may be empty.

use std::future::ready;
use std::pin::Pin;

use axum::extract::ws::{Message, WebSocket};
use bytes::{Bytes, BytesMut};
use futures_util::{Sink, SinkExt, Stream, StreamExt};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_util::codec::{BytesCodec, Framed};

/// The two halves of a connection.
pub(crate) struct Halves {
    pub(crate) incoming: Pin<Box<dyn Stream<Item = Bytes> + Send>>,
    pub(crate) outgoing: Pin<Box<dyn Sink<Bytes, Error = Broken> + Send>>,
}

/// The connection cannot be written to any more.
#[derive(Debug)]
pub(crate) struct Broken;

/// Over the binary messages of a WebSocket.
pub(crate) fn websocket(socket: WebSocket) -> Halves {
    let (to, from) = socket.split();
    let octets = from
        .map(|message| message.ok().and_then(octets_of))
        .take_while(|octets| ready(octets.is_some()))
        .filter_map(ready);
    let messages = to.sink_map_err(|_| Broken).with(|octets| ready(Ok(Message::Binary(octets))));
    Halves { incoming: Box::pin(octets), outgoing: Box::pin(messages) }
}

/// `None` at the end. The library answers pings; text messages have no meaning here.
fn octets_of(message: Message) -> Option<Bytes> {
    match message {
        Message::Binary(octets) => Some(octets),
        Message::Close(_) => None,
        _ => Some(Bytes::new()),
    }
}

/// Directly over the upgraded connection.
pub(crate) fn bare(io: impl AsyncRead + AsyncWrite + Send + 'static) -> Halves {
    let (to, from) = Framed::new(io, BytesCodec::new()).split::<Bytes>();
    let chunks = from
        .map(|chunk| chunk.ok().map(BytesMut::freeze))
        .take_while(|chunk| ready(chunk.is_some()))
        .filter_map(ready);
    Halves { incoming: Box::pin(chunks), outgoing: Box::pin(to.sink_map_err(|_| Broken)) }
}
