//! A server for others to ask: UDP and TCP at one port of loopback, answering as a test says.

use std::io::Write;
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use hickory_proto::op::{Message, MessageType, ResponseCode};
use hickory_proto::rr::rdata::{A, AAAA, CNAME, SOA, TXT};
use hickory_proto::rr::{Name, RData, Record};

use super::message::{framed, read_framed};

/// How often a server looks whether it is to end.
const LOOK: Duration = Duration::from_millis(20);

/// How a request came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum By {
    Udp,
    Tcp,
}

/// What a server does with a request.
type Answer = dyn Fn(&Message, By) -> Option<Message> + Send + Sync;

/// A running server; it ends when this is dropped.
pub(crate) struct Upstream {
    pub(crate) address: SocketAddr,
    n_asked: Arc<AtomicUsize>,
    is_over: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

impl Upstream {
    /// Answers each request by `answer`, or not at all.
    pub(crate) fn start(answer: impl Fn(&Message, By) -> Option<Message> + Send + Sync + 'static) -> Self {
        let (udp, tcp) = (0..64)
            .find_map(|_| {
                let tcp = TcpListener::bind("127.0.0.1:0").unwrap();
                UdpSocket::bind(tcp.local_addr().unwrap()).ok().map(|udp| (udp, tcp))
            })
            .expect("one of 64 free ports is free for UDP too");
        let address = tcp.local_addr().unwrap();
        let (n_asked, is_over, answer) = (Arc::default(), Arc::default(), Arc::new(answer));
        let loops = Loops { n_asked: Arc::clone(&n_asked), is_over: Arc::clone(&is_over), answer };
        let (datagrams, connections) = (loops.clone(), loops);
        let threads = vec![
            std::thread::spawn(move || datagrams.udp(&udp)),
            std::thread::spawn(move || connections.tcp(&tcp)),
        ];
        Self { address, n_asked, is_over, threads }
    }

    /// Answers questions for these records (in presentation form, with TTL and class), aliases
    /// followed; everything else does not exist.
    pub(crate) fn of(records: &[&str]) -> Self {
        Self::truncating(records, false)
    }

    /// The same; if wanted, every datagram has TC.
    pub(crate) fn truncating(records: &[&str], is_truncating: bool) -> Self {
        let records: Vec<Record> = records.iter().map(|line| record(line)).collect();
        Self::start(move |request, by| {
            let mut response = look_up(&records, request);
            response.metadata.truncation = is_truncating && by == By::Udp;
            Some(response)
        })
    }

    /// How many requests came.
    pub(crate) fn n_asked(&self) -> usize {
        self.n_asked.load(Ordering::SeqCst)
    }

    /// The flag that names this server.
    pub(crate) fn flag(&self) -> String {
        format!("--forward={}", self.address)
    }
}

impl Drop for Upstream {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::SeqCst);
        // Wakes who waits for a connection.
        let _ = std::net::TcpStream::connect(self.address);
        for thread in self.threads.drain(..) {
            let ended = thread.join();
            assert!(ended.is_ok() || std::thread::panicking(), "the upstream panicked");
        }
    }
}

#[derive(Clone)]
struct Loops {
    n_asked: Arc<AtomicUsize>,
    is_over: Arc<AtomicBool>,
    answer: Arc<Answer>,
}

impl Loops {
    fn is_over(&self) -> bool {
        self.is_over.load(Ordering::SeqCst)
    }

    fn reply(&self, request: &[u8], by: By) -> Option<Vec<u8>> {
        let request = Message::from_vec(request).ok()?;
        self.n_asked.fetch_add(1, Ordering::SeqCst);
        (self.answer)(&request, by)?.to_vec().ok()
    }

    fn udp(&self, socket: &UdpSocket) {
        socket.set_read_timeout(Some(LOOK)).unwrap();
        let mut request = [0; 4096];
        while !self.is_over() {
            let Ok((length, client)) = socket.recv_from(&mut request) else { continue };
            if let Some(reply) = self.reply(&request[..length], By::Udp) {
                socket.send_to(&reply, client).unwrap();
            }
        }
    }

    fn tcp(&self, listener: &TcpListener) {
        while let Ok((mut stream, _)) = listener.accept() {
            if self.is_over() {
                return;
            }
            stream.set_read_timeout(Some(LOOK * 50)).unwrap();
            while let Some(request) = read_framed(&mut stream) {
                if let Some(reply) = self.reply(&request, By::Tcp) {
                    stream.write_all(&framed(&reply)).unwrap();
                }
            }
        }
    }
}

/// The beginning of an answer to `request`.
pub(crate) fn response(request: &Message, rcode: ResponseCode) -> Message {
    let mut response = Message::new(request.metadata.id, MessageType::Response, request.metadata.op_code);
    response.metadata.response_code = rcode;
    response.metadata.recursion_desired = true;
    response.metadata.recursion_available = true;
    response.add_queries(request.queries.iter().cloned());
    response
}

/// A record in presentation form: owner, TTL, IN, type, data.
pub(crate) fn record(line: &str) -> Record {
    let fields: Vec<&str> = line.split_whitespace().collect();
    let name = |text: &str| Name::from_ascii(text).unwrap();
    let number = |index: usize| fields[index].parse::<u32>().unwrap();
    let data = match fields[3] {
        "A" => RData::A(A(fields[4].parse().unwrap())),
        "AAAA" => RData::AAAA(AAAA(fields[4].parse().unwrap())),
        "CNAME" => RData::CNAME(CNAME(name(fields[4]))),
        "TXT" => RData::TXT(TXT::new(fields[4..].iter().map(|text| (*text).to_owned()).collect())),
        "SOA" => {
            let [refresh, retry, expire] = [7, 8, 9].map(|index| number(index) as i32);
            let (mname, rname) = (name(fields[4]), name(fields[5]));
            RData::SOA(SOA::new(mname, rname, number(6), refresh, retry, expire, number(10)))
        }
        other => panic!("{other} is not among what this reads"),
    };
    Record::from_rdata(name(fields[0]), number(1), data)
}

fn look_up(records: &[Record], request: &Message) -> Message {
    let query = request.queries.first().unwrap();
    let mut name = query.name().clone();
    let mut found = Vec::new();
    let mut exists = false;
    for _ in 0..8 {
        let own = records.iter().filter(|record| record.name == name);
        exists = own.clone().next().is_some();
        let wanted = own.clone().filter(|record| record.record_type() == query.query_type());
        let n_before = found.len();
        found.extend(wanted.cloned());
        let alias = own.clone().find_map(|record| match &record.data {
            RData::CNAME(target) if found.len() == n_before => Some((record.clone(), target.0.clone())),
            _ => None,
        });
        let Some((alias, target)) = alias else { break };
        found.push(alias);
        name = target;
    }
    let rcode = if exists { ResponseCode::NoError } else { ResponseCode::NXDomain };
    let mut response = response(request, rcode);
    if !found.iter().any(|record| record.record_type() == query.query_type()) {
        response.add_authority(record("test. 60 IN SOA ns.test. root.test. 1 2 3 4 30"));
    }
    response.add_answers(found);
    response
}
