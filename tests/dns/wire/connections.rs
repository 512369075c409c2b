//! TCP (RFC 7766): many queries on a connection, queries in pieces, and clients that do not read or say nothing.

use std::collections::HashSet;
use std::io::Write;
use std::net::Shutdown;
use std::net::TcpStream;

use super::fixture::{A, APEX, HUGE, SOA, WEB, serve};
use crate::support::message::{Ask, Opt, ask, framed, option, over_tcp, over_udp, read_framed, seen, tcp};

#[test]
fn how_long_a_connection_may_be_idle_is_told_where_there_is_one() {
    let server = serve();
    let request = ask(APEX, SOA).opt(&Opt { options: option(11, &[]), ..Opt::default() }).octets();
    // Ten seconds, in units of 100 ms.
    let told = option(11, &100_u16.to_be_bytes());
    assert!(over_tcp(server.address, &request).unwrap().ends_with(&told));
    let reply = over_udp(server.address, &request);
    assert_eq!(seen(&request, reply.as_deref()), "NOERROR aa 1/1/0/1 opt(1232,v0) [SOA||]");
}

#[test]
fn queries_in_one_segment_are_all_answered() {
    let server = serve();
    let mut stream = tcp(server.address);
    let asks = (100..120).map(|id| framed(&Ask { id, ..ask(WEB, A) }.octets()));
    stream.write_all(&asks.flatten().collect::<Vec<_>>()).unwrap();
    let mut answered = HashSet::new();
    for _ in 100..120 {
        let reply = read_framed(&mut stream).unwrap();
        answered.insert(u16::from_be_bytes([reply[0], reply[1]]));
    }
    assert_eq!(answered, (100..120).collect());
}

#[test]
fn a_query_that_comes_octet_by_octet_and_a_closed_sending_half_are_answered() {
    let server = serve();
    let mut stream = tcp(server.address);
    stream.set_nodelay(true).unwrap();
    let request = ask(APEX, SOA).octets();
    for octet in framed(&request) {
        stream.write_all(&[octet]).unwrap();
    }
    stream.shutdown(Shutdown::Write).unwrap();
    let reply = read_framed(&mut stream);
    assert_eq!(seen(&request, reply.as_deref()), "NOERROR aa 1/1/0/0 [SOA||]");
}

#[test]
fn idle_connections_keep_nobody_else_waiting() {
    let server = serve();
    let _idle: Vec<TcpStream> = (0..200).map(|_| TcpStream::connect(server.address).unwrap()).collect();
    let request = ask(APEX, SOA).octets();
    for reply in [over_udp(server.address, &request), over_tcp(server.address, &request)] {
        assert_eq!(seen(&request, reply.as_deref()), "NOERROR aa 1/1/0/0 [SOA||]");
    }
}

#[test]
fn a_connection_that_asks_and_never_reads_keeps_nobody_else_waiting() {
    let server = serve();
    let mut stream = TcpStream::connect(server.address).unwrap();
    stream.set_nonblocking(true).unwrap();
    let query = framed(&ask(HUGE, A).octets());
    let n_sent = (0..3000).take_while(|_| stream.write_all(&query).is_ok()).count();
    assert!(n_sent > 100, "{n_sent}");
    let request = ask(APEX, SOA).octets();
    for reply in [over_udp(server.address, &request), over_tcp(server.address, &request)] {
        assert_eq!(seen(&request, reply.as_deref()), "NOERROR aa 1/1/0/0 [SOA||]");
    }
}
