#!/usr/bin/env python3
"""xfr.py PORT OLD_SERIAL: AXFR and IXFR of cluster.local read by dnspython, with and without TSIG.

dnspython checks the chain of signatures over all messages, and that a transfer is whole and in order. The
differences since OLD_SERIAL must make of the older version what a whole transfer brings. Prints a line for
each; the exit code is 1 if one fails."""
import sys

import dns.message, dns.name, dns.query, dns.rdata, dns.rdataclass, dns.rdatatype, dns.tsigkeyring

PORT, OLD_SERIAL = int(sys.argv[1]), int(sys.argv[2])
ZONE = dns.name.from_text("cluster.local.")
KEYRING = dns.tsigkeyring.from_text({"xfr.": ("hmac-sha256", "DTngw7O33zSOzNJvYWLVBRoKTkcM9rbn0ey1bcU58MM=")})


def records(kind, keyring, serial=0):
    """Every record in the order in which it comes, as (owner, type, data), SOA records by their serial."""
    found = []
    for message in dns.query.xfr("127.0.0.1", ZONE, kind, port=PORT, serial=serial, keyring=keyring,
                                 keyname="xfr." if keyring else None, timeout=10, relativize=False):
        if keyring and not message.had_tsig and not found:
            raise ValueError("the first message is not signed")
        for rrset in message.answer:
            found += [(rrset.name, rrset.rdtype, data) for data in rrset]
    return found


def is_soa(record):
    return record[1] == dns.rdatatype.SOA


def differences(found):
    """What is removed and what is added, from SOA to SOA."""
    removed, added, side = [], [], None
    for record in found[1:-1]:
        if is_soa(record):
            side = removed if side is not removed else added
        else:
            side.append(record)
    return removed, added


failed = 0
for name, keyring in (("plain", None), ("signed", KEYRING)):
    try:
        whole = records("AXFR", keyring)
        assert is_soa(whole[0]) and is_soa(whole[-1]) and sum(map(is_soa, whole)) == 2, "SOA first and last alone"
        assert len(set(whole)) == len(whole) - 1, "no record comes twice"
        print(f"{name} AXFR {len(whole)} records serial {whole[0][2].serial}")
        changes = records("IXFR", keyring, OLD_SERIAL)
        serials = [record[2].serial for record in changes if is_soa(record)]
        assert len(serials) > 2, "it is sent as differences"
        assert serials[0] == serials[-1] == whole[0][2].serial and serials[1] == OLD_SERIAL, serials
        removed, added = differences(changes)
        assert set(added) <= set(whole) and not set(removed) & set(whole), "they lead to the whole"
        print(f"{name} IXFR removed {len(removed)} added {len(added)} serials {serials}")
    except Exception as error:
        failed = 1
        print(f"{name} FAILED {type(error).__name__}: {error}")
sys.exit(failed)
