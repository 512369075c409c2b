//! A program in a network namespace of its own: only loopback, and every port free.

use std::process::{Command, Output};

use super::tools::{Tools, say};

/// Runs `program` with `arguments` and returns how it ended; `None`, and said so, where programs are
/// missing or this machine allows no namespace.
pub(crate) fn run(program: &str, arguments: &[&str], needs: &[(&str, &str)]) -> Option<Output> {
    let mut tools = Tools::default();
    let needs = [("unshare", "util-linux"), ("ip", "iproute2")].iter().chain(needs);
    let found: Vec<bool> = needs.map(|(name, package)| tools.find(name, package).is_some()).collect();
    if found.contains(&false) {
        return None;
    }
    let unshare =
        ["--net", "--map-root-user", "--kill-child", "sh", "-c", "ip link set lo up && exec \"$@\"", "sh"];
    let is_allowed = Command::new("unshare").args(unshare).arg("true").status().unwrap().success();
    if !is_allowed {
        say(&format!("SKIPPED: {program}, because this machine allows no network namespace"));
        return None;
    }
    Some(Command::new("unshare").args(unshare).arg(program).args(arguments).output().unwrap())
}
