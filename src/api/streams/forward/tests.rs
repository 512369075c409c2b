//! A client that speaks in frames over a pipe, and ports that live in memory.

use async_trait::async_trait;
use serde_json::json;
use tokio::io::{DuplexStream, duplex};
use tokio_util::sync::CancellationToken;

use super::*;
use crate::api::streams::spdy::connection::{CONNECTION_STREAMS_MAX, STALL_MAX, serve};
use crate::api::streams::spdy::frame::{self, Decoder, Frame};
use crate::api::streams::spdy::headers::{Deflater, Headers};
use crate::api::streams::tunnel::bare;
use crate::clock::Timestamp;
use crate::streaming::{LogQuery, LogStream, Session, Wanted};

/// Port 80 repeats what it hears, 81 neither reads nor speaks, all others are refused.
struct Ports(CancellationToken);

#[async_trait]
impl ContainerStreams for Ports {
    fn refuses(&self, _: &Pod) -> Option<String> {
        None
    }

    async fn exec(&self, _: &Pod, _: &str, _: &[String], _: Wanted) -> Result<Session, String> {
        Err("it is for ports".into())
    }

    async fn attach(&self, _: &Pod, _: &str, _: Wanted) -> Result<Session, String> {
        Err("it is for ports".into())
    }

    async fn connect(&self, _: &Pod, port: u16) -> Result<PortStream, String> {
        let has_let_go = self.0.clone();
        match port {
            80 => {
                let (near, far) = duplex(64);
                tokio::spawn(async move {
                    let (mut from, mut to) = tokio::io::split(far);
                    let _ = tokio::io::copy(&mut from, &mut to).await;
                    let _ = to.write_all(b".").await;
                });
                Ok(Box::pin(near))
            }
            81 => {
                let (reader, mut silent) = duplex(1);
                let (writer, unread) = duplex(64);
                tokio::spawn(async move {
                    // The end comes when nobody holds the other half any more.
                    assert_eq!(silent.read(&mut [0]).await.unwrap(), 0);
                    has_let_go.cancel();
                    drop(unread);
                });
                Ok(Box::pin(tokio::io::join(reader, writer)))
            }
            _ => Err("connection refused".into()),
        }
    }

    async fn log(&self, _: &Pod, _: &str, _: LogQuery) -> Result<LogStream, String> {
        unreachable!("nobody asks for logs")
    }
}

struct Client {
    pipe: DuplexStream,
    decoder: Decoder,
    deflater: Deflater,
    clock: Clock,
    has_let_go: CancellationToken,
    stop: CancellationToken,
}

impl Client {
    fn connect() -> Self {
        let clock = Clock::starting_at(Timestamp::UNIX_EPOCH);
        let (pipe, server) = duplex(1 << 20);
        let pod = json!({"metadata": {"name": "p", "namespace": "default", "uid": "u"}});
        let has_let_go = CancellationToken::new();
        let forwarder = Forwarder {
            streams: Arc::new(Ports(has_let_go.clone())),
            pod: serde_json::from_value(pod).unwrap(),
            clock: clock.clone(),
        };
        let halves = bare(server);
        let stop = CancellationToken::new();
        let served = serve(halves.incoming, halves.outgoing, clock.clone(), stop.clone(), accept(forwarder));
        tokio::spawn(served);
        let (decoder, deflater) = (Decoder::default(), Deflater::default());
        Self { pipe, decoder, deflater, clock, has_let_go, stop }
    }

    /// Opens a stream with headers as `name=value` between spaces.
    async fn open(&mut self, stream: u32, headers: &str) {
        let pairs = headers.split(' ').filter_map(|pair| pair.split_once('='));
        let headers: Headers = pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        let frame = frame::open(stream, &headers, false, &mut self.deflater);
        self.pipe.write_all(&frame).await.unwrap();
    }

    /// Opens a pair for a port, the stream of errors being `stream`; reads both answers.
    async fn pair(&mut self, stream: u32, port: u16) {
        self.open(stream, &format!("port={port} requestid={stream} streamtype=error")).await;
        self.open(stream + 2, &format!("port={port} requestid={stream} streamtype=data")).await;
        assert_eq!([self.next().await, self.next().await], [Some(Frame::Other), Some(Frame::Other)]);
    }

    async fn say(&mut self, stream: u32, octets: &[u8], is_last: bool) {
        self.pipe.write_all(&frame::data(stream, octets, is_last)).await.unwrap();
    }

    /// The next frame that is no ping of the server's; `None` at the end.
    async fn next(&mut self) -> Option<Frame> {
        loop {
            match self.decoder.next().unwrap() {
                Some(Frame::Ping(number)) if number % 2 == 0 => {
                    let answer = frame::ping(number);
                    // A server that has gone needs none.
                    let _ = self.pipe.write_all(&answer).await;
                }
                Some(frame) => return Some(frame),
                None => {
                    let mut chunk = [0; 4096];
                    match self.pipe.read(&mut chunk).await.unwrap() {
                        0 => return None,
                        length => self.decoder.feed(&chunk[..length]),
                    }
                }
            }
        }
    }
}

fn data(stream: u32, octets: &'static [u8], is_last: bool) -> Option<Frame> {
    Some(Frame::Data { stream, octets: octets.into(), is_last })
}

