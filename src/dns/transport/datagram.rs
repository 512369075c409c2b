//! UDP workers: threads that receive requests and send responses in batches.
//!
//! ```text
//!  poll ──► recvmmsg, up to 64 requests ──► Responder, all at once ──► Outbox
//!    ▲                                                                          │
//!    └────────────── nothing more to read, or another socket is due ────────────┘
//! ```
//!
//! This transport is our own because hickory's uses one system call and one task per datagram, answers
//! malformed responses, and cannot set socket options before bind. Every thread has its own socket for
//! each address (SO_REUSEPORT).
//!
//! Limits: a request longer than [`REQUEST_LENGTH_MAX`] is cut off and thus malformed. A response that
//! cannot be sent within [`SEND_TIMEOUT`] is dropped. A response that needs upstreams is completed by a
//! task, which sends it through the same socket; the forwarder limits how many wait. At the end requests
//! that have been received are answered. A socket error is
//! logged with the address, and the thread pauses for [`ERROR_PAUSE`]. A thread that panics ends the
//! server.

use std::hash::Hash;
use std::io::{self, IoSliceMut};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use nix::errno::Errno;
use nix::sys::socket::{MsgFlags, MultiHeaders, SockaddrIn, SockaddrIn6, SockaddrLike, recvmmsg};
use rustix::event::{EventfdFlags, PollFd, PollFlags, Timespec, eventfd, poll};
use rustix::net::{SendFlags, sendto};
use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::outbox::{self, Outbox};
use super::panics::Panics;
use crate::dns::message::protocol::DATAGRAM_LENGTH_MAX;
use crate::dns::service::fast::NameBuffers;
use crate::dns::service::pending::Waiting;
use crate::dns::service::responder::Responder;

/// Datagrams per system call.
const BATCH_MAX: usize = 64;
/// Batches of one socket in a row before the other sockets are served.
const BATCHES_IN_A_ROW_MAX: usize = 16;
/// Maximum length of a request, in octets.
const REQUEST_LENGTH_MAX: usize = 4096;
/// Distance between request buffers: a page plus one cache line, so that the starts of the requests do not
/// compete for the same cache sets.
const REQUEST_STRIDE: usize = REQUEST_LENGTH_MAX + 64;
/// How long a thread waits for space in the send buffer.
const SEND_TIMEOUT: Duration = Duration::from_millis(100);
/// Stands for the client if the system call reports no address; such a request cannot be answered.
const NOBODY: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0);
/// Pause of a thread after a socket error.
const ERROR_PAUSE: Timespec = Timespec { tv_sec: 1, tv_nsec: 0 };

/// Wakes all workers when they are to stop.
pub(super) struct Alarm(OwnedFd);

impl Alarm {
    pub(super) fn new() -> io::Result<Self> {
        Ok(Self(eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?))
    }

    /// Wakes the workers; they stay awake.
    pub(super) fn ring(&self) {
        // This fails only if the counter is full, and then it wakes them anyway.
        let _ = rustix::io::write(&self.0, &1_u64.to_ne_bytes());
    }
}

/// Responses that wait for upstreams, of all workers.
#[derive(Clone, Default)]
pub(super) struct Awaited {
    tasks: TaskTracker,
    close: CancellationToken,
}

impl Awaited {
    /// Waits, not for longer than this, until all have been sent; then gives the rest up. No worker may run
    /// any more.
    pub(super) async fn drain(&self, within: Duration) {
        self.tasks.close();
        if timeout(within, self.tasks.wait()).await.is_err() {
            tracing::debug!(n_responses = self.tasks.len(), "upstreams have not answered before the end");
        }
        self.close.cancel();
    }
}

/// What the workers of a server share.
#[derive(Clone)]
pub(super) struct Shared {
    /// Counts requests, to rotate address RRsets.
    pub(super) rotation: Arc<AtomicUsize>,
    pub(super) alarm: Arc<Alarm>,
    pub(super) awaited: Awaited,
}

