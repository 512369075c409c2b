//! The responses of a batch, and how they are sent.
//!
//! ```text
//!  responses ──► by client and length ─┬─ several that fit ──► sendmsg, segmented by the kernel ─┐
//!                                      │                               ▼ refused                 ├──► clients
//!                                      └─ all others ────────────► sendmmsg ─────────────────────┘
//! ```
//!
//! Several responses to one client, as resolvers and load generators get them, are sent with one call and
//! segmented by the kernel (UDP_SEGMENT, Linux 4.18), so routing, accounting and queueing happen once. All
//! segments have the same length; only the last may be shorter. The client receives the same datagrams
//! as otherwise, perhaps in another order, which UDP does not guarantee anyway.
//!
//! The kernel refuses if a segment exceeds the MTU or the interface cannot compute checksums; then the
//! responses are sent one by one, and segmentation is not tried for a while. A kernel without
//! UDP_SEGMENT would send everything as one datagram, so it is asked first ([`has_segmentation`]).
//!
//! Limits: a response that cannot be sent is dropped.

use std::hash::{BuildHasher, Hash};
use std::io::IoSlice;
use std::net::UdpSocket;
use std::ops::Range;
use std::os::fd::RawFd;

use foldhash::fast::RandomState;
use nix::errno::Errno;
use nix::sys::socket::{
    ControlMessage, MsgFlags, MultiHeaders, SockaddrLike, getsockopt, sendmmsg, sendmsg, sockopt,
};

/// Maximum number of segments and octets per call. Before Linux 5.17 headers count too, so that 64
/// segments are too many.
const MESSAGE_DATAGRAMS_MAX: usize = 60;
const MESSAGE_OCTETS_MAX: usize = 65_000;
/// How many batches are sent without segmentation after the kernel has refused it.
const REFUSED_BATCHES: u32 = 256;
/// Bits of an index and of a length in a sort key.
const INDEX_BITS: u32 = 16;
const LENGTH_BITS: u32 = 16;

/// Responses to be sent by one socket.
pub(super) struct Outbox<S> {
    /// All responses, one behind the other.
    pub(super) octets: Vec<u8>,
    replies: Vec<Reply<S>>,
    headers: MultiHeaders<S>,
    hasher: RandomState,
    /// How many more batches are sent without segmentation.
    n_apart: u32,
}

/// Whether the kernel supports UDP_SEGMENT.
pub(super) fn has_segmentation(socket: &UdpSocket) -> bool {
    getsockopt(socket, sockopt::UdpGsoSegment).is_ok()
}

/// The range of a response in the octets, and its client.
struct Reply<S> {
    place: Range<usize>,
    client: S,
}

impl<S: SockaddrLike + Copy + Eq + Hash> Outbox<S> {
    /// Capacity for so many responses of so many octets each.
    pub(super) fn new(n_replies: usize, n_octets: usize) -> Self {
        assert!(n_replies <= 1 << INDEX_BITS && n_octets < 1 << LENGTH_BITS);
        Self {
            octets: Vec::with_capacity(n_replies * n_octets),
            replies: Vec::with_capacity(n_replies),
            headers: MultiHeaders::preallocate(n_replies, None),
            hasher: RandomState::default(),
            n_apart: 0,
        }
    }

    /// Removes all responses.
    pub(super) fn clear(&mut self) {
        self.octets.clear();
        self.replies.clear();
    }

    /// Adds the response to `client` in this range of the octets.
    pub(super) fn push(&mut self, place: Range<usize>, client: S) {
        debug_assert!(place.len() < 1 << LENGTH_BITS && self.replies.len() < 1 << INDEX_BITS);
        self.replies.push(Reply { place, client });
    }

    /// Sends all responses, with segmentation if the socket [supports](has_segmentation) it.
    pub(super) fn send(&mut self, socket: RawFd, has_segmentation: bool) {
        self.n_apart = self.n_apart.saturating_sub(1);
        if !has_segmentation || self.n_apart > 0 {
            return self.send_each(socket, &(0..self.replies.len()).collect::<Vec<usize>>());
        }
        let order = self.order();
        let (mut alone, mut is_refused) = (Vec::with_capacity(order.len()), false);
        for message in self.messages(&order) {
            if message.len() == 1 {
                alone.extend_from_slice(message);
            } else if let Err(error) = self.send_as_one(socket, message) {
                tracing::debug!(%error, n_replies = message.len(), "the kernel refused a segmented message");
                is_refused = true;
                alone.extend_from_slice(message);
            }
        }
        if is_refused {
            self.n_apart = REFUSED_BATCHES;
        }
        // Single responses are sent in the order of their requests.
        alone.sort_unstable();
        self.send_each(socket, &alone);
    }

