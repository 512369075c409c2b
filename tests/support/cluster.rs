//! The real program with its API, and the real kubectl to drive it.

use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use super::binary::{self, Program};
use super::port::Port;

/// A server whose pods start at once, and a kubeconfig for it.
pub(crate) struct Cluster {
    pub(crate) program: Program,
    /// `127.0.0.1:PORT`.
    pub(crate) address: String,
    pub(crate) kubeconfig: PathBuf,
    kubectl: PathBuf,
    folder: tempfile::TempDir,
    /// What it listens at again when it is restarted.
    port: Option<Port>,
}

/// What a command printed.
pub(crate) struct Printed {
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    pub(crate) is_success: bool,
}

impl Cluster {
    /// Starts a server on free ports.
    pub(crate) fn start(kubectl: PathBuf) -> Self {
        Self::start_logging(kubectl, Stdio::inherit())
    }

    /// The same, with its log going elsewhere.
    pub(crate) fn start_logging(kubectl: PathBuf, log: Stdio) -> Self {
        Self::start_in(tempfile::tempdir().unwrap(), None, kubectl, log, &[])
    }

    /// The same at a port that stays its own, for [`Self::restart`].
    pub(crate) fn start_to_restart(kubectl: PathBuf) -> Self {
        Self::start_in(tempfile::tempdir().unwrap(), Some(Port::reserve()), kubectl, Stdio::inherit(), &[])
    }

    /// Ends the server and starts one at the same address, which knows nothing of the one before.
    pub(crate) fn restart(self) -> Self {
        let Self { program, kubectl, folder, port, .. } = self;
        assert!(port.is_some(), "its port was reserved");
        drop(program);
        Self::start_in(folder, port, kubectl, Stdio::inherit(), &[])
    }

    /// Starts a server with more flags.
    pub(crate) fn start_with(kubectl: PathBuf, flags: &[&str]) -> Self {
        Self::start_in(tempfile::tempdir().unwrap(), None, kubectl, Stdio::inherit(), flags)
    }

    fn start_in(
        folder: tempfile::TempDir,
        port: Option<Port>,
        kubectl: PathBuf,
        log: Stdio,
        more: &[&str],
    ) -> Self {
        let listen = port.as_ref().map_or("127.0.0.1:0".to_owned(), |port| port.address.to_string());
        let kubeconfig = folder.path().join("kubeconfig");
        let mut flags = vec![
            format!("--api-listen={listen}"),
            format!("--kubeconfig-out={}", kubeconfig.display()),
            "--simulated-start=20ms".to_owned(),
        ];
        flags.extend(more.iter().map(|flag| (*flag).to_owned()));
        let program = binary::start_keeping("serve", &flags, log, Some(folder.path()));
        let address = program.told("API on https://");
        Self { program, address, kubeconfig, kubectl, folder, port }
    }

    /// A `kubectl` command that keeps what it caches in the test's own folder.
    pub(crate) fn kubectl(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.kubectl);
        command.args(arguments).env("KUBECONFIG", &self.kubeconfig).env("HOME", self.folder.path());
        command
    }

    /// Runs `kubectl` in words between spaces; `input` is its standard input.
    pub(crate) fn run(&self, line: &str, input: &str) -> Printed {
        let mut command = self.kubectl(&line.split(' ').collect::<Vec<_>>());
        let piped = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = piped.spawn().unwrap();
        // One that reads nothing may be gone already.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        let output = child.wait_with_output().unwrap();
        let text = |octets: Vec<u8>| String::from_utf8_lossy(&octets).into_owned();
        Printed {
            stdout: text(output.stdout),
            stderr: text(output.stderr),
            is_success: output.status.success(),
        }
    }

    /// Runs a line, which fails if it begins with `!`, and looks for each part in what it prints.
    pub(crate) fn check(&self, line: &str, input: &str, expected: &[&str]) {
        let (line, is_wanted) = line.strip_prefix('!').map_or((line, true), |line| (line, false));
        let printed = self.run(line, input);
        let all = format!("{}{}", printed.stdout, printed.stderr);
        assert_eq!(printed.is_success, is_wanted, "kubectl {line}\n{all}");
        for part in expected {
            assert!(all.contains(part), "kubectl {line}: {part:?} is not in\n{all}");
        }
    }
}
