//! The real program against checks that know nothing of its code (`tests/acceptance`): raw cases judged
//! by a list, the commands of RFC 8906, transfers read by another implementation.
//!
//! They need dnspython 2.7 or newer, which `tests/run` puts into `target/python`, and dig.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;

use crate::support::binary::Program;
use crate::support::message::{ask, over_udp};
use crate::support::tools::Tools;
use crate::support::tsig;
use crate::support::wait;

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/acceptance");
const ZONES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/zones");
const SERIAL: u32 = 2026010101;
const MUSTS: usize = 148;
const SHOULDS_MIN: usize = 25;

/// A Python that has what the scripts import.
fn python(tools: &mut Tools) -> Option<PathBuf> {
    let check = "import dns.version; assert (dns.version.MAJOR, dns.version.MINOR) >= (2, 7)";
    let own = concat!(env!("CARGO_MANIFEST_DIR"), "/target/python/bin/python3");
    let candidates = [own, "python3"].into_iter().map(PathBuf::from);
    let mut good = candidates.filter(|python| {
        Command::new(python).args(["-c", check]).output().is_ok_and(|output| output.status.success())
    });
    tools.need(good.next(), "dnspython 2.7 in target/python", "python3-venv, then tests/run")
}

/// Serves the zones of a folder as the scripts want them served.
fn serve(zones: &Path) -> (Program, TempDir) {
    tsig::serve(zones, &["--nsid=me", "--dns-id=me", "--allow-transfer=127.0.0.0/8"])
}

/// What a script prints and whether it is content.
fn run(program: &Path, script: &str, arguments: &[&str]) -> (String, bool) {
    let output: Output =
        Command::new(program).arg(format!("{FOLDER}/{script}")).args(arguments).output().unwrap();
    let printed = [output.stdout, output.stderr].concat();
    (String::from_utf8_lossy(&printed).into_owned(), output.status.success())
}

/// The counts behind a word such as `must 148/148`.
fn counted(printed: &str, word: &str) -> (usize, usize) {
    let mut words = printed.split_whitespace().skip_while(|other| *other != word);
    let (n_passed, n) =
        words.nth(1).and_then(|counts| counts.split_once('/')).expect("the result is printed");
    (n_passed.parse().unwrap(), n.parse().unwrap())
}

#[test]
fn every_must_and_nearly_every_should_is_answered_as_the_list_wants() {
    let Some(python) = python(&mut Tools::default()) else { return };
    let (server, _folder) = serve(Path::new(ZONES));
    let list = format!("{FOLDER}/accept.tsv");
    let port = server.address.port().to_string();
    let (printed, is_good) = run(&python, "wire.py", &[&port, "--quiet", "--accept", &list]);
    assert!(is_good, "{printed}");
    assert_eq!(counted(&printed, "must"), (MUSTS, MUSTS), "{printed}");
    assert!(counted(&printed, "should").0 >= SHOULDS_MIN, "{printed}");
    println!("{printed}");
}

#[test]
fn the_commands_of_rfc_8906_get_what_they_should() {
    if Tools::default().find("dig", "bind9-dnsutils").is_none() {
        return;
    }
    let (server, _folder) = serve(Path::new(ZONES));
    let port = server.address.port().to_string();
    let (printed, is_good) = run(Path::new("bash"), "rfc8906.sh", &[&port]);
    assert!(is_good && printed.ends_with("19/19\n"), "{printed}");
}

#[test]
fn another_implementation_reads_transfers_and_differences_signed_or_not() {
    let Some(python) = python(&mut Tools::default()) else { return };
    let folder = tempfile::tempdir().unwrap();
    let (printed, is_good) = run(&python, "mkzones.py", &[folder.path().to_str().unwrap()]);
    assert!(is_good, "{printed}");
    let file = folder.path().join("cluster.local.zone");
    let text = std::fs::read_to_string(&file).unwrap();
    let kept = std::fs::read_to_string(format!("{ZONES}/cluster.local.zone")).unwrap();
    assert!(text == kept, "tests/zones is what mkzones.py makes");
    let (server, _folder) = serve(folder.path());
    let newer = text.replace(&SERIAL.to_string(), &(SERIAL + 1).to_string());
    let newer = newer.replace("web-2.web.default.svc 5 IN A 10.1.0.3\n", "new 5 IN A 192.0.2.77\n");
    // Renamed into place, so that the server never reads half of it.
    std::fs::write(folder.path().join("new"), newer).unwrap();
    std::fs::rename(folder.path().join("new"), &file).unwrap();
    let request = ask("new.cluster.local", 1).octets();
    wait::until("the changed file is served", || {
        over_udp(server.address, &request).is_some_and(|reply| reply[7] > 0)
    });
    let port = server.address.port().to_string();
    let (printed, is_good) = run(&python, "xfr.py", &[&port, &SERIAL.to_string()]);
    assert!(is_good, "{printed}");
    for line in [
        "plain AXFR 1087 records serial 2026010102",
        "plain IXFR removed 1 added 1 ",
        "signed AXFR 1087 records serial 2026010102",
        "signed IXFR removed 1 added 1 ",
    ] {
        assert!(printed.contains(line), "{line} in\n{printed}");
    }
}
