//! Each recipe as it is printed.

use super::*;

fn check(resolver: Resolver, expected: &str) {
    let settings = ResolverSettings {
        resolver,
        dns: "127.0.0.1:1053".parse().unwrap(),
        cluster_domain: "Cluster.local.".into(),
        network: vec!["10.244.0.0/16".parse().unwrap()],
    };
    assert_eq!(recipe(&settings), expected);
}

#[test]
fn unbound_has_stub_zones_that_it_does_not_cache() {
    check(
        Resolver::Unbound,
        "# /etc/unbound/unbound.conf.d/dullahan.conf, then: unbound-control reload
server:
    do-not-query-localhost: no
    domain-insecure: \"cluster.local.\"
    domain-insecure: \"244.10.in-addr.arpa.\"
    local-zone: \"244.10.in-addr.arpa.\" transparent
    private-domain: \"cluster.local.\"
stub-zone:
    name: \"cluster.local.\"
    stub-addr: 127.0.0.1@1053
    stub-no-cache: yes
stub-zone:
    name: \"244.10.in-addr.arpa.\"
    stub-addr: 127.0.0.1@1053
    stub-no-cache: yes
",
    );
}

#[test]
fn systemd_resolved_has_routing_domains() {
    check(
        Resolver::SystemdResolved,
        "# /etc/systemd/resolved.conf.d/dullahan.conf, then: systemctl restart systemd-resolved
[Resolve]
DNS=127.0.0.1:1053
Domains=~cluster.local ~244.10.in-addr.arpa
Cache=no-negative
",
    );
}

#[test]
fn dnsmasq_has_servers_by_domain() {
    check(
        Resolver::Dnsmasq,
        "# /etc/dnsmasq.d/dullahan.conf, then: systemctl restart dnsmasq
# Without a cache of negative answers a new pod is seen at once.
no-negcache
server=/cluster.local/127.0.0.1#1053
server=/244.10.in-addr.arpa/127.0.0.1#1053
rebind-domain-ok=/cluster.local/
",
    );
}

#[test]
fn bind_has_forward_zones() {
    check(
        Resolver::Bind,
        "// /etc/bind/named.conf.local, then: rndc reconfig
zone \"cluster.local\" {
    type forward;
    forward only;
    forwarders { 127.0.0.1 port 1053; };
};
zone \"244.10.in-addr.arpa\" {
    type forward;
    forward only;
    forwarders { 127.0.0.1 port 1053; };
};
// In options { } of /etc/bind/named.conf.options: these zones are not signed, and a name
// that is missing now may be there in a second.
//     validate-except { \"cluster.local\"; \"244.10.in-addr.arpa\"; };
//     max-ncache-ttl 1;
// For headless services of more than 100 pods, where BIND has it (9.18.28 and newer):
//     max-records-per-type 0;
",
    );
}

#[test]
fn coredns_has_a_server_block_and_macos_a_file_for_each_zone() {
    check(
        Resolver::Coredns,
        "# In the Corefile, then: kill -USR1 of CoreDNS, or wait for the plugin reload
cluster.local 244.10.in-addr.arpa {
    forward . 127.0.0.1:1053
    cache 5 {
        denial 0
    }
    errors
}
",
    );
    check(
        Resolver::Macos,
        "# As root, once; scutil --dns shows it
mkdir -p /etc/resolver
printf 'nameserver 127.0.0.1\\nport 1053\\ntimeout 2\\n' > /etc/resolver/cluster.local
printf 'nameserver 127.0.0.1\\nport 1053\\ntimeout 2\\n' > /etc/resolver/244.10.in-addr.arpa
",
    );
}
