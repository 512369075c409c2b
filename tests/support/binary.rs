//! The real program, started for the length of a test and ended by its process id.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

/// How long the program may take until it says something that is waited for.
const LINE_MAX: Duration = Duration::from_secs(60);

/// A running `dullahan`; it is killed when this is dropped.
pub(crate) struct Program {
    /// Where it answers DNS.
    pub(crate) address: SocketAddr,
    /// Its lines of standard output from then on.
    pub(crate) lines: mpsc::Receiver<String>,
    pub(crate) child: Child,
    /// Where it keeps its state, unless the test has named a place; removed after it has ended.
    _state: Option<tempfile::TempDir>,
}

/// Starts `dullahan COMMAND -f MANIFESTS FLAGS...` at a free port of 127.0.0.1.
pub(crate) fn start(command: &str, manifests: &Path, flags: &[String]) -> Program {
    let file = format!("--file={}", manifests.display());
    start_with(command, &[&[file], flags].concat())
}

/// Starts `dullahan COMMAND FLAGS...` at a free port of 127.0.0.1.
pub(crate) fn start_with(command: &str, flags: &[String]) -> Program {
    start_logging(command, flags, Stdio::inherit())
}

/// The same, with what it writes to standard error going to `log`.
pub(crate) fn start_logging(command: &str, flags: &[String], log: Stdio) -> Program {
    start_keeping(command, flags, log, None)
}

/// The same, with what it leaves behind going to `state`.
pub(crate) fn start_keeping(command: &str, flags: &[String], log: Stdio, state: Option<&Path>) -> Program {
    // Servers of one name and one user are never two at a time.
    let own = state.is_none().then(|| tempfile::tempdir().expect("there is room for a folder"));
    let state = state.or(own.as_ref().map(tempfile::TempDir::path)).expect("one of the two is there");
    let mut child = Command::new(env!("CARGO_BIN_EXE_dullahan"))
        .args([command, "--dns-listen=127.0.0.1:0"])
        .args(without_api(command, flags))
        .args(flags)
        .env("XDG_STATE_HOME", state)
        .stdout(Stdio::piped())
        .stderr(log)
        .spawn()
        .expect("the program was built with the tests");
    let stdout = BufReader::new(child.stdout.take().expect("it is piped"));
    let (sender, lines) = mpsc::channel();
    std::thread::spawn(move || stdout.lines().map_while(Result::ok).try_for_each(|line| sender.send(line)));
    let mut program = Program { address: SocketAddr::from(([0; 4], 0)), lines, child, _state: own };
    program.address = program.told("DNS on ").parse().expect("it is an address and a port");
    program
}

impl Program {
    /// Reads on to the next line that has `sign`: the word that follows it there.
    pub(crate) fn told(&self, sign: &str) -> String {
        loop {
            if let Some((_, rest)) = self.next_line(sign).split_once(sign) {
                return rest.split_whitespace().next().unwrap_or_default().to_owned();
            }
        }
    }

    /// Reads on until each of `signs` has been in a line, in any order.
    pub(crate) fn told_each(&self, signs: &[String]) {
        let mut left: Vec<&String> = signs.iter().collect();
        while let [first, ..] = left[..] {
            let line = self.next_line(first);
            left.retain(|sign| !line.contains(*sign));
        }
    }

    fn next_line(&self, awaited: &str) -> String {
        let line = self.lines.recv_timeout(LINE_MAX);
        line.unwrap_or_else(|_| panic!("the program does not say {awaited:?}"))
    }

    /// Where the program says that it shows metrics.
    pub(crate) fn metrics_address(&self) -> String {
        self.told("metrics on http://").trim_end_matches("/metrics").to_owned()
    }
}

/// Many programs run at once; only those whose API is asked for take a port for it.
fn without_api(command: &str, flags: &[String]) -> Option<&'static str> {
    let is_wanted = flags.iter().any(|flag| flag.starts_with("--api-listen"));
    (command == "serve" && !is_wanted).then_some("--api-listen=off")
}

impl Drop for Program {
    fn drop(&mut self) {
        // It may have ended by itself, which is for the test to judge.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
