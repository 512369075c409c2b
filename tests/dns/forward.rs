//! `--forward` as clients see it: names of others by way of upstreams, and what happens when these
//! are silent, refuse, truncate, or ask back.

use std::collections::HashSet;
use std::io::Write;

use hickory_proto::op::{Message, ResponseCode};
use hickory_proto::rr::rdata::opt::{EdnsCode, EdnsOption};

use crate::support::binary::{self, Program};
use crate::support::message::{
    Ask, ask, framed, over_tcp, over_udp, read_framed, receive, seen, tcp, udp, wire_name,
};
use crate::support::port::Port;
use crate::support::raw;
use crate::support::upstream::{By, Upstream, record, response};

const RD: u16 = 0x0100;
const OWN: &str = "web-0.web.default.svc.cluster.local";
const RECORDS: &[&str] = &[
    "www.test. 300 IN A 192.0.2.80",
    "www.test. 300 IN AAAA 2001:db8::80",
    "alias.test. 200 IN CNAME www.test.",
    "text.test. 100 IN CNAME www.test.",
    "dangling.test. 200 IN CNAME gone.test.",
    "www.example.com. 60 IN A 192.0.2.53",
];

/// `dullahan dns` over the zones of `tests/zones`, which the cluster's own does not hide.
fn start(flags: &[&str]) -> Program {
    let own = ["--zones=tests/zones", "--cluster-domain=k8s.invalid", "--dns-workers=1"];
    let flags: Vec<String> = own.iter().chain(flags).map(|flag| (*flag).to_owned()).collect();
    binary::start_with("dns", &flags)
}

fn question(name: &str, record_type: u16) -> Ask {
    ask(name, record_type).flags(RD)
}

/// The Extended DNS Error of a reply: its code and text.
fn told(reply: &[u8]) -> Option<(u16, String)> {
    let message = Message::from_vec(reply).unwrap();
    match message.edns.as_ref()?.option(EdnsCode::Unknown(15))? {
        EdnsOption::Unknown(_, data) => {
            let text = String::from_utf8(data[2..].to_vec()).unwrap();
            Some((u16::from_be_bytes([data[0], data[1]]), text))
        }
        _ => None,
    }
}

fn answers(reply: &[u8]) -> Vec<String> {
    Message::from_vec(reply).unwrap().answers.iter().map(ToString::to_string).collect()
}

#[test]
fn names_of_others_are_asked_of_an_upstream_and_ours_are_not() {
    let upstream = Upstream::of(RECORDS);
    let program = start(&[&upstream.flag()]);
    for (name, record_type, expected) in [
        ("www.test", 1, "NOERROR rd,ra 1/1/0/1 opt(1232,v0) [A||]"),
        ("www.test", 28, "NOERROR rd,ra 1/1/0/1 opt(1232,v0) [AAAA||]"),
        ("alias.test", 1, "NOERROR rd,ra 1/2/0/1 opt(1232,v0) [A CNAME||]"),
        // The alias is told even if it leads to nothing.
        ("text.test", 16, "NOERROR rd,ra 1/1/1/1 opt(1232,v0) [CNAME|SOA|]"),
        ("dangling.test", 1, "NXDOMAIN rd,ra 1/1/1/1 opt(1232,v0) [CNAME|SOA|]"),
        ("www.test", 15, "NOERROR rd,ra 1/0/1/1 opt(1232,v0) [|SOA|]"),
        ("gone.test", 1, "NXDOMAIN rd,ra 1/0/1/1 opt(1232,v0) [|SOA|]"),
        (OWN, 1, "NOERROR aa,rd,ra 1/1/0/1 opt(1232,v0) [A||]"),
        ("gone.cluster.local", 1, "NXDOMAIN aa,rd,ra 1/0/1/1 opt(1232,v0) [|SOA|]"),
    ] {
        let request = question(name, record_type).edns().octets();
        for reply in [over_udp(program.address, &request), over_tcp(program.address, &request)] {
            assert_eq!(seen(&request, reply.as_deref()), expected, "{name} {record_type}");
        }
    }
    assert_eq!(upstream.n_asked(), 7, "each name of others once, ours never");
}

