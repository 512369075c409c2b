//! Real clients: dig, kdig, drill and nslookup read the same from us, and a strict Unbound resolves
//! through us.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;

use crate::support::binary;
use crate::support::message::{ask, over_tcp, over_udp, seen};
use crate::support::port::Port;
use crate::support::tools::{Running, Tools};

/// Name, type, rcode and the answers as `TYPE data`, in any order.
type Case = (&'static str, &'static str, &'static str, &'static [&'static str]);

const CASES: &[Case] = &[
    ("web-0.web.default.svc.cluster.local", "A", "NOERROR", &["A 10.1.0.1"]),
    ("web.default.svc.cluster.local", "A", "NOERROR", &["A 10.1.0.1", "A 10.1.0.2", "A 10.1.0.3"]),
    ("WEB.Default.SVC.cluster.local", "AAAA", "NOERROR", &["AAAA fd00::1", "AAAA fd00::2", "AAAA fd00::3"]),
    ("web.default.svc.cluster.local", "MX", "NOERROR", &[]),
    ("default.svc.cluster.local", "A", "NOERROR", &[]),
    ("nothere.default.svc.cluster.local", "A", "NXDOMAIN", &[]),
    ("example.com", "A", "REFUSED", &[]),
    (
        "_pg._tcp.db.prod.svc.cluster.local",
        "SRV",
        "NOERROR",
        &[
            "SRV 0 20 5432 db-0.db.prod.svc.cluster.local.",
            "SRV 0 20 5432 db-1.db.prod.svc.cluster.local.",
            "SRV 0 20 5432 db-2.db.prod.svc.cluster.local.",
            "SRV 0 20 5432 db-3.db.prod.svc.cluster.local.",
            "SRV 0 20 5432 db-4.db.prod.svc.cluster.local.",
        ],
    ),
    (
        "alias2.default.svc.cluster.local",
        "A",
        "NOERROR",
        &[
            "A 10.1.0.1",
            "A 10.1.0.2",
            "A 10.1.0.3",
            "CNAME alias.default.svc.cluster.local.",
            "CNAME web.default.svc.cluster.local.",
        ],
    ),
    ("ext.default.svc.cluster.local", "A", "NOERROR", &["CNAME www.example.com."]),
    ("x.wild.cluster.local", "TXT", "NOERROR", &["TXT \"wild\""]),
    ("mx.cluster.local", "MX", "NOERROR", &["MX 10 web.default.svc.cluster.local."]),
    ("unk.cluster.local", "TYPE65400", "NOERROR", &["TYPE65400 \\# 4 01020304"]),
    ("3.0.1.10.in-addr.arpa", "PTR", "NOERROR", &["PTR web-2.web.default.svc.cluster.local."]),
    (
        "cluster.local",
        "SOA",
        "NOERROR",
        &["SOA ns.dns.cluster.local. hostmaster.cluster.local. 2026010101 7200 1800 86400 5"],
    ),
];

/// The rcode and the answers, each `TYPE data`.
#[derive(Debug, PartialEq, Eq)]
struct Read {
    rcode: String,
    answers: BTreeSet<String>,
}

/// The program with the fixture's master files instead of a cluster.
fn fixture() -> binary::Program {
    binary::start_with("dns", &["--zones=tests/zones".into(), "--cluster-domain=k8s.invalid".into()])
}

#[test]
fn dig_kdig_and_drill_read_what_the_zone_says() {
    let server = fixture();
    let mut tools = Tools::default();
    for (tool, package, arguments) in [
        ("dig", "bind9-dnsutils", &["+norec", "+tries=1", "+time=2"][..]),
        ("dig", "bind9-dnsutils", &["+norec", "+tcp", "+noedns"]),
        ("kdig", "knot-dnsutils", &["+norec", "+retry=0", "+time=2"]),
        ("kdig", "knot-dnsutils", &["+norec", "+tcp", "+bufsize=4096"]),
        ("drill", "ldnsutils", &["-o", "rd"]),
    ] {
        let Some(program) = tools.find(tool, package) else { continue };
        for (name, record_type, rcode, answers) in CASES {
            let mut command = Command::new(&program);
            if tool == "drill" {
                command.args(["-p", &server.address.port().to_string()]).args(arguments);
                command.args([&format!("@{}", server.address.ip()), *name, record_type]);
            } else {
                command.args([
                    &format!("@{}", server.address.ip()),
                    "-p",
                    &server.address.port().to_string(),
                ]);
                command.args(arguments).args([name, record_type]);
            }
            let output = command.output().unwrap();
            let text = String::from_utf8_lossy(&output.stdout);
            let answers = answers.iter().map(|answer| (*answer).to_owned()).collect();
            let expected = Read { rcode: (*rcode).to_owned(), answers };
            assert_eq!(read(&text), expected, "{tool} {arguments:?} {name} {record_type}:\n{text}");
            for complaint in ["bad packet", "extra bytes", "WARNING: Message", "malformed"] {
                assert!(!text.contains(complaint), "{tool} {name} {record_type}:\n{text}");
            }
        }
    }
}

/// What dig, kdig and drill print alike: the header with `status:` or `rcode:`, and the section.
fn read(text: &str) -> Read {
    let rcode = ["status: ", "rcode: "].iter().find_map(|key| text.split(key).nth(1));
    let rcode = rcode.and_then(|rest| rest.split([',', ';']).next()).unwrap_or("none").to_owned();
    let section = text.lines().skip_while(|line| !line.starts_with(";; ANSWER SECTION")).skip(1);
    let records = section.take_while(|line| !line.is_empty() && !line.starts_with(";;"));
    let answers = records.map(|line| line.split_whitespace().skip(3).collect::<Vec<_>>().join(" ")).collect();
    Read { rcode, answers }
}

#[test]
fn nslookup_reads_what_the_zone_says() {
    let server = fixture();
    let Some(nslookup) = Tools::default().find("nslookup", "bind9-dnsutils") else { return };
    for (name, expected) in [
        ("web-0.web.default.svc.cluster.local.", &["Address: 10.1.0.1", "Address: fd00::1"][..]),
        ("alias.default.svc.cluster.local.", &["canonical name = web.default.svc.cluster.local."]),
        ("nothere.default.svc.cluster.local.", &["server can't find", "NXDOMAIN"]),
        ("default.svc.cluster.local.", &["Can't find default.svc.cluster.local: No answer"]),
        ("example.com.", &["server can't find", "REFUSED"]),
    ] {
        let port = format!("-port={}", server.address.port());
        let output =
            Command::new(&nslookup).args([&port, name, &server.address.ip().to_string()]).output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout);
        for part in expected {
            assert!(text.contains(part), "{name}: expected {part:?} in\n{text}");
        }
    }
}

#[test]
fn a_strict_unbound_resolves_through_us() {
    let server = fixture();
    let Some(unbound) = Tools::default().find("unbound", "unbound") else { return };
    let folder = tempfile::tempdir().unwrap();
    let port = Port::reserve();
    let address = port.address;
    let config = folder.path().join("unbound.conf");
    std::fs::write(&config, unbound_config(folder.path(), address, server.address)).unwrap();
    let mut command = Command::new(unbound);
    command.args(["-d", "-p", "-c"]).arg(&config);
    let _unbound = Running::start(&mut command, "start of service");
    for (name, record_type, expected) in [
        ("web.default.svc.cluster.local", 1, "NOERROR rd,ra 1/3/0/0 [A*3||]"),
        ("web.default.svc.cluster.local", 28, "NOERROR rd,ra 1/3/0/0 [AAAA*3||]"),
        ("web-0.web.default.svc.cluster.local", 1, "NOERROR rd,ra 1/1/0/0 [A||]"),
        ("_http._tcp.web.default.svc.cluster.local", 33, "NOERROR rd,ra 1/3/0/0 [SRV*3||]"),
        ("web.default.svc.cluster.local", 15, "NOERROR rd,ra 1/0/1/0 [|SOA|]"),
        ("nothere.default.svc.cluster.local", 1, "NXDOMAIN rd,ra 1/0/1/0 [|SOA|]"),
        ("default.svc.cluster.local", 1, "NOERROR rd,ra 1/0/1/0 [|SOA|]"),
        ("alias2.default.svc.cluster.local", 1, "NOERROR rd,ra 1/5/0/0 [A*3 CNAME*2||]"),
        ("dangling.default.svc.cluster.local", 1, "NXDOMAIN rd,ra 1/1/1/0 [CNAME|SOA|]"),
        ("x.y.wild.cluster.local", 1, "NOERROR rd,ra 1/1/0/0 [A||]"),
        ("ent.wild.cluster.local", 1, "NOERROR rd,ra 1/0/1/0 [|SOA|]"),
        ("x.ent.wild.cluster.local", 1, "NXDOMAIN rd,ra 1/0/1/0 [|SOA|]"),
        ("web-0.dn.cluster.local", 1, "NOERROR rd,ra 1/3/0/0 [A CNAME DNAME||]"),
        ("svcb.cluster.local", 65, "NOERROR rd,ra 1/1/0/0 [HTTPS||]"),
        ("unk.cluster.local", 65400, "NOERROR rd,ra 1/1/0/0 [TYPE65400||]"),
    ] {
        let request = ask(name, record_type).flags(0x0100).octets();
        let reply = over_udp(address, &request);
        assert_eq!(seen(&request, reply.as_deref()), expected, "{name} {record_type}");
    }
    let request = ask("huge.prod.svc.cluster.local", 1).flags(0x0100).octets();
    let reply = over_tcp(address, &request);
    assert_eq!(seen(&request, reply.as_deref()), "NOERROR rd,ra 1/300/0/0 [A*300||]");
}

/// 0x20, strict query-name minimisation and every hardening that has an opinion on answers.
fn unbound_config(folder: &Path, address: SocketAddr, server: SocketAddr) -> String {
    let (ip, port) = (address.ip(), address.port());
    let stub = format!("{}@{}", server.ip(), server.port());
    let folder = folder.display();
    format!(
        r#"server:
    interface: {ip}@{port}
    port: {port}
    username: ""
    chroot: ""
    directory: "{folder}"
    pidfile: ""
    logfile: ""
    use-syslog: no
    verbosity: 1
    num-threads: 1
    do-ip6: no
    do-not-query-localhost: no
    module-config: "iterator"
    minimal-responses: yes
    use-caps-for-id: yes
    qname-minimisation: yes
    qname-minimisation-strict: yes
    harden-below-nxdomain: yes
    harden-referral-path: yes
    harden-large-queries: yes
    harden-short-bufsize: yes
    edns-buffer-size: 1232
stub-zone:
    name: "cluster.local"
    stub-addr: {stub}
    stub-prime: no
    stub-no-cache: yes
remote-control:
    control-enable: no
"#
    )
}
