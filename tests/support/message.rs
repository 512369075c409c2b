//! Raw requests and what is seen of the replies.
//!
//! Requests are built octet by octet, so that they can be wrong; a reply is read by hickory and put
//! into a line such as `NOERROR aa,rd 1/3/0/1 opt(1232,v0,do) [A*3||]`: rcode, flags, counts, OPT
//! with its options, and the types of each section.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream, UdpSocket};
use std::time::Duration;

use hickory_proto::op::{Message, ResponseCode};
use hickory_proto::rr::{Record, RecordType};

/// How long a reply may take: on loopback none is lost, so one that does not come is a fault. Longer
/// than the server waits for others.
const REPLY_MAX: Duration = Duration::from_secs(20);

/// A request, each part of which can be set to anything.
#[derive(Clone, Debug)]
pub(crate) struct Ask {
    pub(crate) id: u16,
    pub(crate) flags: u16,
    pub(crate) counts: [u16; 4],
    pub(crate) body: Vec<u8>,
}

/// A question for `name` (in the usual escapes) and the number of a type, class IN.
pub(crate) fn ask(name: &str, record_type: u16) -> Ask {
    ask_class(name, record_type, 1)
}

pub(crate) fn ask_class(name: &str, record_type: u16, class: u16) -> Ask {
    let body = [&wire_name(name)[..], &record_type.to_be_bytes(), &class.to_be_bytes()].concat();
    Ask { id: 0x1234, flags: 0, counts: [1, 0, 0, 0], body }
}

/// A header and nothing else.
pub(crate) fn header_only() -> Ask {
    Ask { id: 0x1234, flags: 0, counts: [0; 4], body: Vec::new() }
}

impl Ask {
    pub(crate) fn flags(mut self, flags: u16) -> Self {
        self.flags |= flags;
        self
    }

    pub(crate) fn opcode(self, opcode: u16) -> Self {
        self.flags(opcode << 11)
    }

    pub(crate) fn counts(mut self, counts: [u16; 4]) -> Self {
        self.counts = counts;
        self
    }

    /// Appends octets without counting them.
    pub(crate) fn and(mut self, octets: &[u8]) -> Self {
        self.body.extend_from_slice(octets);
        self
    }

    /// Appends an OPT record and counts it.
    pub(crate) fn opt(mut self, opt: &Opt) -> Self {
        self.counts[3] += 1;
        self.and(&opt.octets())
    }

    /// With EDNS as most clients send it.
    pub(crate) fn edns(self) -> Self {
        self.opt(&Opt::default())
    }

    /// Leaves out the last octets.
    pub(crate) fn cut(mut self, n: usize) -> Self {
        self.body.truncate(self.body.len() - n);
        self
    }

    pub(crate) fn octets(&self) -> Vec<u8> {
        let fixed = [self.id, self.flags, self.counts[0], self.counts[1], self.counts[2], self.counts[3]];
        fixed.iter().flat_map(|field| field.to_be_bytes()).chain(self.body.clone()).collect()
    }
}

/// An OPT record, right or wrong.
#[derive(Clone, Debug)]
pub(crate) struct Opt {
    pub(crate) owner: Vec<u8>,
    pub(crate) size: u16,
    pub(crate) rcode: u8,
    pub(crate) version: u8,
    pub(crate) flags: u16,
    pub(crate) options: Vec<u8>,
    /// RDLENGTH if it is not the length of the options.
    pub(crate) length: Option<u16>,
}

impl Default for Opt {
    fn default() -> Self {
        Self { owner: vec![0], size: 1232, rcode: 0, version: 0, flags: 0, options: Vec::new(), length: None }
    }
}

impl Opt {
    fn octets(&self) -> Vec<u8> {
        let length = self.length.unwrap_or(self.options.len() as u16);
        let mut octets = [&self.owner[..], &[0, 41], &self.size.to_be_bytes()].concat();
        octets.extend([self.rcode, self.version]);
        octets.extend(self.flags.to_be_bytes());
        octets.extend(length.to_be_bytes());
        octets.extend(&self.options);
        octets
    }
}

/// An option's code, length and data.
pub(crate) fn option(code: u16, data: &[u8]) -> Vec<u8> {
    [&code.to_be_bytes(), &(data.len() as u16).to_be_bytes()[..], data].concat()
}

/// A name in wire form; `\ddd` and `\.` are understood.
pub(crate) fn wire_name(name: &str) -> Vec<u8> {
    let mut octets = Vec::new();
    let mut label = Vec::new();
    let mut rest = name.strip_suffix('.').unwrap_or(name).bytes().peekable();
    while let Some(octet) = rest.next() {
        match octet {
            b'.' => {
                octets.push(label.len() as u8);
                octets.append(&mut label);
            }
            b'\\' if rest.peek().is_some_and(u8::is_ascii_digit) => {
                let digits =
                    rest.by_ref().take(3).fold(0u16, |value, digit| value * 10 + u16::from(digit - b'0'));
                label.push(digits as u8);
            }
            b'\\' => label.extend(rest.next()),
            _ => label.push(octet),
        }
    }
    if !label.is_empty() {
        octets.push(label.len() as u8);
        octets.append(&mut label);
    }
    octets.push(0);
    octets
}

/// The reply to a datagram, `None` if there is none.
pub(crate) fn over_udp(server: SocketAddr, request: &[u8]) -> Option<Vec<u8>> {
    over_udp_within(server, request, REPLY_MAX)
}