#[test]
fn the_question_is_kept_as_it_was_sent_and_answers_are_remembered() {
    let upstream = Upstream::of(RECORDS);
    let program = start(&[&upstream.flag()]);
    for (id, name) in [(1, "www.test"), (2, "WwW.tEsT"), (3, "WWW.TEST")] {
        let request = Ask { id, ..question(name, 1) };
        let reply = over_udp(program.address, &request.octets()).unwrap();
        assert_eq!(reply[..2], id.to_be_bytes());
        assert_eq!(reply[12..12 + request.body.len()], request.body, "{name}");
        // Without EDNS there is none in the reply; the owner is a pointer to the question.
        assert_eq!(seen(&request.octets(), Some(&reply)), "NOERROR rd,ra 1/1/0/0 [A||]");
        assert_eq!(reply[12 + request.body.len()..][..2], [0xC0, 12]);
    }
    assert_eq!(upstream.n_asked(), 1);
}

#[test]
fn without_rd_nobody_is_asked_and_without_the_flag_everything_is_as_before() {
    let upstream = Upstream::of(RECORDS);
    let with = start(&[&upstream.flag()]);
    let without = start(&[]);
    for (server, flags, name, expected) in [
        (with.address, 0, "www.test", "REFUSED ra 1/0/0/1 opt(1232,v0,ede) [||]"),
        (with.address, 0, "ext.default.svc.cluster.local", "NOERROR aa,ra 1/1/0/1 opt(1232,v0) [CNAME||]"),
        (without.address, RD, "www.test", "REFUSED rd 1/0/0/1 opt(1232,v0,ede) [||]"),
        (
            without.address,
            RD,
            "ext.default.svc.cluster.local",
            "NOERROR aa,rd 1/1/0/1 opt(1232,v0) [CNAME||]",
        ),
        (without.address, RD, OWN, "NOERROR aa,rd 1/1/0/1 opt(1232,v0) [A||]"),
    ] {
        let request = ask(name, 1).flags(flags).edns().octets();
        let reply = over_udp(server, &request);
        assert_eq!(seen(&request, reply.as_deref()), expected, "{name}");
    }
    assert_eq!(upstream.n_asked(), 0);
}

#[test]
fn an_alias_that_leads_out_of_our_zones_is_followed() {
    let upstream = Upstream::of(RECORDS);
    let program = start(&[&upstream.flag()]);
    let request = question("Ext.default.svc.cluster.local", 1).edns().octets();
    let reply = over_udp(program.address, &request).unwrap();
    assert_eq!(seen(&request, Some(&reply)), "NOERROR aa,rd,ra 1/2/0/1 opt(1232,v0) [A CNAME||]");
    assert_eq!(
        answers(&reply),
        ["Ext.default.svc.cluster.local. 5 IN CNAME www.example.com.", "www.example.com. 60 IN A 192.0.2.53"]
    );
    // Whoever asks for the alias gets it, and nobody is asked.
    let request = question("ext.default.svc.cluster.local", 5).octets();
    let reply = over_udp(program.address, &request);
    assert_eq!(seen(&request, reply.as_deref()), "NOERROR aa,rd,ra 1/1/0/0 [CNAME||]");
    assert_eq!(upstream.n_asked(), 1);
}

