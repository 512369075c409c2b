//! NOTIFY of the real program: a secondary that is a socket here sees what is sent to it.

use std::net::{SocketAddr, UdpSocket};
use std::path::Path;
use std::time::Duration;

use hickory_proto::op::{Message, OpCode};
use hickory_proto::rr::RData;

use crate::support::binary;
use crate::support::tsig::{self, Before, Key};

/// How long a message is waited for at most.
const PATIENCE: Duration = Duration::from_secs(20);

/// A secondary, and what it received.
struct Secondary {
    socket: UdpSocket,
    key: Option<Key>,
}

/// A notification for one zone.
struct Received {
    octets: Vec<u8>,
    from: SocketAddr,
    serial: u32,
    mac: Vec<u8>,
}

impl Secondary {
    fn new(key: Option<Key>) -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        Self { socket, key }
    }

    fn address(&self) -> SocketAddr {
        self.socket.local_addr().unwrap()
    }

    /// The next notification of `zone`; others are left unanswered.
    fn next(&self, zone: &str) -> Received {
        let mut octets = [0; 4096];
        loop {
            let (length, from) = self.socket.recv_from(&mut octets).expect("a notification comes");
            let octets = octets[..length].to_vec();
            let message = Message::from_vec(&octets).unwrap();
            assert_eq!(message.metadata.op_code, OpCode::Notify);
            if message.queries[0].name().to_string() != zone {
                continue;
            }
            let mac = self.key.as_ref().map(|key| key.verify(&octets, Before::Nothing).unwrap().mac);
            let [record] = &message.answers[..] else { panic!("one SOA: {message:?}") };
            let RData::SOA(soa) = &record.data else { panic!("a SOA: {record:?}") };
            return Received { serial: soa.serial, octets, from, mac: mac.unwrap_or_default() };
        }
    }

    /// Says that it was received.
    fn answer(&self, received: &Received) {
        let mut answer = match &self.key {
            Some(key) => key.read(&received.octets).unwrap().message,
            None => received.octets.clone(),
        };
        answer[2] |= 0x80;
        if let Some(key) = &self.key {
            answer = key.sign(&answer, Before::Request(&received.mac), tsig::now_s(), usize::MAX);
        }
        self.socket.send_to(&answer, received.from).unwrap();
    }
}

fn zone_file(folder: &Path, serial: u32, addresses: &str) {
    let text = format!(
        "@ 5 IN SOA ns.z.test. me.z.test. {serial} 60 60 600 1\n@ NS ns\nns A 192.0.2.1\n{addresses}"
    );
    // Renamed into place, so that the server never reads half of it.
    std::fs::write(folder.join("new"), text).unwrap();
    std::fs::rename(folder.join("new"), folder.join("z.test.zone")).unwrap();
}

#[test]
fn a_secondary_is_told_at_start_and_of_each_change_until_it_answers() {
    let folder = tempfile::tempdir().unwrap();
    let secret = folder.path().join("xfr.key");
    std::fs::write(&secret, tsig::SECRET).unwrap();
    let zones = folder.path().join("zones");
    std::fs::create_dir(&zones).unwrap();
    zone_file(&zones, 7, "");
    for key in [None, Some(Key::new("xfr.", tsig::SECRET))] {
        let secondary = Secondary::new(key);
        let suffix = if secondary.key.is_some() { ",key:xfr." } else { "" };
        let flags = [
            format!("--zones={}", zones.display()),
            format!("--tsig-key=xfr.:{}:{}", tsig::ALGORITHM, secret.display()),
            format!("--notify={}{suffix}", secondary.address()),
        ];
        let program = binary::start_with("dns", &flags);
        let first = secondary.next("z.test.");
        assert_eq!(first.serial, 7);
        assert_eq!(first.from.ip(), program.address.ip(), "it comes from where DNS is answered");
        let again = secondary.next("z.test.");
        assert_eq!(first.octets, again.octets, "it was not answered");
        secondary.answer(&again);
        zone_file(&zones, 8, "a A 192.0.2.2\n");
        let changed =
            std::iter::repeat_with(|| secondary.next("z.test.")).find(|one| one.octets != first.octets);
        assert_eq!(changed.unwrap().serial, 8);
        zone_file(&zones, 7, "");
    }
}

#[test]
fn a_forged_answer_is_none() {
    let folder = tempfile::tempdir().unwrap();
    let secret = folder.path().join("xfr.key");
    std::fs::write(&secret, tsig::SECRET).unwrap();
    let secondary = Secondary::new(Some(Key::new("xfr.", tsig::SECRET)));
    let flags = [
        format!("--tsig-key=xfr.:{}:{}", tsig::ALGORITHM, secret.display()),
        format!("--notify={},key:xfr.", secondary.address()),
    ];
    let _program = binary::start_with("dns", &flags);
    let first = secondary.next("cluster.local.");
    let unsigned = Secondary { socket: secondary.socket.try_clone().unwrap(), key: None };
    unsigned.answer(&first);
    let other = Key::new("xfr.", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=");
    let mut answer = secondary.key.as_ref().unwrap().read(&first.octets).unwrap().message;
    answer[2] |= 0x80;
    let forged = other.sign(&answer, Before::Request(&first.mac), tsig::now_s(), usize::MAX);
    secondary.socket.send_to(&forged, first.from).unwrap();
    assert_eq!(secondary.next("cluster.local.").octets, first.octets, "it is sent again");
}

#[test]
fn what_cannot_be_notified_is_refused_at_start() {
    for (flags, expected) in [
        (
            &["--notify=192.0.2.1,key:xfr."][..],
            "--notify: there is no key xfr.; name its file with --tsig-key",
        ),
        (&["--notify=192.0.2.1", "--notify=192.0.2.1:53"], "--notify: 192.0.2.1:53 is named twice"),
        (&["--notify=ns.example"], "is not ADDR[:PORT][,key:NAME]"),
    ] {
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_dullahan"))
            .args(["dns", "--dns-listen=127.0.0.1:0"])
            .args(flags)
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success() && said.contains(expected), "{said}");
    }
}
