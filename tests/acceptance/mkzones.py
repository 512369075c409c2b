#!/usr/bin/env python3
"""mkzones.py DIR: writes the zones that the checks ask for into a folder.

cluster.local.zone (1,087 records) has headless services of 3, 5, 40 and 300 endpoints, wildcards, delegations,
chains of aliases, a DNAME, odd labels and unknown types; 10.in-addr.arpa.zone some PTR records."""
import ipaddress, os, sys
o=[]
w=o.append
w("$ORIGIN cluster.local.\n$TTL 5")
w("@ 30 IN SOA ns.dns.cluster.local. hostmaster.cluster.local. 2026010101 7200 1800 86400 5")
w("@ 5 IN NS ns.dns")
w("@ 5 IN NS ns2.dns")
w("ns.dns 5 IN A 127.0.0.1")
w("ns.dns 5 IN AAAA ::1")
w("ns2.dns 5 IN A 127.0.0.2")
w('dns-version 5 IN TXT "1.1.0"')
# headless services: web (3 endpoints, named ports), db (statefulset, 5), big (40), huge (300)
def headless(ns,svc,n,base,ports,v6=False):
    b=int(ipaddress.ip_address(base))
    for i in range(n):
        ip=ipaddress.ip_address(b+i)
        w(f"{svc}.{ns}.svc 5 IN A {ip}")
        w(f"{svc}-{i}.{svc}.{ns}.svc 5 IN A {ip}")
        if v6:
            w(f"{svc}.{ns}.svc 5 IN AAAA fd00::{i+1:x}")
            w(f"{svc}-{i}.{svc}.{ns}.svc 5 IN AAAA fd00::{i+1:x}")
        for pn,pr,p in ports:
            w(f"_{pn}._{pr}.{svc}.{ns}.svc 5 IN SRV 0 {max(1,100//n)} {p} {svc}-{i}.{svc}.{ns}.svc")
headless("default","web",3,"10.1.0.1",[("http","tcp",80),("metrics","tcp",9090)],True)
headless("prod","db",5,"10.2.0.1",[("pg","tcp",5432)])
headless("prod","big",40,"10.3.0.1",[("x","udp",7000)])
headless("prod","huge",300,"10.4.0.1",[("x","tcp",7000)])
w("kubernetes.default.svc 5 IN A 10.0.0.1")
w("_https._tcp.kubernetes.default.svc 5 IN SRV 0 100 443 kubernetes.default.svc")
w("ext.default.svc 5 IN CNAME www.example.com.")
w("alias.default.svc 5 IN CNAME web.default.svc")
w("alias2.default.svc 5 IN CNAME alias.default.svc")
w("dangling.default.svc 5 IN CNAME nothere.default.svc")
w("loop1.default.svc 5 IN CNAME loop2.default.svc")
w("loop2.default.svc 5 IN CNAME loop1.default.svc")
# wildcards (RFC 4592)
w("*.wild 5 IN A 192.0.2.1")
w('*.wild 5 IN TXT "wild"')
w("exists.wild 5 IN A 192.0.2.2")
w("a.ent.wild 5 IN A 192.0.2.3")
w("*.wc 5 IN CNAME web.default.svc")
# delegation with glue, and without
w("sub 5 IN NS ns.sub")
w("ns.sub 5 IN A 192.0.2.53")
w("sub2 5 IN NS ns.elsewhere.example.")
# DNAME, unknown type, SVCB/HTTPS, misc types
w("dn 5 IN DNAME web.default.svc")
w("unk 5 IN TYPE65400 \\# 4 01020304")
w("svcb 5 IN HTTPS 1 web.default.svc alpn=h2 port=443")
w("svcb 5 IN SVCB 0 web.default.svc")
w("mx 5 IN MX 10 web.default.svc")
w(r'esc\.dot 5 IN TXT "label with dot"')
w(r'sp\032ace 5 IN TXT "label with space"')
w("MiXeD 5 IN TXT \"case kept\"")
w(("x"*63)+" 5 IN TXT \"63 octet label\"")
big='"'+"y"*255+'"'
w("bigtxt 5 IN TXT "+" ".join([big]*6))
open(os.path.join(sys.argv[1],"cluster.local.zone"),"w").write("\n".join(o)+"\n")
r=["$ORIGIN 10.in-addr.arpa.","$TTL 5","@ 5 IN SOA ns.dns.cluster.local. hostmaster.cluster.local. 2026010101 7200 1800 86400 5","@ 5 IN NS ns.dns.cluster.local."]
for i in range(3): r.append(f"{i+1}.0.1 5 IN PTR web-{i}.web.default.svc.cluster.local.")
open(os.path.join(sys.argv[1],"10.in-addr.arpa.zone"),"w").write("\n".join(r)+"\n")