/// The same with less patience, for programs that may lose a datagram and are asked again.
pub(crate) fn over_udp_within(server: SocketAddr, request: &[u8], reply_max: Duration) -> Option<Vec<u8>> {
    let socket = udp(server);
    socket.set_read_timeout(Some(reply_max)).unwrap();
    socket.send(request).unwrap();
    receive(&socket)
}

/// The reply to a message on a connection of its own, `None` if there is none.
pub(crate) fn over_tcp(server: SocketAddr, request: &[u8]) -> Option<Vec<u8>> {
    let mut stream = tcp(server);
    stream.write_all(&framed(request)).unwrap();
    read_framed(&mut stream)
}

/// A socket that talks to `server` alone and waits for each reply as long as one may take.
pub(crate) fn udp(server: SocketAddr) -> UdpSocket {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.connect(server).unwrap();
    socket.set_read_timeout(Some(REPLY_MAX)).unwrap();
    socket
}

/// A connection that waits likewise.
pub(crate) fn tcp(server: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(server).unwrap();
    stream.set_read_timeout(Some(REPLY_MAX)).unwrap();
    stream
}

/// The next datagram, `None` if none comes.
pub(crate) fn receive(socket: &UdpSocket) -> Option<Vec<u8>> {
    let mut reply = vec![0; 65535];
    let length = socket.recv(&mut reply).ok()?;
    reply.truncate(length);
    Some(reply)
}

/// A message with its length before it.
pub(crate) fn framed(message: &[u8]) -> Vec<u8> {
    [&(message.len() as u16).to_be_bytes()[..], message].concat()
}

/// The next message of a stream, `None` at its end or after a while.
pub(crate) fn read_framed(stream: &mut TcpStream) -> Option<Vec<u8>> {
    let mut length = [0; 2];
    stream.read_exact(&mut length).ok()?;
    let mut message = vec![0; usize::from(u16::from_be_bytes(length))];
    stream.read_exact(&mut message).ok()?;
    Some(message)
}

/// The data of what answers a question over UDP, in order; the rcode where that is no success.
pub(crate) fn answers(server: SocketAddr, name: &str, record_type: u16) -> Result<Vec<String>, String> {
    let reply = over_udp(server, &ask(name, record_type).octets()).ok_or("silence")?;
    let message = Message::from_vec(&reply).map_err(|error| error.to_string())?;
    if message.metadata.response_code != ResponseCode::NoError {
        return Err(rcode(&message));
    }
    let mut data: Vec<String> = message.answers.iter().map(|record| record.data.to_string()).collect();
    data.sort();
    Ok(data)
}

/// What is seen of a reply, in a line.
pub(crate) fn seen(request: &[u8], reply: Option<&[u8]>) -> String {
    let Some(reply) = reply else { return "silence".to_owned() };
    let Ok(message) = Message::from_vec(reply) else { return format!("unreadable {reply:02x?}") };
    let mut wrong = String::new();
    for (is_wrong, what) in [
        (reply[..2] != request[..2], " ID!"),
        (reply[2] & 0x80 == 0, " QR!"),
        ((reply[2] ^ request[2]) & 0x78 != 0, " OPCODE!"),
    ] {
        wrong.push_str(if is_wrong { what } else { "" });
    }
    let count = |at: usize| u16::from_be_bytes([reply[at], reply[at + 1]]);
    let counts = format!("{}/{}/{}/{}", count(4), count(6), count(8), count(10));
    let sections =
        [&message.answers, &message.authorities, &message.additionals].map(|records| types(records));
    format!("{} {} {counts}{} [{}]{wrong}", rcode(&message), flags(reply), edns(&message), sections.join("|"))
}

/// The rcode as dig prints it.
pub(crate) fn rcode(message: &Message) -> String {
    match message.metadata.response_code {
        ResponseCode::NXDomain => "NXDOMAIN".to_owned(),
        code if u16::from(code) == 16 => "BADVERS".to_owned(),
        code => format!("{code:?}").to_uppercase(),
    }
}

fn flags(reply: &[u8]) -> String {
    let bits = [
        (2, 4, "aa"),
        (2, 2, "tc"),
        (2, 1, "rd"),
        (3, 128, "ra"),
        (3, 64, "z"),
        (3, 32, "ad"),
        (3, 16, "cd"),
    ];
    let set: Vec<_> = bits.iter().filter(|(at, bit, _)| reply[*at] & bit != 0).map(|bit| bit.2).collect();
    if set.is_empty() { "-".to_owned() } else { set.join(",") }
}

fn edns(message: &Message) -> String {
    let Some(edns) = &message.edns else { return String::new() };
    let mut parts = vec![edns.max_payload().to_string(), format!("v{}", edns.version())];
    parts.extend(edns.flags().dnssec_ok.then(|| "do".to_owned()));
    parts.extend((edns.flags().z != 0).then(|| "Z!".to_owned()));
    parts.extend(edns.options().as_ref().iter().map(|(code, _)| match u16::from(*code) {
        15 => "ede".to_owned(),
        code => format!("option {code}"),
    }));
    format!(" opt({})", parts.join(","))
}

fn types(records: &[Record]) -> String {
    let mut counts = BTreeMap::new();
    for record in records {
        let name = match record.record_type() {
            RecordType::Unknown(number) => format!("TYPE{number}"),
            known => known.to_string(),
        };
        *counts.entry(name).or_insert(0) += 1;
    }
    let entries = counts.into_iter().map(|(name, n)| if n == 1 { name } else { format!("{name}*{n}") });
    entries.collect::<Vec<_>>().join(" ")
}
