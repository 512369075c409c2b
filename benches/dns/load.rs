//! The load: queries in batches, a bounded number of them without a reply.

use std::io::{IoSlice, IoSliceMut};
use std::net::{SocketAddr, UdpSocket};
use std::os::fd::AsRawFd;
use std::time::{Duration, Instant};

use nix::sys::socket::{MsgFlags, MultiHeaders, SockaddrIn, recvmmsg, sendmmsg};
use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};

use crate::fixture::{Fixture, Row};
use crate::servers::Server;

const BATCH: usize = 64;
/// Queries without a reply; as many as the least of the sockets' buffers surely holds.
const IN_FLIGHT_MAX: usize = 192;
/// After this long without a reply, what is in flight counts as lost.
const PATIENCE: Duration = Duration::from_millis(50);
/// Queries that are made before the clock runs, and sent over and over.
const POOL: usize = 1 << 17;

/// What a round gives.
pub(crate) struct Figure {
    pub(crate) per_second: f64,
    /// Per second of the server's processor time; of the clock, if it is a server elsewhere.
    pub(crate) per_cpu_second: f64,
    pub(crate) lost_share: f64,
}

/// How long our replies are, by plain row.
pub(crate) fn reply_sizes(row: Row, fixture: &Fixture, ours: &Server) -> Vec<usize> {
    let socket = connect(ours.address);
    let mut rng = SmallRng::seed_from_u64(0);
    let mut query = Vec::new();
    let mut reply = [0; 4096];
    Row::PLAIN
        .iter()
        .map(|plain| {
            fixture.query(*plain, &mut rng, &mut query);
            socket.send(&query).unwrap();
            let length = socket.recv(&mut reply).expect("dullahan answers");
            let (flags, rcode) = (reply[2], reply[3] & 15);
            let is_right = flags & 2 == 0 && (rcode == 3) == (*plain == Row::NameError);
            assert!(is_right, "{}: flags {flags:02x}, rcode {rcode}, of row {}", plain.name(), row.name());
            length
        })
        .collect()
}

pub(crate) fn connect(address: SocketAddr) -> UdpSocket {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.connect(address).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    socket
}

/// The queries of a round. An echo is told in place of the id how long its reply is to be.
pub(crate) fn pool(row: Row, fixture: &Fixture, server: &Server, sizes: &[usize], seed: u64) -> Vec<Vec<u8>> {
    let mut rng = SmallRng::seed_from_u64(seed);
    (0..POOL)
        .map(|_| {
            let plain = row.choose(&mut rng);
            let mut query = Vec::new();
            fixture.query(plain, &mut rng, &mut query);
            let index = Row::PLAIN.iter().position(|other| *other == plain).unwrap();
            let id = if server.name == "echo" { sizes[index] as u16 } else { rng.random() };
            query[..2].copy_from_slice(&id.to_be_bytes());
            query
        })
        .collect()
}

/// Asks `server` for `time` by so many sockets.
pub(crate) fn run(
    row: Row,
    fixture: &Fixture,
    server: &Server,
    sizes: &[usize],
    (n_sockets, time): (usize, Duration),
    seed: u64,
) -> Figure {
    let pool = pool(row, fixture, server, sizes, seed);
    let sockets: Vec<UdpSocket> = (0..n_sockets).map(|_| connect(server.address)).collect();
    let mut load = Load::new(&sockets);
    // What is made at the first question is not measured, and the caches are this server's.
    load.ask_all(&pool);
    let cpu = server.cpu_time();
    let counts = load.run(&pool, time);
    let cpu = server.cpu_time().zip(cpu).map(|(after, before)| after - before);
    let per_second = counts.n_replies as f64 / counts.took.as_secs_f64();
    Figure {
        per_second,
        per_cpu_second: cpu.map_or(per_second, |cpu| counts.n_replies as f64 / cpu.as_secs_f64()),
        lost_share: counts.n_lost as f64 / (counts.n_replies + counts.n_lost).max(1) as f64,
    }
}

