//! The Python client of Kubernetes as a user of the API (`tests/python-client/client.py`).

use std::path::PathBuf;
use std::process::Command;

use crate::support::cluster::Cluster;
use crate::support::tools::Tools;

/// The Debian package's, which is for the system's own Python.
const PYTHON: &str = "/usr/bin/python3";

#[test]
fn the_python_client_creates_lists_watches_patches_and_scales() {
    let mut tools = Tools::default();
    let has_client = |python: &str| {
        let output = Command::new(python).args(["-c", "import kubernetes"]).output();
        output.is_ok_and(|output| output.status.success())
    };
    let python = ["python3", PYTHON].into_iter().find(|python| has_client(python));
    let Some(python) = tools.need(python, "the Python client of Kubernetes", "python3-kubernetes") else {
        return;
    };
    let cluster = Cluster::start(PathBuf::from("kubectl"));
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/python-client/client.py");
    let output = Command::new(python).arg(script).arg(&cluster.kubeconfig).output().unwrap();
    let printed = [output.stdout, output.stderr].concat();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&printed));
}
