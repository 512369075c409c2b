//! Programs of others that tests run: found or loudly missed, ended by their own handle.

use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::wait;

/// Looks for programs and counts those that are missing; says how many when it is dropped.
///
/// Where the environment says `CI=true`, a missing program is a failure.
#[derive(Default)]
pub(crate) struct Tools {
    n_skipped: usize,
}

impl Tools {
    /// The program `name`, which is part of Debian's `package`.
    pub(crate) fn find(&mut self, name: &str, package: &str) -> Option<PathBuf> {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let folders = std::env::split_paths(&path).chain([PathBuf::from("/usr/sbin")]);
        let found = folders.map(|folder| folder.join(name)).find(|program| program.is_file());
        self.need(found, name, package)
    }

    /// What was found, or how to get it.
    pub(crate) fn need<T>(&mut self, found: Option<T>, name: &str, package: &str) -> Option<T> {
        self.have(found, &format!("{name} is not installed (apt-get install {package})"))
    }

    /// What was found, or `missing` is said.
    pub(crate) fn have<T>(&mut self, found: Option<T>, missing: &str) -> Option<T> {
        if found.is_none() {
            assert!(std::env::var("CI").as_deref() != Ok("true"), "{missing}");
            self.n_skipped += 1;
            say(&format!("SKIPPED: {missing}"));
        }
        found
    }
}

impl Drop for Tools {
    fn drop(&mut self) {
        if self.n_skipped > 0 {
            say(&format!("skipped: {}", self.n_skipped));
        }
    }
}

/// Tests that load the machine, or measure how soon something happens, run one after the other.
pub(crate) fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    // One that has failed keeps the others from nothing.
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Past the test harness, which hides what a passing test prints.
pub(crate) fn say(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}

/// A program that runs until this is dropped.
pub(crate) struct Running(Child);

impl Running {
    /// Starts `command` and waits until it writes a line with `sign` to its standard error.
    pub(crate) fn start(command: &mut Command, sign: &str) -> Self {
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let mut said = Vec::new();
        while let Some(Ok(line)) = lines.next() {
            said.push(line);
            if said.last().is_some_and(|line| line.contains(sign)) {
                // Read on, or the program waits for its reader once the pipe is full.
                std::thread::spawn(move || lines.for_each(drop));
                return Self(child);
            }
        }
        let _ = child.wait();
        panic!("{command:?} ended without saying {sign:?}: {said:#?}");
    }
}

/// How long a program may take to end by itself.
const END_MAX: Duration = Duration::from_secs(3);

impl Drop for Running {
    /// Asked to end first: some have processes of their own to end.
    fn drop(&mut self) {
        let _ = Command::new("kill").arg(self.0.id().to_string()).status();
        let _ = wait::within(END_MAX, || !matches!(self.0.try_wait(), Ok(None)));
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