#[test]
fn a_truncated_datagram_is_asked_for_again_by_tcp() {
    const N_ADDRESSES: u8 = 200;
    let upstream = Upstream::start(|request, by| {
        let mut response = response(request, ResponseCode::NoError);
        response.metadata.truncation = by == By::Udp;
        if by == By::Tcp {
            let addresses = 0..N_ADDRESSES;
            response.add_answers(addresses.map(|n| record(&format!("big.test. 60 IN A 192.0.2.{n}"))));
        }
        Some(response)
    });
    let program = start(&[&upstream.flag()]);
    let request = question("big.test", 1).edns().octets();
    let whole = over_tcp(program.address, &request);
    assert_eq!(seen(&request, whole.as_deref()), "NOERROR rd,ra 1/200/0/1 opt(1232,v0) [A*200||]");
    // What does not fit a datagram of ours is truncated as our own would be.
    let cut = over_udp(program.address, &request);
    assert_eq!(seen(&request, cut.as_deref()), "NOERROR tc,rd,ra 1/0/0/1 opt(1232,v0) [||]");
    assert_eq!(upstream.n_asked(), 2);
}

#[test]
fn a_failure_is_told_and_another_upstream_is_asked_first() {
    let silent = Upstream::start(|_, _| None);
    let refusing = Upstream::start(|request, _| Some(response(request, ResponseCode::Refused)));
    let good = Upstream::of(RECORDS);
    let request = question("www.test", 1).edns().octets();
    for (upstreams, expected, code) in [
        (vec![&silent], "SERVFAIL rd,ra 1/0/0/1 opt(1232,v0,ede) [||]", Some(22)),
        (vec![&refusing], "SERVFAIL rd,ra 1/0/0/1 opt(1232,v0,ede) [||]", Some(23)),
        (vec![&silent, &refusing, &good], "NOERROR rd,ra 1/1/0/1 opt(1232,v0) [A||]", None),
    ] {
        let flags: Vec<String> = upstreams.iter().map(|upstream| upstream.flag()).collect();
        let program = start(&flags.iter().map(String::as_str).collect::<Vec<_>>());
        let reply = over_udp(program.address, &request).unwrap();
        assert_eq!(seen(&request, Some(&reply)), expected);
        assert_eq!(told(&reply).map(|(code, _)| code), code);
        // An alias of ours that leads nowhere is no answer either.
        let request = question("ext.default.svc.cluster.local", 1).octets();
        let reply = over_udp(program.address, &request);
        let is_failure = seen(&request, reply.as_deref()).starts_with("SERVFAIL rd,ra 1/0/0/0");
        assert_eq!(is_failure, code.is_some());
    }
}

#[test]
fn whoever_waits_for_an_upstream_keeps_nobody_else_waiting() {
    let silent = Upstream::start(|_, _| None);
    let program = start(&[&silent.flag()]);
    let own = Ask { id: 999, ..question(OWN, 1) }.octets();
    let others = (0..50).map(|n| Ask { id: n, ..question(&format!("n{n}.test"), 1) }.octets());
    let others: Vec<Vec<u8>> = others.collect();

    let socket = udp(program.address);
    for other in &others {
        socket.send(other).unwrap();
    }
    socket.send(&own).unwrap();
    let first = receive(&socket).unwrap();
    assert_eq!(seen(&own, Some(&first)), "NOERROR aa,rd,ra 1/1/0/0 [A||]", "the only worker was free");
    let ids: HashSet<Vec<u8>> = others.iter().map(|_| receive(&socket).unwrap()[..2].to_vec()).collect();
    assert_eq!(ids.len(), others.len(), "in the end each is told that there is no answer");

    let mut stream = tcp(program.address);
    let request = question("silent.test", 1).octets();
    stream.write_all(&[framed(&request), framed(&own)].concat()).unwrap();
    let first = read_framed(&mut stream).unwrap();
    assert_eq!(seen(&own, Some(&first)), "NOERROR aa,rd,ra 1/1/0/0 [A||]", "nor is the connection");
    let second = read_framed(&mut stream).unwrap();
    assert_eq!(seen(&request, Some(&second)), "SERVFAIL rd,ra 1/0/0/0 [||]");
}

