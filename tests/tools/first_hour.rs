//! The first hour of a new user, as a script (`tests/first-hour/new-user.sh`): install, quick start, wrong
//! input, a second server, a kill, and remove everything.

use std::path::Path;

use crate::support::namespace;

/// Programs that the script calls, and their Debian packages.
const PROGRAMS: [(&str, &str); 2] = [("kubectl", "kubernetes-client"), ("dig", "bind9-dnsutils")];

#[test]
fn the_first_hour_goes_well() {
    let checkout = env!("CARGO_MANIFEST_DIR");
    let script = format!("{checkout}/tests/first-hour/new-user.sh");
    // The folder that this binary was built in: what the install needs is there already.
    let binary = Path::new(env!("CARGO_BIN_EXE_dullahan"));
    let target = binary.ancestors().nth(2).unwrap().to_str().unwrap();
    let Some(output) = namespace::run(&script, &[checkout, target], &PROGRAMS) else { return };
    let printed = String::from_utf8_lossy(&output.stdout);
    let complaints = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && printed.contains(" passed, 0 failed"), "{printed}{complaints}");
}
