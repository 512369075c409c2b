//! The metrics page of the real program, scraped over HTTP after known questions.

use std::io::{Read, Write};
use std::net::TcpStream;

use crate::support::binary;
use crate::support::message::{ask, over_tcp, over_udp};

/// Status line and body of a request.
fn get(server: &str, request: &str) -> (String, String) {
    let mut stream = TcpStream::connect(server).unwrap();
    write!(stream, "{request} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").unwrap();
    let mut reply = String::new();
    stream.read_to_string(&mut reply).unwrap();
    let (head, body) = reply.split_once("\r\n\r\n").unwrap();
    (head.lines().next().unwrap().to_owned(), body.to_owned())
}

#[test]
fn what_was_asked_is_what_is_scraped() {
    let flags = ["--rrl=2", "--metrics-listen=127.0.0.1:0"].map(str::to_owned);
    let manifests = std::path::Path::new("examples/web.yaml");
    let program = binary::start("dns", manifests, &flags);
    let server = program.address;
    let address = &program.metrics_address();
    let (apex, missing) = ("cluster.local", "nginx.nowhere.svc.cluster.local");
    // Two of a kind per second and network are answered; then one is lost and one is cut short.
    for _ in 0..2 {
        assert!(over_udp(server, &ask(missing, 1).edns().octets()).is_some());
    }
    assert!(over_tcp(server, &ask(apex, 6).octets()).is_some());
    assert!(over_udp(server, &ask(apex, 65280).octets()).is_some());
    let (status, page) = get(address, "GET /metrics");
    assert_eq!(status, "HTTP/1.1 200 OK");
    for line in [
        r#"dullahan_dns_queries_total{transport="udp",type="A",rcode="NXDOMAIN"} 2"#,
        r#"dullahan_dns_queries_total{transport="tcp",type="SOA",rcode="NOERROR"} 1"#,
        r#"dullahan_dns_queries_total{transport="udp",type="other",rcode="NOERROR"} 1"#,
        r#"dullahan_dns_explanations_total{cause="no namespace"} 2"#,
        "dullahan_dns_query_duration_seconds_count 4",
        r#"dullahan_dns_dropped_total{reason="rate_limited"} 0"#,
        "# TYPE dullahan_dns_query_duration_seconds histogram",
        "# UNIT dullahan_dns_query_duration_seconds seconds",
        "# TYPE dullahan_dns_zone_serial gauge",
        "# EOF",
    ] {
        assert!(page.lines().any(|other| other == line), "{line} in\n{page}");
    }
    for beginning in [
        r#"dullahan_dns_zone_names{zone="cluster.local."} "#,
        r#"dullahan_dns_zone_serial{zone="cluster.local."} "#,
    ] {
        assert!(page.lines().any(|line| line.starts_with(beginning)), "{beginning} in\n{page}");
    }
    assert_eq!(get(address, "GET /").0, "HTTP/1.1 404 Not Found");
    assert_eq!(get(address, "POST /metrics").0, "HTTP/1.1 405 Method Not Allowed");
}