#[test]
fn more_questions_than_may_wait_are_answered_at_once() {
    /// What one client may have waiting.
    const WAITING_PER_CLIENT_MAX: u16 = dullahan::dns::service::forward::WAITING_PER_CLIENT_MAX as u16;
    let silent = Upstream::start(|_, _| None);
    let program = start(&[&silent.flag()]);
    let socket = udp(program.address);
    let mut crowded = None;
    // Each is answered before the next but one is sent, or waits: nothing is lost in a full socket.
    for n in 0..WAITING_PER_CLIENT_MAX + 1 {
        let request = Ask { id: n, ..question(&format!("n{n}.test"), 1) }.edns().octets();
        socket.send(&request).unwrap();
        let marker = Ask { id: u16::MAX, ..question(OWN, 1) }.octets();
        socket.send(&marker).unwrap();
        let first = receive(&socket).unwrap();
        if first[..2] != marker[..2] {
            crowded = Some((n, request, first));
            break;
        }
    }
    let (n, request, reply) = crowded.expect("one was answered before its upstream was given up");
    // On a slow machine the first ones may have failed before the last were sent.
    if told(&reply).is_some_and(|(code, _)| code == 22) {
        return;
    }
    assert_eq!(n, WAITING_PER_CLIENT_MAX);
    assert_eq!(seen(&request, Some(&reply)), "SERVFAIL rd,ra 1/0/0/1 opt(1232,v0,ede) [||]");
    assert_eq!(told(&reply).unwrap().1, "too many questions are waiting for upstreams; ask again");
}

#[test]
fn servers_that_ask_one_another_fail_and_do_not_spin() {
    let metrics = |page: &str| -> Vec<String> {
        let lines = page.lines().filter(|line| line.starts_with("dullahan_dns_queries_total"));
        lines.map(str::to_owned).collect()
    };
    // Each is told of the other before that one is started.
    let (one, other) = (Port::reserve(), Port::reserve());
    let programs = [(&one, &other), (&other, &one)].map(|(own, upstream)| {
        let flags = [
            "--zones=tests/zones".to_owned(),
            "--cluster-domain=k8s.invalid".to_owned(),
            format!("--dns-listen={}", own.address),
            format!("--forward={}", upstream.address),
            "--metrics-listen=127.0.0.1:0".to_owned(),
        ];
        binary::start_with("dns", &flags)
    });
    let request = question("round.test", 1).edns().octets();
    let reply = over_udp(one.address, &request).unwrap();
    assert_eq!(seen(&request, Some(&reply)), "SERVFAIL rd,ra 1/0/0/1 opt(1232,v0,ede) [||]");
    for program in programs {
        let text = raw::in_plain(&program.metrics_address(), b"GET /metrics HTTP/1.0\r\n\r\n");
        let counts = metrics(&text);
        let n: u64 = counts.iter().map(|line| line.rsplit(' ').next().unwrap().parse::<u64>().unwrap()).sum();
        assert!(n < 20, "{counts:#?}");
    }
}

#[test]
fn a_server_that_is_told_to_ask_itself_does_not_start() {
    let port = Port::reserve();
    let own = port.address;
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_dullahan"))
        .args(["dns", "--zones=tests/zones", "--cluster-domain=k8s.invalid"])
        .args([format!("--dns-listen={own}"), format!("--forward={own}")])
        .output()
        .unwrap();
    assert!(!output.status.success());
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains(&format!("--forward {own}: that is this server itself")), "{said}");
}

#[test]
fn a_question_of_255_octets_is_forwarded_whole() {
    let name =
        [&["x".repeat(63), "y".repeat(63), "z".repeat(63), "q".repeat(56)].join("."), "test"].join(".");
    assert_eq!(wire_name(&name).len(), 255);
    let line = format!("{name}. 60 IN A 192.0.2.9");
    let upstream = Upstream::of(&[&line]);
    let program = start(&[&upstream.flag()]);
    let request = question(&name, 1).octets();
    let reply = over_udp(program.address, &request);
    assert_eq!(seen(&request, reply.as_deref()), "NOERROR rd,ra 1/1/0/0 [A||]");
}