#[tokio::test(start_paused = true)]
async fn each_pair_is_a_connection_of_its_own() {
    let mut client = Client::connect();
    client.pair(1, 80).await;
    client.pair(5, 80).await;
    client.say(7, b"two", false).await;
    assert_eq!(client.next().await, data(7, b"two", false));
    client.say(3, b"one", true).await;
    let mut said = Vec::new();
    let mut ended = Vec::new();
    while ended.len() < 2 {
        match client.next().await {
            Some(Frame::Data { stream, is_last: true, .. }) => ended.push(stream),
            Some(Frame::Data { stream: 3, octets, .. }) => said.extend_from_slice(&octets),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!((said.as_slice(), ended.as_slice()), (&b"one."[..], &[1, 3][..]));
    client.say(7, b"", true).await;
    assert_eq!(client.next().await, data(7, b".", false));
}

#[tokio::test(start_paused = true)]
async fn a_refused_port_is_told_in_the_stream_of_errors() {
    let mut client = Client::connect();
    client.pair(1, 9).await;
    let text = b"error forwarding port 9 to pod p, uid u: connection refused";
    assert_eq!(client.next().await, data(1, text, false));
    assert_eq!([client.next().await, client.next().await], [data(1, b"", true), data(3, b"", true)]);
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_makes_no_sense_is_refused_and_one_without_its_other_is_given_up() {
    let mut client = Client::connect();
    for (stream, headers) in [
        (1, "requestid=0 streamtype=data"),
        (3, "port=0 requestid=0 streamtype=data"),
        (5, "port=65536 requestid=0 streamtype=data"),
        (7, "port=80 requestid=0"),
        (9, "port=80 requestid=0 streamtype=stdin"),
        (10, "port=80 requestid=0 streamtype=data"),
    ] {
        client.open(stream, headers).await;
        assert_eq!(client.next().await, Some(Frame::Reset { stream }), "{headers}");
    }
    client.open(11, "port=80 requestid=0 streamtype=error").await;
    assert_eq!(client.next().await, Some(Frame::Other));
    for (stream, why) in [(13, "a second stream of errors"), (11, "a number that was")] {
        client.open(stream, "port=80 requestid=0 streamtype=error").await;
        assert_eq!(client.next().await, Some(Frame::Reset { stream }), "{why}");
    }
    let started = client.clock.now();
    assert_eq!(client.next().await, data(11, b"timed out waiting for the data stream of request 0", false));
    assert_eq!(client.clock.now().duration_since(started).as_secs(), 30);
    assert_eq!(client.next().await, data(11, b"", true));
    // Without a request the numbers say what belongs together.
    client.open(15, "port=80 streamtype=error").await;
    client.open(17, "port=80 streamtype=data").await;
    client.say(17, b"x", false).await;
    assert_eq!([client.next().await, client.next().await], [Some(Frame::Other), Some(Frame::Other)]);
    assert_eq!(client.next().await, data(17, b"x", false));
}

#[tokio::test(start_paused = true)]
async fn a_connection_has_only_so_many_streams_and_those_that_ended_are_free_again() {
    let mut client = Client::connect();
    let n_pairs = u32::try_from(CONNECTION_STREAMS_MAX).unwrap() / 2;
    for pair in 0..n_pairs {
        client.pair(pair * 4 + 1, 80).await;
    }
    let stream = n_pairs * 4 + 1;
    client.open(stream, "port=80 requestid=x streamtype=error").await;
    assert_eq!(client.next().await, Some(Frame::Reset { stream }));
    client.say(3, b"", true).await;
    for expected in [data(3, b".", false), data(1, b"", true), data(3, b"", true)] {
        assert_eq!(client.next().await, expected);
    }
    client.pair(stream + 2, 80).await;
}

#[tokio::test(start_paused = true)]
async fn a_port_that_reads_nothing_holds_up_the_others_only_for_so_long() {
    let mut client = Client::connect();
    client.pair(1, 81).await;
    client.pair(5, 80).await;
    let started = client.clock.now();
    for _ in 0..5 {
        client.say(3, &[0; 32 * 1024], false).await;
    }
    client.say(7, b"hello", false).await;
    assert_eq!(client.next().await, Some(Frame::Reset { stream: 3 }));
    assert_eq!(client.clock.now().duration_since(started).unsigned_abs(), STALL_MAX);
    let mut rest = [client.next().await, client.next().await];
    rest.sort_by_key(|frame| matches!(frame, Some(Frame::Data { stream: 7, .. })));
    assert_eq!(rest, [data(1, b"", true), data(7, b"hello", false)]);
    client.has_let_go.cancelled().await;
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_the_client_gives_up_lets_go_of_its_port() {
    let mut client = Client::connect();
    client.pair(1, 81).await;
    client.pipe.write_all(&frame::reset(3, frame::Refusal::Cancelled)).await.unwrap();
    client.has_let_go.cancelled().await;
}

#[tokio::test(start_paused = true)]
async fn pings_are_answered_and_what_is_no_frame_ends_the_connection() {
    let mut client = Client::connect();
    client.pipe.write_all(&frame::ping(1)).await.unwrap();
    assert_eq!(client.next().await, Some(Frame::Ping(1)));
    client.pipe.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
    assert_eq!([client.next().await, client.next().await], [Some(Frame::GoAway), None]);
}

#[tokio::test(start_paused = true)]
async fn a_connection_ends_with_the_server_with_its_client_and_when_nothing_is_heard_or_carried() {
    for (name, seconds) in [("stop", 0), ("leave", 0), ("silence", 180), ("idle", 4 * 60 * 60)] {
        let mut client = Client::connect();
        let started = client.clock.now();
        match name {
            "stop" => client.stop.cancel(),
            "leave" => client.pipe.write_all(&frame::go_away(0, frame::Leave::Ok)).await.unwrap(),
            "silence" => {
                let mut all = Vec::new();
                client.pipe.read_to_end(&mut all).await.unwrap();
            }
            _ => while client.next().await.is_some() {},
        }
        while client.pipe.read(&mut [0; 64]).await.unwrap() > 0 {}
        assert_eq!(client.clock.now().duration_since(started).as_secs(), seconds, "{name}");
    }
}
