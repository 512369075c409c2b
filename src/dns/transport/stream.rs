//! TCP and DoT: connections that carry messages behind their length (RFC 1035, 4.2.2; RFC 7766),
//! over TLS in DoT (RFC 7858). DoH shares the accepting, the handshake and the limits.
//!
//! This is a transport of our own because hickory's cannot meet what streams are for: it encodes
//! responses itself and compresses 120 names of a message at most, so that a headless service of
//! 1,400 endpoints no longer fits; it answers some malformed responses; and it has no limit of
//! connections.
//!
//! At its limits: an idle connection is closed after [`STREAM_IDLE_TIMEOUT`], a message that does
//! not come to its end after [`MESSAGE_TIMEOUT`], a handshake after [`HANDSHAKE_TIMEOUT`], a client
//! that does not read after [`WRITE_TIMEOUT`]. With [`CONNECTIONS_MAX`] open, or [`CONNECTIONS_PER_ADDRESS_MAX`] of one
//! address, a new one takes the place of the one that has been idle for longest. What a connection
//! may keep waiting is one response, and [`PENDING_MAX`] requests for which others are asked: the
//! next request is read once there is room.

use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::pin;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use futures_util::{StreamExt, stream};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Mutex as AsyncMutex, mpsc};
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

use super::doh;
use crate::clock::Clock;
use crate::dns::message::response::Response;
use crate::dns::secondary::transfer::Transfer;
use crate::dns::service::forward::Pending;
use crate::dns::service::respond::{Asker, Reply, Transport};
use crate::dns::service::responder::Responder;

/// How long a connection may be silent before it is closed (RFC 7766, 6.2.3).
pub const STREAM_IDLE_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a message that has begun may take to be complete.
const MESSAGE_TIMEOUT: Duration = Duration::from_secs(3);
/// How long a TLS handshake may take.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a client may take to read a response.
const WRITE_TIMEOUT: Duration = Duration::from_secs(10);
/// How many connections one address of the server has at most.
const CONNECTIONS_MAX: usize = 1024;
/// How many of them may come from one address.
const CONNECTIONS_PER_ADDRESS_MAX: usize = 512;
/// How long to wait when the system has no descriptor for a new connection.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// How many transfers of one connection wait for the one that is sent.
const TRANSFERS_WAITING_MAX: usize = 1;
/// How many requests of one connection wait for others at once; the next are not read until then.
const PENDING_MAX: usize = 64;
/// A DNS message is at least its header.
const MESSAGE_LENGTH_MIN: usize = 12;

/// What is spoken on the connections of a listener.
pub(super) enum Protocol {
    /// Messages behind their length.
    Tcp,
    /// The same over TLS.
    Dot(TlsAcceptor),
    /// HTTP over TLS.
    Doh(TlsAcceptor),
}

