//! Clients that ask for more than their share, and some that do not: these are answered as if the
//! others were not there.

use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::time::Duration;

use crate::support::binary;
use crate::support::message::{Ask, ask, seen};
use crate::support::{raw, tools};

const NAME: &str = "web-0.web.default.svc.cluster.local";
/// Answers per second and network: what an honest client asks in all, so that he is never beyond, and
/// so few that an attacker is, even on a machine that does much else.
const RRL: u16 = 100;
/// The networks of the honest clients, one each.
const HONEST: [&str; 10] = [
    "127.66.3",
    "127.66.4",
    "127.66.5",
    "127.66.6",
    "127.66.7",
    "127.66.8",
    "127.66.9",
    "127.66.10",
    "127.66.11",
    "127.66.12",
];
/// How many questions they ask.
const N_HONEST: usize = HONEST.len() * RRL as usize;
/// How many of them may be lost: under one in a hundred.
const LOST_MAX: usize = N_HONEST / 100 - 1;
/// Truncated, in the third octet of a header.
const TC: u8 = 2;
/// How many questions an attacker sends before he looks at the replies.
const BURST: usize = 64;
/// How many questions the attackers send at most.
const N_ATTACK_MAX: u64 = 20_000_000;
/// How long a reply is waited for before it counts as lost: longer than a machine that does much else
/// keeps a process from running.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long it may take until the attackers are limited.
const LIMITED_MAX: Duration = Duration::from_secs(60);

fn socket(own: &str, server: SocketAddr) -> UdpSocket {
    let socket = UdpSocket::bind(own).unwrap();
    socket.connect(server).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    socket
}

/// Asks as fast as the server takes it (whoever asks faster fills the system's buffers, which is nothing
/// that a limit of answers could change), until `is_over`; tells `limited` when that has begun, and
/// returns how many replies had records.
fn attack(
    own: &str,
    server: SocketAddr,
    is_over: &AtomicBool,
    n_sent: &AtomicU64,
    limited: &Sender<()>,
) -> u64 {
    let socket = socket(own, server);
    let mut reply = [0; 2048];
    let (mut n_answered, mut id, mut is_limited) = (0, 0_u16, false);
    while !is_over.load(Ordering::Relaxed) && n_sent.load(Ordering::Relaxed) < N_ATTACK_MAX {
        id = id.wrapping_add(1);
        let request = Ask { id, ..ask(NAME, 1) }.octets();
        for _ in 0..BURST {
            socket.send(&request).unwrap();
        }
        n_sent.fetch_add(BURST as u64, Ordering::Relaxed);
        // Of what is limited every second one comes back, truncated.
        let mut n_awaited = BURST / 2;
        while n_awaited > 0 {
            let Ok(length) = socket.recv(&mut reply) else { break };
            n_answered += u64::from(length > 12 && reply[7] > 0);
            if !is_limited && reply[2] & TC > 0 {
                is_limited = true;
                limited.send(()).unwrap();
            }
            n_awaited -= usize::from(reply[..2] == id.to_be_bytes());
        }
    }
    n_answered
}

/// Asks what an honest client may, one question after the other; how many have no reply.
fn ask_honestly(network: &str, server: SocketAddr) -> usize {
    let socket = socket(&format!("{network}.1:0"), server);
    let mut n_lost = 0;
    let mut reply = [0; 2048];
    for id in 0..RRL {
        let request = Ask { id, ..ask(NAME, 1) }.octets();
        socket.send(&request).unwrap();
        match socket.recv(&mut reply) {
            Ok(length) => assert_eq!(seen(&request, Some(&reply[..length])), "NOERROR aa 1/1/0/0 [A||]"),
            Err(_) => n_lost += 1,
        }
    }
    n_lost
}

#[test]
fn who_asks_within_his_share_is_answered_whatever_others_do() {
    let _alone = tools::alone();
    let flags = ["--zones=tests/zones", "--cluster-domain=k8s.invalid", "--metrics-listen=127.0.0.1:0"];
    let mut flags: Vec<String> = flags.map(str::to_owned).to_vec();
    flags.push(format!("--rrl={RRL}"));
    let program = binary::start_with("dns", &flags);
    let page = program.metrics_address();
    let server = program.address;

    let (is_over, n_sent) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let (limited, has_begun) = channel();
    let attackers = ["127.66.1.1:0", "127.66.2.1:0"].map(|own| {
        let (is_over, n_sent, limited) = (is_over.clone(), n_sent.clone(), limited.clone());
        std::thread::spawn(move || attack(own, server, &is_over, &n_sent, &limited))
    });
    // The honest ones come when both are beyond their share.
    for _ in &attackers {
        has_begun.recv_timeout(LIMITED_MAX).expect("who asks beyond his share is limited");
    }
    let n_lost: usize = HONEST.iter().map(|network| ask_honestly(network, server)).sum();
    is_over.store(true, Ordering::Relaxed);
    let answered: Vec<u64> = attackers.into_iter().map(|attacker| attacker.join().unwrap()).collect();
    let n_sent = n_sent.load(Ordering::Relaxed);
    println!(
        "{n_sent} questions of two attackers, {answered:?} answered; {n_lost} of {N_HONEST} honest lost"
    );
    assert!(n_lost <= LOST_MAX, "{n_lost} of {N_HONEST} lost");

    let text = raw::in_plain(&page, b"GET /metrics HTTP/1.0\r\n\r\n");
    let n_limited = |network: &str| {
        let line = format!("dullahan_dns_rate_limited_total{{network=\"{network}\"}} ");
        let found = text.lines().find_map(|other| other.strip_prefix(&line)?.trim().parse::<u64>().ok());
        found.unwrap_or(0)
    };
    assert!(n_limited("127.66.1.0/24") > 0 && n_limited("127.66.2.0/24") > 0, "{text}");
    for network in HONEST {
        assert_eq!(n_limited(&format!("{network}.0/24")), 0, "{network}");
    }
    for line in [
        "dullahan_dns_network_queries_total{network=\"127.66.1.0/24\"} ",
        "dullahan_dns_name_queries_total{name=\"web-0.web.default.svc.cluster.local.\"} ",
    ] {
        assert!(text.lines().any(|other| other.starts_with(line)), "{line} in\n{text}");
    }
}