/// One UDP worker.
pub(super) struct Worker {
    sockets: Vec<Bound>,
    responder: Arc<Responder>,
    /// The runtime of tasks that wait for upstreams.
    tasks: Handle,
    shared: Shared,
    panics: Panics,
}

/// A socket and its address.
struct Bound {
    address: SocketAddr,
    /// See [`outbox::has_segmentation`].
    has_segmentation: bool,
    socket: Arc<UdpSocket>,
}

impl Worker {
    /// Must be called within a tokio runtime.
    pub(super) fn new(
        sockets: Vec<UdpSocket>,
        responder: Responder,
        shared: Shared,
        panics: Panics,
    ) -> io::Result<Self> {
        let sockets: io::Result<Vec<Bound>> = sockets
            .into_iter()
            .map(|socket| {
                socket.set_write_timeout(Some(SEND_TIMEOUT))?;
                let (address, has_segmentation) = (socket.local_addr()?, outbox::has_segmentation(&socket));
                Ok(Bound { address, has_segmentation, socket: Arc::new(socket) })
            })
            .collect();
        let tasks = Handle::current();
        Ok(Self { sockets: sockets?, responder: Arc::new(responder), tasks, shared, panics })
    }

    /// Starts the thread; the receiver becomes ready when it has ended.
    pub(super) fn start(self, index: usize, stop: CancellationToken) -> io::Result<oneshot::Receiver<()>> {
        let (end, ended) = oneshot::channel();
        std::thread::Builder::new().name(format!("dns-{index}")).spawn(move || {
            self.panics.watch_thread(|| self.run(&stop));
            // Nobody may be waiting any more.
            let _ = end.send(());
        })?;
        Ok(ended)
    }

    fn run(&self, stop: &CancellationToken) {
        let mut v4 = Batch::<SockaddrIn>::new();
        let mut v6 = Batch::<SockaddrIn6>::new();
        let watched = self.sockets.iter().map(|at| PollFd::new(&at.socket, PollFlags::IN));
        let mut watched: Vec<PollFd<'_>> =
            watched.chain([PollFd::new(&self.shared.alarm.0, PollFlags::IN)]).collect();
        while !stop.is_cancelled() {
            // After a signal nothing is ready, and the wait starts again.
            let _ = poll(&mut watched, None);
            for (at, watched) in self.sockets.iter().zip(&watched) {
                if watched.revents().is_empty() {
                    continue;
                }
                let answered = match at.address {
                    SocketAddr::V4(_) => self.answer_batches(at, &mut v4),
                    SocketAddr::V6(_) => self.answer_batches(at, &mut v6),
                };
                if let Err(error) = answered {
                    self.rest_after(at.address, error);
                }
            }
        }
        // What has come until now has been received, whether it was read or not.
        for at in &self.sockets {
            let _ = match at.address {
                SocketAddr::V4(_) => self.answer_batches(at, &mut v4),
                SocketAddr::V6(_) => self.answer_batches(at, &mut v6),
            };
        }
    }

    /// Answers what can be read from a socket, for some batches in a row while they are full.
    fn answer_batches<S: Client>(&self, at: &Bound, batch: &mut Batch<S>) -> Result<(), Errno> {
        let socket = &at.socket;
        for _ in 0..BATCHES_IN_A_ROW_MAX {
            let n_taken = batch.receive(socket.as_raw_fd())?;
            let rotation = self.shared.rotation.fetch_add(n_taken, Ordering::Relaxed);
            self.answer(batch, rotation, socket);
            batch.outbox.send(socket.as_raw_fd(), at.has_segmentation);
            if n_taken < BATCH_MAX {
                break;
            }
            // During a flood, let other threads on this core run between batches, above all the publisher.
            std::thread::yield_now();
        }
        Ok(())
    }

