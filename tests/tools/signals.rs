//! Signals: SIGHUP reads again, SIGTERM drains, and nothing dies of SIGHUP.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::support::binary::{self, Program};
use crate::support::message::{ask, over_tcp};

const REFUSED: u8 = 5;

fn signal(name: &str, pid: u32) {
    assert!(Command::new("kill").args([&format!("-{name}"), &pid.to_string()]).status().unwrap().success());
}

/// The rcode of the reply to a request for a transfer.
fn transfer(program: &Program) -> u8 {
    over_tcp(program.address, &ask("cluster.local", 252).octets()).expect("it answers")[3] & 0xf
}

fn serve(config: &Path, state: &Path, command: &str) -> Program {
    let flags = [format!("--config={}", config.display())];
    binary::start_keeping(command, &flags, Stdio::inherit(), Some(state))
}

#[test]
fn sighup_takes_up_what_can_be_and_says_what_needs_a_restart() {
    for command in ["serve", "dns"] {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let write = |name: &str, text: &str| std::fs::write(at(name), text).unwrap();
        write("key", "c2VjcmV0IG51bWJlciBvbmU=\n");
        let with_key = format!("api-listen: 'off'\ntsig-key: 'xfr:hmac-sha256:{}'\n", at("key").display());
        write("config.yaml", &format!("{with_key}ttl: 5\n"));
        let program = serve(&at("config.yaml"), folder.path(), command);
        assert_eq!(transfer(&program), REFUSED);
        let hang_up = || signal("HUP", program.child.id());
        hang_up();
        program.told("reload   settings  no change");
        program.told("keys and access lists  read again; no key has changed");
        write("config.yaml", &format!("{with_key}ttl: 6\nallow-transfer: 127.0.0.0/8\n"));
        write("key", "c2VjcmV0IG51bWJlciB0d28=\n");
        hang_up();
        program.told_each(&[
            "setting allow-transfer  changed".to_owned(),
            "setting ttl  changed; needs a restart".to_owned(),
            "keys and access lists  read again; changed: xfr.".to_owned(),
        ]);
        assert_eq!(transfer(&program), 0);
        write("config.yaml", "ttl: [\n");
        hang_up();
        program.told("what was before stays in force");
        write("config.yaml", &format!("{with_key}allow-transfer: 'key:none'\n"));
        hang_up();
        program.told("there is no key none.; name its file with --tsig-key; what was before stays in force");
        assert_eq!(transfer(&program), 0, "what was before stays in force");
    }
}

#[test]
fn sigterm_finishes_what_is_in_progress_and_a_second_one_does_not_wait() {
    for (signals, code) in [(1, 0), (2, 143)] {
        let mut program = binary::start_with("dns", &[]);
        // A message that has begun, and that a server may wait for.
        let mut stream = TcpStream::connect(program.address).unwrap();
        let query = ask("cluster.local", 6).octets();
        let framed = [&u16::try_from(query.len()).unwrap().to_be_bytes()[..], &query].concat();
        stream.write_all(&framed[..5]).unwrap();
        // A reply on a later connection shows that the first was accepted.
        assert!(over_tcp(program.address, &query).is_some());
        signal("TERM", program.child.id());
        program.told("SIGTERM: stopping");
        if signals == 2 {
            signal("TERM", program.child.id());
            program.told("SIGTERM: ended at once");
        } else {
            stream.write_all(&framed[5..]).unwrap();
            let mut length = [0; 2];
            std::io::Read::read_exact(&mut stream, &mut length).expect("it is answered");
        }
        assert_eq!(program.child.wait().unwrap().code(), Some(code));
    }
}

#[test]
fn a_simulation_goes_on_after_sighup() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_dullahan"))
        .args(["simulate", "--seeds=1000", "--hours=0.005"])
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    assert!(lines.next().unwrap().unwrap().contains("of 1000 seeds"));
    signal("HUP", child.id());
    let next = lines.next().expect("it still runs").unwrap();
    let last = lines.next().expect("it still runs").unwrap();
    assert!(next.contains("of 1000 seeds") && last.contains("of 1000 seeds"), "{next} {last}");
    child.kill().unwrap();
    child.wait().unwrap();
}