#[derive(Default)]
pub(crate) struct Counts {
    pub(crate) n_replies: usize,
    n_lost: usize,
    took: Duration,
}

/// Sockets of one client machine.
pub(crate) struct Load<'s> {
    sockets: Vec<Asking<'s>>,
    sent: MultiHeaders<SockaddrIn>,
    received: MultiHeaders<SockaddrIn>,
    replies: Vec<[u8; 2048]>,
    next: usize,
}

struct Asking<'s> {
    socket: &'s UdpSocket,
    n_in_flight: usize,
}

impl<'s> Load<'s> {
    pub(crate) fn new(sockets: &'s [UdpSocket]) -> Self {
        Self {
            sockets: sockets.iter().map(|socket| Asking { socket, n_in_flight: 0 }).collect(),
            sent: MultiHeaders::preallocate(BATCH, None),
            received: MultiHeaders::preallocate(BATCH, None),
            replies: vec![[0; 2048]; BATCH],
            next: 0,
        }
    }

    /// Asks for so long.
    pub(crate) fn run(&mut self, pool: &[Vec<u8>], time: Duration) -> Counts {
        let started = Instant::now();
        let mut counts = Counts::default();
        while started.elapsed() < time {
            self.exchange(pool, &mut counts);
        }
        counts.took = started.elapsed();
        counts
    }

    /// Asks everything once.
    fn ask_all(&mut self, pool: &[Vec<u8>]) {
        let end = self.next + pool.len();
        let mut counts = Counts::default();
        while self.next < end {
            self.exchange(pool, &mut counts);
        }
    }

    fn exchange(&mut self, pool: &[Vec<u8>], counts: &mut Counts) {
        let n_sockets = self.sockets.len();
        let batch = (BATCH / n_sockets).max(1);
        for index in 0..n_sockets {
            while self.sockets[index].n_in_flight + batch <= (IN_FLIGHT_MAX / n_sockets).max(1) {
                self.send(index, pool, batch);
            }
        }
        // The one that was asked first has its replies first; the others have by then what they get.
        for index in 0..n_sockets {
            let is_to_wait = index == 0;
            match self.receive(index, is_to_wait) {
                Some(n) => {
                    counts.n_replies += n;
                    self.sockets[index].n_in_flight = self.sockets[index].n_in_flight.saturating_sub(n);
                }
                None if is_to_wait => {
                    counts.n_lost += std::mem::take(&mut self.sockets[index].n_in_flight);
                }
                None => {}
            }
        }
        self.sockets.rotate_left(1);
    }

    fn send(&mut self, index: usize, pool: &[Vec<u8>], batch: usize) {
        let queries = pool.iter().cycle().skip(self.next % pool.len()).take(batch);
        let slices: Vec<[IoSlice<'_>; 1]> = queries.map(|query| [IoSlice::new(query)]).collect();
        self.next += batch;
        let asking = &mut self.sockets[index];
        let clients = vec![None; batch];
        let socket = asking.socket.as_raw_fd();
        asking.n_in_flight += sendmmsg(socket, &mut self.sent, &slices, clients, [], MsgFlags::empty())
            .map_or(0, Iterator::count);
    }

    /// How many replies there were; `None` if there are none, or none came for long.
    fn receive(&mut self, index: usize, is_to_wait: bool) -> Option<usize> {
        let mut slices: Vec<[IoSliceMut<'_>; 1]> =
            self.replies.iter_mut().map(|reply| [IoSliceMut::new(reply)]).collect();
        let flags = if is_to_wait { MsgFlags::MSG_WAITFORONE } else { MsgFlags::MSG_DONTWAIT };
        let socket = self.sockets[index].socket.as_raw_fd();
        recvmmsg(socket, &mut self.received, &mut slices, flags, None).map(Iterator::count).ok()
    }
}
