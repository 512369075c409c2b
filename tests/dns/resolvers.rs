//! `dullahan resolver` against the resolvers themselves: each is started with the configuration that
//! is printed, and resolves forward and reverse names through this server.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use crate::support::binary;
use crate::support::message::{ask, over_udp_within, seen};
use crate::support::port::Port;
use crate::support::tools::{Running, Tools};

const WORLD: &str = r#"
apiVersion: v1
kind: Service
metadata: {name: web, namespace: default}
spec: {clusterIP: 10.96.0.9, clusterIPs: [10.96.0.9], ports: [{name: http, port: 80}]}
"#;

/// How often and how soon a question is asked again, as a stub resolver does: others may lose one.
const RETRIES: usize = 20;
const RETRY: Duration = Duration::from_secs(2);

fn recipe(which: &str, dns: SocketAddr) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_dullahan"))
        .args(["resolver", which, "--dns", &dns.to_string()])
        .output()
        .unwrap();
    assert!(output.status.success());
    String::from_utf8(output.stdout).unwrap()
}

/// Starts a resolver by `start`, which is given a folder, its address and the recipe, and asks it.
fn check(which: &str, start: impl Fn(&Path, SocketAddr, &str) -> Running) {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("world.yaml"), WORLD).unwrap();
    let flags =
        ["--reverse-zone=96.10.in-addr.arpa", "--reverse-zone=244.10.in-addr.arpa"].map(str::to_owned);
    let program = binary::start("dns", &folder.path().join("world.yaml"), &flags);
    let port = Port::reserve();
    let address = port.address;
    let _resolver = start(folder.path(), address, &recipe(which, program.address));
    for (name, record_type, expected) in [
        ("web.default.svc.cluster.local", 1, "NOERROR rd,ra 1/1/0/"),
        ("_http._tcp.web.default.svc.cluster.local", 33, "NOERROR rd,ra 1/1/0/"),
        ("9.0.96.10.in-addr.arpa", 12, "NOERROR rd,ra 1/1/0/"),
        ("missing.default.svc.cluster.local", 1, "NXDOMAIN rd,ra 1/0/1/"),
        ("8.0.244.10.in-addr.arpa", 12, "NXDOMAIN rd,ra 1/0/1/"),
    ] {
        let request = ask(name, record_type).flags(0x0100).octets();
        let reply = (0..RETRIES).find_map(|_| over_udp_within(address, &request, RETRY));
        // Whether AA of a forwarded answer is passed on is each resolver's own choice.
        let got = seen(&request, reply.as_deref()).replace("aa,", "");
        assert!(got.starts_with(expected), "{which}: {name} {record_type}: {got}");
    }
}

#[test]
fn unbound_resolves_by_its_recipe() {
    let Some(unbound) = Tools::default().find("unbound", "unbound") else { return };
    check("unbound", |folder, address, recipe| {
        let config = folder.join("unbound.conf");
        let (ip, port, dir) = (address.ip(), address.port(), folder.display());
        let own = format!(
            "server:\n    interface: {ip}@{port}\n    port: {port}\n    username: \"\"\n    chroot: \"\"\n    directory: \"{dir}\"\n    \
             pidfile: \"\"\n    logfile: \"\"\n    use-syslog: no\n    verbosity: 1\n    num-threads: 1\n    do-ip6: no\n    \
             module-config: \"iterator\"\nremote-control:\n    control-enable: no\n"
        );
        std::fs::write(&config, own + recipe).unwrap();
        let mut command = Command::new(&unbound);
        command.args(["-d", "-p", "-c"]).arg(&config);
        Running::start(&mut command, "start of service")
    });
}

#[test]
fn dnsmasq_resolves_by_its_recipe() {
    let Some(dnsmasq) = Tools::default().find("dnsmasq", "dnsmasq-base") else { return };
    check("dnsmasq", |folder, address, recipe| {
        let config = folder.join("dnsmasq.conf");
        let own = format!(
            "port={}\nlisten-address={}\nbind-interfaces\nno-resolv\nno-hosts\npid-file=\nuser=root\nstop-dns-rebind\n",
            address.port(),
            address.ip()
        );
        std::fs::write(&config, own + recipe).unwrap();
        let flag = format!("--conf-file={}", config.display());
        let mut command = Command::new(&dnsmasq);
        command.args(["--keep-in-foreground", "--log-facility=-", &flag]);
        Running::start(&mut command, "using nameserver")
    });
}

#[test]
fn bind_resolves_by_its_recipe() {
    let Some(named) = Tools::default().find("named", "bind9") else { return };
    check("bind", |folder, address, recipe| {
        let config = folder.join("named.conf");
        let (ip, port, dir) = (address.ip(), address.port(), folder.display());
        // What the recipe says in comments belongs into the options.
        let options: String = recipe
            .lines()
            .filter_map(|line| line.strip_prefix("//     "))
            .map(|line| format!("    {line}\n"))
            .collect();
        let own = format!(
            "options {{\n    directory \"{dir}\";\n    pid-file none;\n    session-keyfile none;\n    listen-on port {port} {{ {ip}; }};\n    \
             listen-on-v6 {{ none; }};\n    recursion yes;\n{options}}};\ncontrols {{ }};\n"
        );
        std::fs::write(&config, own + recipe).unwrap();
        let mut command = Command::new(&named);
        command.args(["-g", "-n", "1", "-c"]).arg(&config);
        Running::start(&mut command, "all zones loaded")
    });
}
