//! What people install: the Debian package, and the container image of the static binary. Scripts in
//! `tests/packaging` do the work, in namespaces of their own. (What cargo installs: `first_hour`.)

use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use crate::support::tools::{Tools, alone, say};

/// Longer than any of the scripts takes, in seconds.
const PATIENCE_S: &str = "600";

/// The programs of a script, found or loudly missed.
fn all(tools: &mut Tools, programs: &[(&str, &str)]) -> bool {
    let n_found = programs.iter().filter(|(name, package)| tools.find(name, package).is_some()).count();
    n_found == programs.len()
}

/// A folder that other users can enter, as the server's user has to.
fn folder() -> TempDir {
    use std::os::unix::fs::PermissionsExt;
    tempfile::Builder::new().permissions(std::fs::Permissions::from_mode(0o755)).tempdir().unwrap()
}

/// Runs a script, and passes on what it has left out.
fn run(script: &str, arguments: &[&Path]) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/packaging").join(script);
    let search = std::env::var("PATH").unwrap_or_default();
    let output = Command::new("timeout")
        .arg(PATIENCE_S)
        .arg(path)
        .args(arguments)
        .env("PATH", format!("{search}:/usr/sbin:/sbin"))
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{script}: {}\n{told}", String::from_utf8_lossy(&output.stdout));
    told.lines().filter(|line| line.starts_with("SKIPPED: ")).for_each(say);
}

/// The static binary that `tests/run` has built, or the way to one.
fn static_binary(tools: &mut Tools) -> Option<PathBuf> {
    let built = std::env::var_os("DULLAHAN_STATIC").map(PathBuf::from);
    tools.have(built, "no static binary: DULLAHAN_STATIC=$(packaging/static.sh dev), as tests/run sets it")
}

#[test]
fn the_debian_package_installs_a_service_and_leaves_nothing_behind() {
    let mut tools = Tools::default();
    let programs = [
        ("dpkg-deb", "dpkg"),
        ("dpkg-shlibdeps", "dpkg-dev"),
        ("deb-systemd-helper", "init-system-helpers"),
        ("systemd-analyze", "systemd"),
        ("unshare", "util-linux"),
        ("setpriv", "util-linux"),
        ("ip", "iproute2"),
        ("dig", "bind9-dnsutils"),
    ];
    let cargo_deb = std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default())
        .map(|folder| folder.join("cargo-deb"))
        .find(|program| program.is_file());
    let how = "cargo-deb is not installed (cargo install --root target/tools cargo-deb, as tests/run does)";
    if !all(&mut tools, &programs) || tools.have(cargo_deb, how).is_none() {
        return;
    }
    let _alone = alone();
    run("deb.sh", &[Path::new(env!("CARGO_BIN_EXE_dullahan")), folder().path()]);
}

#[test]
fn the_image_of_the_static_binary_runs_with_nothing_else() {
    let mut tools = Tools::default();
    let programs = [
        ("jq", "jq"),
        ("unshare", "util-linux"),
        ("ip", "iproute2"),
        ("dig", "bind9-dnsutils"),
        ("chroot", "coreutils"),
    ];
    let binary = static_binary(&mut tools);
    if let (true, Some(binary)) = (all(&mut tools, &programs), binary) {
        let _alone = alone();
        run("image.sh", &[&binary, folder().path()]);
    }
}