    /// The indices of all responses, grouped by client, the longest first.
    fn order(&self) -> Vec<usize> {
        let key = |(index, reply): (usize, &Reply<S>)| {
            let client = self.hasher.hash_one(reply.client) << (INDEX_BITS + LENGTH_BITS);
            let shortness = (1 << LENGTH_BITS) - 1 - reply.place.len() as u64;
            client | shortness << INDEX_BITS | index as u64
        };
        let mut keys: Vec<u64> = self.replies.iter().enumerate().map(key).collect();
        keys.sort_unstable();
        keys.into_iter().map(|key| (key & ((1 << INDEX_BITS) - 1)) as usize).collect()
    }

    /// Splits `order` into messages that the kernel can segment.
    fn messages<'o>(&self, order: &'o [usize]) -> impl Iterator<Item = &'o [usize]> {
        let mut rest = order;
        std::iter::from_fn(move || {
            let first = &self.replies[*rest.first()?];
            let length = first.place.len();
            let n_max = (MESSAGE_OCTETS_MAX / length.max(1)).clamp(1, MESSAGE_DATAGRAMS_MAX);
            let replies = || rest.iter().take(n_max).map(|index| &self.replies[*index]);
            let n_of_client = replies().take_while(|reply| reply.client == first.client).count();
            let n_alike = replies().take_while(|reply| reply.place.len() == length).count();
            // The last segment may be shorter.
            let (message, others) = rest.split_at((n_alike + 1).min(n_of_client));
            rest = others;
            Some(message)
        })
    }

    /// Sends one segmented message, or drops it if the send buffer is full; an error if the kernel refuses.
    fn send_as_one(&self, socket: RawFd, message: &[usize]) -> Result<(), Errno> {
        let mut places: Vec<Range<usize>> = Vec::with_capacity(message.len());
        for index in message {
            let place = self.replies[*index].place.clone();
            match places.last_mut() {
                Some(last) if last.end == place.start => last.end = place.end,
                _ => places.push(place),
            }
        }
        let slices: Vec<IoSlice<'_>> =
            places.into_iter().map(|place| IoSlice::new(&self.octets[place])).collect();
        let first = &self.replies[message[0]];
        let length = first.place.len() as u16;
        let segments = [ControlMessage::UdpGsoSegments(&length)];
        match sendmsg(socket, &slices, &segments, MsgFlags::empty(), Some(&first.client)) {
            Err(Errno::EAGAIN) => {
                tracing::debug!(n_replies = message.len(), "the send buffer is full");
                Ok(())
            }
            sent => sent.map(drop),
        }
    }

    fn send_each(&mut self, socket: RawFd, indices: &[usize]) {
        let replies = || indices.iter().map(|index| &self.replies[*index]);
        let slices: Vec<[IoSlice<'_>; 1]> =
            replies().map(|reply| [IoSlice::new(&self.octets[reply.place.clone()])]).collect();
        let clients: Vec<Option<S>> = replies().map(|reply| Some(reply.client)).collect();
        let mut n_done = 0;
        while n_done < slices.len() {
            let (rest, clients) = (&slices[n_done..], &clients[n_done..]);
            match sendmmsg(socket, &mut self.headers, rest, clients, [], MsgFlags::empty()) {
                Ok(sent) => n_done += sent.count().max(1),
                Err(Errno::EINTR) => {}
                Err(error) => {
                    tracing::debug!(%error, "cannot send a response");
                    n_done += 1;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddrV4;
    use std::os::fd::AsRawFd;
    use std::time::Duration;

    use nix::sys::socket::{SockaddrIn, SockaddrIn6, getsockname};

    use super::*;

    /// Replies of these lengths, each of them its index over and over.
    fn outbox<S: SockaddrLike + Copy + Eq + Hash>(replies: &[(S, usize)]) -> Outbox<S> {
        let mut outbox = Outbox::new(replies.len(), 1232);
        for (index, (client, length)) in replies.iter().enumerate() {
            let start = outbox.octets.len();
            outbox.octets.resize(start + length, index as u8);
            outbox.push(start..start + length, *client);
        }
        outbox
    }

    /// The same to clients that differ in the port.
    fn to_ports(replies: &[(u16, usize)]) -> Outbox<SockaddrIn> {
        let client = |port| SockaddrIn::from(SocketAddrV4::new([127, 0, 0, 1].into(), port));
        let replies: Vec<(SockaddrIn, usize)> =
            replies.iter().map(|(port, length)| (client(*port), *length)).collect();
        outbox(&replies)
    }

    fn check(replies: &[(u16, usize)], expected: &[&[usize]]) {
        let outbox = to_ports(replies);
        let order = outbox.order();
        let mut messages: Vec<&[usize]> = outbox.messages(&order).collect();
        messages.sort();
        assert_eq!(messages, expected);
    }

    #[test]
    fn replies_of_one_length_and_a_shorter_one_go_to_a_client_together() {
        check(&[], &[]);
        check(&[(1, 90)], &[&[0]]);
        check(&[(1, 90), (1, 90), (1, 90)], &[&[0, 1, 2]]);
        check(&[(1, 90), (2, 90), (1, 90), (3, 91)], &[&[0, 2], &[1], &[3]]);
        check(&[(1, 90), (1, 500)], &[&[1, 0]]);
        check(&[(1, 90), (1, 500), (1, 90), (1, 500)], &[&[1, 3, 0], &[2]]);
        check(&[(1, 90), (1, 80), (1, 70), (2, 60)], &[&[0, 1], &[2], &[3]]);
    }

    #[test]
    fn no_more_go_together_than_the_system_takes() {
        let lengths = |n: usize, length: usize, shorter: &[usize]| {
            let alike = vec![(1, length); n];
            let outbox = to_ports(&[alike, shorter.iter().map(|length| (1, *length)).collect()].concat());
            outbox.messages(&outbox.order()).map(<[usize]>::len).collect::<Vec<usize>>()
        };
        assert_eq!(lengths(70, 90, &[]), [60, 10]);
        assert_eq!(lengths(59, 90, &[80, 70]), [60, 1]);
        assert_eq!(lengths(60, 90, &[80]), [60, 1]);
        assert_eq!(lengths(60, 1232, &[]), [52, 8]);
    }

    /// A server's and a client's socket.
    fn sockets(address: &str) -> [UdpSocket; 2] {
        let [server, client] = [(); 2].map(|()| UdpSocket::bind((address, 0)).unwrap());
        client.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        [server, client]
    }

    /// Every reply arrives once, whole, as a datagram of its own.
    fn receive(client: &UdpSocket, lengths: &[usize]) {
        let mut has_come = vec![false; lengths.len()];
        for _ in lengths {
            let mut buffer = [0xff; 2048];
            let length = client.recv(&mut buffer).unwrap();
            let index = usize::from(buffer[0]);
            assert_eq!(buffer[..length], vec![index as u8; lengths[index]]);
            assert!(!std::mem::replace(&mut has_come[index], true), "{index} came twice");
        }
    }

    /// Sends replies of these lengths to one client, which receives them.
    fn exchange<S: SockaddrLike + Copy + Eq + Hash>(
        address: &str,
        lengths: &[usize],
        has_segmentation: bool,
    ) {
        let [server, client] = sockets(address);
        let to: S = getsockname(client.as_raw_fd()).unwrap();
        let replies: Vec<(S, usize)> = lengths.iter().map(|length| (to, *length)).collect();
        outbox(&replies).send(server.as_raw_fd(), has_segmentation);
        receive(&client, lengths);
    }

    #[test]
    fn every_reply_arrives_as_a_datagram_of_its_own() {
        for lengths in [vec![90; 64], vec![90, 500, 90, 700, 500, 90, 1232, 1232]] {
            for has_segmentation in [true, false] {
                exchange::<SockaddrIn>("127.0.0.1", &lengths, has_segmentation);
                exchange::<SockaddrIn6>("::1", &lengths, has_segmentation);
            }
        }
    }

    #[test]
    fn what_the_system_takes_is_sent_as_one() {
        let [server, client] = sockets("127.0.0.1");
        let port = client.local_addr().unwrap().port();
        let outbox = to_ports(&[(port, 90); 60]);
        assert!(has_segmentation(&server));
        assert_eq!(outbox.send_as_one(server.as_raw_fd(), &outbox.order()), Ok(()));
        receive(&client, &[90; 60]);
    }

    #[test]
    fn what_the_system_refuses_is_sent_one_by_one_and_so_are_the_next_batches() {
        let [server, client] = sockets("127.0.0.1");
        let port = client.local_addr().unwrap().port();
        let mut outbox = to_ports(&[(port, 90); 200]);
        let all: Vec<usize> = (0..200).collect();
        assert!(outbox.send_as_one(server.as_raw_fd(), &all).is_err(), "so many are refused");
        outbox.n_apart = REFUSED_BATCHES;
        outbox.send(server.as_raw_fd(), true);
        receive(&client, &[90; 200]);
        assert_eq!(outbox.n_apart, REFUSED_BATCHES - 1);
    }
}
