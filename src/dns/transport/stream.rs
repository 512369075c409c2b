//! TCP and DoT: messages with a length prefix on a connection (RFC 1035, 4.2.2; RFC 7766), over TLS for
//! DoT (RFC 7858).
//!
//! This transport is our own because hickory's encodes responses itself and compresses at most 120 names
//! per message, so that a headless service with 1,400 endpoints no longer fits; it also answers some
//! malformed responses and does not limit connections.
//!
//! Limits: an idle connection is closed after [`STREAM_IDLE_TIMEOUT`], an incomplete message is waited
//! for [`MESSAGE_TIMEOUT`], a client that does not read for [`WRITE_TIMEOUT`]. Per connection one
//! response is buffered and [`PENDING_MAX`] requests wait for upstreams; then no further request is read.

use std::io;
use std::pin::pin;
use std::time::Duration;

use futures_util::{StreamExt, stream};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::sync::{Mutex as AsyncMutex, mpsc};
use tokio::time::timeout;

use super::session::Session;
use crate::dns::message::protocol::HEADER_LENGTH;
use crate::dns::secondary::transfer::Transfer;
use crate::dns::service::pending::Waiting;
use crate::dns::service::policy::STREAM_IDLE_TIMEOUT;
use crate::dns::service::respond::Reply;
use crate::dns::service::transfer::AdmittedTransfer;

/// Timeout of a message after its first octet.
const MESSAGE_TIMEOUT: Duration = Duration::from_secs(3);
/// Timeout of writing a message.
const WRITE_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a request that may be on its way is waited for when the server ends.
const LINGER: Duration = Duration::from_millis(50);
/// Transfers of a connection that wait for the current one.
const TRANSFERS_WAITING_MAX: usize = 1;
/// Requests of a connection that wait for upstreams.
const PENDING_MAX: usize = 64;

/// Starts an admitted transfer; its messages are made one by one.
pub fn begin_transfer(admitted: AdmittedTransfer) -> Transfer {
    let AdmittedTransfer { zone, known_serial, header, first: (question, edns), signer, clock } = admitted;
    Transfer::new(zone, known_serial, header, clock).beginning_with(question, edns).signed_by(signer)
}

/// Serves a connection until the client closes it or a timeout passes. Transfers and responses that wait
/// for upstreams do not delay other responses, so responses may be sent out of order (RFC 7766, 6.2.1.1);
/// transfers are sent one after the other.
pub(super) async fn converse(session: &Session, stream: impl AsyncRead + AsyncWrite) -> io::Result<()> {
    let (reader, writer) = tokio::io::split(stream);
    let conversation = Conversation { session, writer: AsyncMutex::new(writer) };
    let (transfers, admitted) = mpsc::channel(TRANSFERS_WAITING_MAX);
    let (waiting, asked) = mpsc::channel(1);
    let later = Later { transfers, waiting };
    tokio::try_join!(
        conversation.answer_requests(BufReader::new(reader), later),
        conversation.send_transfers(admitted),
        conversation.send_completed(asked),
    )
    .map(|_| ())
}

/// A session and the writing half of its connection.
struct Conversation<'s, W> {
    session: &'s Session,
    writer: AsyncMutex<W>,
}

impl<W: AsyncWrite + Unpin> Conversation<'_, W> {
    async fn answer_requests(&self, mut reader: impl AsyncReadExt + Unpin, later: Later) -> io::Result<()> {
        while let Some(request) = next_message(&mut reader, self.session.draining()).await? {
            match self.session.converse(&request) {
                Some(Reply::Message(response)) => self.send(&response.to_octets()).await?,
                Some(Reply::Transfer(transfer)) => {
                    later.transfers.send(transfer).await.map_err(io::Error::other)?;
                }
                Some(Reply::Pending(waiting)) => {
                    later.waiting.send(waiting).await.map_err(io::Error::other)?;
                }
                None => {}
            }
            // A client that pipelines thousands of queries must not starve other connections.
            tokio::task::yield_now().await;
        }
        Ok(())
    }

    async fn send_completed(&self, mut asked: mpsc::Receiver<Box<Waiting>>) -> io::Result<()> {
        let asked = stream::poll_fn(|context| asked.poll_recv(context));
        let completed = asked.map(|waiting| self.session.complete(*waiting));
        let mut completed = pin!(completed.buffer_unordered(PENDING_MAX));
        while let Some(response) = completed.next().await {
            if let Some(response) = response {
                self.send(&response.to_octets()).await?;
            }
        }
        Ok(())
    }

    async fn send_transfers(&self, mut admitted: mpsc::Receiver<Box<AdmittedTransfer>>) -> io::Result<()> {
        while let Some(admitted) = admitted.recv().await {
            let mut transfer = Box::new(begin_transfer(*admitted));
            while let Some((message, rest)) = beside(transfer).await? {
                self.session.touch();
                self.send(&message).await?;
                transfer = rest;
            }
        }
        Ok(())
    }

    async fn send(&self, message: &[u8]) -> io::Result<()> {
        let sent = async {
            let mut writer = self.writer.lock().await;
            writer.write_all(&framed(message)).await?;
            writer.flush().await
        };
        timeout(WRITE_TIMEOUT, sent).await?
    }
}