/// Serves the connections of one listener until `stop` is cancelled.
pub(super) async fn serve(
    listener: TcpListener,
    protocol: Protocol,
    responder: Responder,
    stop: CancellationToken,
) {
    let server = Arc::new(StreamServer {
        protocol,
        responder,
        turn: AtomicUsize::new(0),
        connections: Connections { stop: stop.clone(), ..Connections::default() },
    });
    let clock = Clock::system();
    loop {
        let accepted = tokio::select! {
            () = stop.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, peer)) => drop(tokio::spawn(server.clone().converse(stream, peer))),
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                clock.sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// One listener's connections and what they are answered from.
pub(super) struct StreamServer {
    protocol: Protocol,
    responder: Responder,
    turn: AtomicUsize,
    connections: Connections,
}

impl StreamServer {
    /// The response to one message; `None` for silence.
    pub(super) async fn respond(&self, request: &[u8], place: &Place) -> Option<Response> {
        self.responder.answer(request, place.address, self.transport(), self.next_turn()).await
    }

    fn transport(&self) -> Transport {
        match self.protocol {
            Protocol::Tcp => Transport::Stream,
            Protocol::Dot(_) => Transport::Tls,
            Protocol::Doh(_) => Transport::Https,
        }
    }

    fn next_turn(&self) -> usize {
        self.turn.fetch_add(1, Ordering::Relaxed)
    }

    /// Notes that a connection is used just now.
    pub(super) fn touch(&self, place: &Place) {
        self.connections.touch(place);
    }

    /// One connection, from its beginning to its end.
    async fn converse(self: Arc<Self>, stream: TcpStream, peer: SocketAddr) {
        let place = Arc::new(self.connections.enter(peer.ip()));
        let ended = tokio::select! {
            () = place.stop.cancelled() => Ok(()),
            ended = self.speak(stream, &place) => ended,
        };
        self.connections.leave(&place);
        if let Err(error) = ended {
            tracing::debug!(%error, %peer, "a connection has ended");
        }
    }

    async fn speak(self: &Arc<Self>, stream: TcpStream, place: &Arc<Place>) -> io::Result<()> {
        stream.set_nodelay(true)?;
        match &self.protocol {
            Protocol::Tcp => self.answer_all(stream, place).await,
            Protocol::Dot(tls) => {
                let stream = timeout(HANDSHAKE_TIMEOUT, tls.accept(stream)).await??;
                self.answer_all(stream, place).await
            }
            Protocol::Doh(tls) => {
                let stream = timeout(HANDSHAKE_TIMEOUT, tls.accept(stream)).await??;
                doh::converse(self, stream, place).await
            }
        }
    }

    /// Answers one request after another; ends when the client does, or takes too long. A transfer
    /// is sent beside the answers to other requests; a second one waits for the first. So is what
    /// waits for others (RFC 7766, 6.2.1.1).
    async fn answer_all(&self, stream: impl AsyncRead + AsyncWrite, place: &Place) -> io::Result<()> {
        let (reader, writer) = tokio::io::split(stream);
        let writer = AsyncMutex::new(writer);
        let (transfers, waiting) = mpsc::channel(TRANSFERS_WAITING_MAX);
        let (pending, asked) = mpsc::channel(1);
        let later = Later { transfers, pending };
        let answered = self.answer_requests(BufReader::new(reader), &writer, later, place);
        let transferred = self.send_transfers(waiting, &writer, place);
        tokio::try_join!(answered, transferred, self.send_pending(asked, &writer, place)).map(|_| ())
    }

    async fn answer_requests(
        &self,
        mut reader: impl AsyncReadExt + Unpin,
        writer: &AsyncMutex<impl AsyncWrite + Unpin>,
        later: Later,
        place: &Place,
    ) -> io::Result<()> {
        let asker = Asker { address: place.address, transport: self.transport() };
        while let Some(request) = next_message(&mut reader).await? {
            self.touch(place);
            match self.responder.converse(&request, asker, self.next_turn()) {
                Some(Reply::Message(response)) => send(writer, &response.to_octets()).await?,
                Some(Reply::Transfer(transfer)) => {
                    later.transfers.send(transfer).await.map_err(io::Error::other)?;
                }
                Some(Reply::Pending(pending)) => {
                    later.pending.send(pending).await.map_err(io::Error::other)?;
                }
                None => {}
            }
            // Whoever sends thousands of queries at once on one connection lets others in between.
            tokio::task::yield_now().await;
        }
        Ok(())
    }

    async fn send_pending(
        &self,
        mut asked: mpsc::Receiver<Box<Pending>>,
        writer: &AsyncMutex<impl AsyncWrite + Unpin>,
        place: &Place,
    ) -> io::Result<()> {
        let asked = stream::poll_fn(|context| asked.poll_recv(context));
        let completed = asked.map(|pending| self.responder.complete(*pending));
        let mut completed = pin!(completed.buffer_unordered(PENDING_MAX));
        while let Some(response) = completed.next().await {
            self.touch(place);
            if let Some(response) = response {
                send(writer, &response.to_octets()).await?;
            }
        }
        Ok(())
    }

    async fn send_transfers(
        &self,
        mut waiting: mpsc::Receiver<Box<Transfer>>,
        writer: &AsyncMutex<impl AsyncWrite + Unpin>,
        place: &Place,
    ) -> io::Result<()> {
        while let Some(mut transfer) = waiting.recv().await {
            self.touch(place);
            while let Some((message, rest)) = beside(transfer).await? {
                self.touch(place);
                send(writer, &message).await?;
                transfer = rest;
            }
        }
        Ok(())
    }
}

/// The next message of a transfer, made where no connection waits meanwhile: the first one of a large
/// zone takes long.
async fn beside(mut transfer: Box<Transfer>) -> io::Result<Option<(Vec<u8>, Box<Transfer>)>> {
    let made = tokio::task::spawn_blocking(move || Some((transfer.next_message()?, transfer)));
    made.await.map_err(io::Error::other)
}

/// Where requests go that are answered later.
struct Later {
    transfers: mpsc::Sender<Box<Transfer>>,
    pending: mpsc::Sender<Box<Pending>>,
}

async fn send(writer: &AsyncMutex<impl AsyncWrite + Unpin>, message: &[u8]) -> io::Result<()> {
    let sent = async {
        let mut writer = writer.lock().await;
        writer.write_all(&framed(message)).await?;
        writer.flush().await
    };
    timeout(WRITE_TIMEOUT, sent).await?
}

/// The next message; `None` when the client has ended or been idle for too long, or announces
/// less than a header.
async fn next_message(reader: &mut (impl AsyncReadExt + Unpin)) -> io::Result<Option<Vec<u8>>> {
    let mut length = [0; 2];
    match timeout(STREAM_IDLE_TIMEOUT, reader.read(&mut length[..1])).await {
        Ok(Ok(1)) => {}
        Ok(Err(error)) => return Err(error),
        Ok(Ok(_)) | Err(_) => return Ok(None),
    }
    timeout(MESSAGE_TIMEOUT, async {
        reader.read_exact(&mut length[1..]).await?;
        let length = usize::from(u16::from_be_bytes(length));
        if length < MESSAGE_LENGTH_MIN {
            return Ok(None);
        }
        let mut message = vec![0; length];
        reader.read_exact(&mut message).await?;
        Ok(Some(message))
    })
    .await?
}

/// Length and message in one piece, so that they leave in one segment (RFC 7766, 8).
fn framed(message: &[u8]) -> Vec<u8> {
    let length = u16::try_from(message.len()).expect("a stream response is held to 65535 octets");
    [&length.to_be_bytes(), message].concat()
}

/// The open connections, and which of them has been idle for longest.
#[derive(Default)]
struct Connections {
    /// By the moment of the last request.
    by_idleness: Mutex<BTreeMap<u64, (IpAddr, CancellationToken)>>,
    moments: AtomicU64,
    stop: CancellationToken,
}

/// One connection's place among the others.
pub(super) struct Place {
    address: IpAddr,
    last_used: AtomicU64,
    stop: CancellationToken,
}

impl Connections {
    /// A place for a new connection; at a limit the one that is idle for longest is closed.
    fn enter(&self, address: IpAddr) -> Place {
        let moment = self.moments.fetch_add(1, Ordering::Relaxed);
        let stop = self.stop.child_token();
        let mut open = self.lock();
        let of_address = open.iter().filter(|(_, (other, _))| *other == address);
        let crowded = match of_address.clone().count() >= CONNECTIONS_PER_ADDRESS_MAX {
            true => of_address.map(|(moment, _)| *moment).next(),
            false => open.keys().next().copied().filter(|_| open.len() >= CONNECTIONS_MAX),
        };
        if let Some((_, longest_idle)) = crowded.and_then(|moment| open.remove(&moment)) {
            longest_idle.cancel();
        }
        open.insert(moment, (address, stop.clone()));
        Place { address, last_used: AtomicU64::new(moment), stop }
    }

    /// Notes that a connection was used just now.
    fn touch(&self, place: &Place) {
        let moment = self.moments.fetch_add(1, Ordering::Relaxed);
        let before = place.last_used.swap(moment, Ordering::Relaxed);
        let mut open = self.lock();
        if let Some(entry) = open.remove(&before) {
            open.insert(moment, entry);
        }
    }

    fn leave(&self, place: &Place) {
        self.lock().remove(&place.last_used.load(Ordering::Relaxed));
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<u64, (IpAddr, CancellationToken)>> {
        self.by_idleness.lock().expect("a map operation does not panic")
    }
}

#[cfg(test)]
mod tests {
    use hickory_proto::op::{MessageType, Metadata, OpCode};
    use hickory_proto::rr::Name;
    use hickory_proto::rr::rdata::SOA;

    use super::*;
    use crate::dns::zone::Zone;

    fn address(last: u8) -> IpAddr {
        [127, 0, 0, last].into()
    }

    #[test]
    fn at_the_limit_of_an_address_its_longest_idle_connection_gives_way() {
        let connections = Connections::default();
        let other = connections.enter(address(2));
        let places: Vec<Place> =
            (0..CONNECTIONS_PER_ADDRESS_MAX).map(|_| connections.enter(address(1))).collect();
        connections.touch(&places[0]);
        assert!(places.iter().all(|place| !place.stop.is_cancelled()));
        let _new = connections.enter(address(1));
        let closed: Vec<usize> =
            (0..places.len()).filter(|position| places[*position].stop.is_cancelled()).collect();
        assert_eq!(closed, [1], "the first was used since");
        assert!(!other.stop.is_cancelled());
    }

    #[test]
    fn at_the_limit_of_all_the_longest_idle_connection_gives_way() {
        let connections = Connections::default();
        let half = CONNECTIONS_MAX / 2;
        let first: Vec<Place> = (0..half).map(|_| connections.enter(address(1))).collect();
        let second: Vec<Place> = (0..half).map(|_| connections.enter(address(2))).collect();
        connections.leave(&second[0]);
        let _fits = connections.enter(address(3));
        assert!(!first[0].stop.is_cancelled());
        let _too_many = connections.enter(address(3));
        assert!(first[0].stop.is_cancelled() && !first[1].stop.is_cancelled());
    }

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
        let ended = next_message(&mut server).await;
        assert_eq!(ended.unwrap_err().kind(), io::ErrorKind::TimedOut);
    }

    #[tokio::test(start_paused = true)]
    async fn silence_an_end_and_less_than_a_header_end_a_connection() {
        let (_client, mut server) = tokio::io::duplex(64);
        assert!(next_message(&mut server).await.unwrap().is_none(), "silence");
        let (client, mut server) = tokio::io::duplex(64);
        drop(client);
        assert!(next_message(&mut server).await.unwrap().is_none(), "end");
        let (mut client, mut server) = tokio::io::duplex(64);
        client.write_all(&[0, 11, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]).await.unwrap();
        assert!(next_message(&mut server).await.unwrap().is_none(), "too short");
    }
}