    /// Writes the responses to a batch into its outbox.
    fn answer<S: Client>(&self, batch: &mut Batch<S>, rotation: usize, socket: &Arc<UdpSocket>) {
        let Batch { requests, asked, buffers, outbox, .. } = batch;
        outbox.clear();
        let address = |client: Option<S>| client.map_or(NOBODY, Into::into);
        let requests: Vec<(&[u8], IpAddr)> = requests
            .chunks_exact(REQUEST_STRIDE)
            .zip(asked.iter())
            .map(|(buffer, (length, client))| (&buffer[..*length], address(*client).ip()))
            .collect();
        let mut ends = Vec::with_capacity(requests.len());
        self.responder.reply_all(&requests, rotation, buffers, &mut outbox.octets, |index, end, waiting| {
            ends.push(end);
            if let Some(waiting) = waiting {
                self.hand_over(waiting, socket, address(asked[index].1));
            }
        });
        let mut start = 0;
        for (end, (_, client)) in ends.into_iter().zip(asked) {
            if let Some(client) = client.filter(|_| end > start) {
                outbox.push(start..end, client);
            }
            start = end;
        }
    }

    /// Spawns a task that completes the response and sends it.
    fn hand_over(&self, waiting: Box<Waiting>, socket: &Arc<UdpSocket>, client: SocketAddr) {
        let (responder, socket) = (self.responder.clone(), socket.clone());
        let (panics, close) = (self.panics.clone(), self.shared.awaited.close.clone());
        let completed = async move {
            let response = tokio::select! {
                () = close.cancelled() => None,
                response = panics.watch(responder.complete(*waiting)) => response.flatten(),
            };
            let Some(response) = response else { return };
            if let Err(error) = sendto(&socket, &response.to_octets(), SendFlags::DONTWAIT, &client) {
                tracing::debug!(%error, %client, "cannot send a response");
            }
        };
        self.shared.awaited.tasks.spawn_on(completed, &self.tasks);
    }

    fn rest_after(&self, address: SocketAddr, error: Errno) {
        tracing::warn!(%address, %error, "cannot receive UDP requests");
        let mut watched = [PollFd::new(&self.shared.alarm.0, PollFlags::IN)];
        // If woken early, it merely tries again.
        let _ = poll(&mut watched, Some(&ERROR_PAUSE));
    }
}

/// A client's socket address, of the family of the socket.
trait Client: SockaddrLike + Copy + Eq + Hash + Into<SocketAddr> {}

impl<S: SockaddrLike + Copy + Eq + Hash + Into<SocketAddr>> Client for S {}

/// Buffers for the requests and responses of one batch.
struct Batch<S> {
    received: MultiHeaders<S>,
    requests: Vec<u8>,
    /// Length and client of each request.
    asked: Vec<(usize, Option<S>)>,
    buffers: NameBuffers,
    outbox: Outbox<S>,
}

impl<S: Client> Batch<S> {
    fn new() -> Self {
        Self {
            received: MultiHeaders::preallocate(BATCH_MAX, None),
            requests: vec![0; BATCH_MAX * REQUEST_STRIDE],
            asked: Vec::with_capacity(BATCH_MAX),
            buffers: NameBuffers::new(BATCH_MAX),
            outbox: Outbox::new(BATCH_MAX, usize::from(DATAGRAM_LENGTH_MAX)),
        }
    }

    /// Receives requests; returns their number.
    fn receive(&mut self, socket: RawFd) -> Result<usize, Errno> {
        self.asked.clear();
        let mut buffers = self.requests.chunks_exact_mut(REQUEST_STRIDE);
        let mut slices: [[IoSliceMut<'_>; 1]; BATCH_MAX] = std::array::from_fn(|_| {
            let buffer = buffers.next().expect("there is a buffer for every request");
            [IoSliceMut::new(&mut buffer[..REQUEST_LENGTH_MAX])]
        });
        match recvmmsg(socket, &mut self.received, &mut slices, MsgFlags::MSG_DONTWAIT, None) {
            Ok(messages) => self.asked.extend(messages.map(|message| (message.bytes, message.address))),
            Err(Errno::EAGAIN | Errno::EINTR) => {}
            Err(errno) => return Err(errno),
        }
        Ok(self.asked.len())
    }
}