/// The next message of a transfer, made on a blocking thread: the first one of a large zone takes long.
async fn beside(mut transfer: Box<Transfer>) -> io::Result<Option<(Vec<u8>, Box<Transfer>)>> {
    let made = tokio::task::spawn_blocking(move || Some((transfer.next_message()?, transfer)));
    made.await.map_err(|error| match error.try_into_panic() {
        Ok(payload) => std::panic::resume_unwind(payload),
        Err(error) => io::Error::other(error),
    })
}

/// Channels for replies that are sent later.
struct Later {
    transfers: mpsc::Sender<Box<AdmittedTransfer>>,
    waiting: mpsc::Sender<Box<Waiting>>,
}

/// The next message; `None` if the client closed the connection, was idle for too long or while the server
/// is `draining`, or announces a message shorter than a header.
async fn next_message(
    reader: &mut (impl AsyncReadExt + Unpin),
    draining: impl Future<Output = ()>,
) -> io::Result<Option<Vec<u8>>> {
    let mut length = [0; 2];
    let mut first = pin!(reader.read(&mut length[..1]));
    let first = tokio::select! {
        biased;
        first = timeout(STREAM_IDLE_TIMEOUT, &mut first) => first,
        () = draining => timeout(LINGER, &mut first).await,
    };
    match first {
        Ok(Ok(1)) => {}
        Ok(Err(error)) => return Err(error),
        Ok(Ok(_)) | Err(_) => return Ok(None),
    }
    timeout(MESSAGE_TIMEOUT, async {
        reader.read_exact(&mut length[1..]).await?;
        let length = usize::from(u16::from_be_bytes(length));
        if length < HEADER_LENGTH {
            return Ok(None);
        }
        let mut message = vec![0; length];
        reader.read_exact(&mut message).await?;
        Ok(Some(message))
    })
    .await?
}

/// Length prefix and message in one buffer, so that they are sent in one segment (RFC 7766, section 8).
fn framed(message: &[u8]) -> Vec<u8> {
    let length = u16::try_from(message.len()).expect("a stream response is held to 65535 octets");
    [&length.to_be_bytes(), message].concat()
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};

    use hickory_proto::op::{MessageType, Metadata, OpCode};
    use hickory_proto::rr::Name;
    use hickory_proto::rr::rdata::SOA;

    use super::*;
    use crate::clock::Clock;
    use crate::dns::zone::Zone;

    #[test]
    fn the_worker_is_free_while_a_message_of_a_transfer_is_made() {
        let name = |text| Name::from_ascii(text).unwrap();
        let zone = Zone::new(name("z."), SOA::new(name("ns.z."), name("me.z."), 1, 2, 3, 4, 5), 9);
        let header = Metadata::new(7, MessageType::Response, OpCode::Query);
        let transfer = Box::new(Transfer::new(zone, None, header, Clock::system()));
        let runtime = tokio::runtime::Builder::new_current_thread().max_blocking_threads(1).build().unwrap();
        runtime.block_on(async {
            let (release, released) = std::sync::mpsc::channel::<()>();
            let other = tokio::task::spawn_blocking(move || released.recv());
            let mut made = pin!(beside(transfer));
            assert!(futures_util::poll!(made.as_mut()).is_pending(), "it is not made here");
            release.send(()).unwrap();
            other.await.unwrap().unwrap();
            let (message, rest) = made.await.unwrap().expect("there is a message");
            assert_eq!(message[6..8], [0, 2], "the SOA twice");
            assert!(beside(rest).await.unwrap().is_none());
        });
    }

    #[tokio::test(start_paused = true)]
    async fn a_message_that_does_not_come_to_its_end_is_not_waited_for() {
        let (mut client, mut server) = tokio::io::duplex(64);
        client.write_all(&[0, 20, 1, 2, 3]).await.unwrap();
        let ended = next_message(&mut server, pending()).await;
        assert_eq!(ended.unwrap_err().kind(), io::ErrorKind::TimedOut);
    }

    #[tokio::test(start_paused = true)]
    async fn when_the_server_ends_what_has_been_sent_is_read_and_no_more_is_waited_for() {
        let (mut client, mut server) = tokio::io::duplex(64);
        let message = [&[0, 12][..], &[7; 12]].concat();
        client.write_all(&[&message[..], &message[..]].concat()).await.unwrap();
        for _ in 0..2 {
            assert_eq!(next_message(&mut server, ready(())).await.unwrap(), Some(vec![7; 12]));
        }
        let began = tokio::time::Instant::now();
        assert!(next_message(&mut server, ready(())).await.unwrap().is_none());
        assert_eq!(began.elapsed(), LINGER);
    }

    #[tokio::test(start_paused = true)]
    async fn silence_an_end_and_less_than_a_header_end_a_connection() {
        let (_client, mut server) = tokio::io::duplex(64);
        assert!(next_message(&mut server, pending()).await.unwrap().is_none(), "silence");
        let (client, mut server) = tokio::io::duplex(64);
        drop(client);
        assert!(next_message(&mut server, pending()).await.unwrap().is_none(), "end");
        let (mut client, mut server) = tokio::io::duplex(64);
        client.write_all(&[0, 11, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]).await.unwrap();
        assert!(next_message(&mut server, pending()).await.unwrap().is_none(), "too short");
    }
}
