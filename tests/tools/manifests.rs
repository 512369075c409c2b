//! Manifests as the program reads them: `check` and its findings as data, kinds that are not served,
//! folders, and what is told while files are followed.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};
use std::time::Duration;

use serde_json::{Value, json};

use crate::support::binary::{Program, start};

/// How long the program may take until it says something that is waited for.
const PATIENCE: Duration = Duration::from_secs(60);

const SET: &str = "apiVersion: apps/v1\nkind: StatefulSet\nmetadata: {name: web}\nspec:\n  serviceName: nginx\n  \
     replicas: 1\n  selector: {matchLabels: {app: web}}\n  template:\n    metadata: {labels: {app: web}}\n    \
     spec: {containers: [{name: c, image: i}]}\n";
const SERVICE: &str = "apiVersion: v1\nkind: Service\nmetadata: {name: nginx}\n\
     spec: {clusterIP: None, selector: {app: web}, ports: [{port: 80}]}\n";
const BUDGET: &str = "apiVersion: policy/v1\nkind: PodDisruptionBudget\nmetadata: {name: web}\n";
const ROLE: &str = "apiVersion: rbac.authorization.k8s.io/v1\nkind: Role\nmetadata: {name: web}\n";

fn run(folder: &Path, arguments: &[&str]) -> Output {
    let state = tempfile::tempdir().unwrap();
    Command::new(env!("CARGO_BIN_EXE_dullahan"))
        .args(arguments)
        .current_dir(folder)
        .env("XDG_STATE_HOME", state.path())
        .output()
        .unwrap()
}

/// The exit code, and the lines of both outputs.
fn told(folder: &Path, arguments: &[&str]) -> (i32, String) {
    let output = run(folder, arguments);
    let text = [output.stdout, output.stderr].concat();
    (output.status.code().unwrap(), String::from_utf8(text).unwrap())
}

/// A folder with a set, kinds that are not served, and no service.
fn chart() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("rbac")).unwrap();
    fs::write(folder.path().join("web.yaml"), format!("{SET}---\n{BUDGET}")).unwrap();
    fs::write(folder.path().join("rbac/role.yaml"), ROLE).unwrap();
    folder
}

#[test]
fn a_check_counts_what_it_warns_of_and_what_it_skips() {
    let folder = chart();
    let expected = [
        "web.yaml:1: warning: StatefulSet default/web: spec.serviceName: there is no Service \"nginx\" in namespace ",
        "rbac/role.yaml:2: warning: Role \"web\" (rbac.authorization.k8s.io/v1) is not served here; skipped",
        "web.yaml:13: warning: PodDisruptionBudget \"web\" (policy/v1) is not served here; skipped",
        "1 object in 2 files, 0 mistakes, 1 warning, 2 skipped",
    ];
    for (flags, code) in [(&[][..], 0), (&["--strict"], 1)] {
        let arguments = [&["check", "-f", "."], flags].concat();
        let (found, text) = told(folder.path(), &arguments);
        assert_eq!(found, code, "{text}");
        let lines: Vec<&str> = text.lines().map(|line| line.trim_start_matches("./")).collect();
        assert_eq!(lines.len(), expected.len(), "{text}");
        for (line, expected) in lines.iter().zip(expected) {
            assert!(line.starts_with(expected), "{line}");
        }
    }
    let (_, text) = told(folder.path(), &["check", "-f", ".", "--recursive=false"]);
    assert!(text.ends_with("1 object in 1 file, 0 mistakes, 1 warning, 1 skipped\n"), "{text}");
}

#[test]
fn findings_are_data_if_wanted() {
    let folder = tempfile::tempdir().unwrap();
    let wrong = SERVICE.replace("port: 80", "prot: 80");
    fs::write(folder.path().join("web.yaml"), format!("{SET}---\n{BUDGET}---\n{wrong}")).unwrap();
    let output = run(folder.path(), &["check", "-o", "json", "-f", "web.yaml", "-f", "gone.yaml"]);
    assert_eq!(output.status.code(), Some(1));
    let mut found: Value = serde_json::from_slice(&output.stdout).unwrap();
    let counts = json!({"errors": 2, "files": 1, "objects": 1, "skipped": 1, "warnings": 1});
    assert_eq!((&found["counts"], &found["passed"]), (&counts, &json!(false)));
    let findings = found["findings"].as_array_mut().unwrap();
    let messages: Vec<String> =
        findings.iter_mut().map(|finding| finding["message"].take().as_str().unwrap().to_owned()).collect();
    let finding = |severity: &str, file: &str, line: Value, object: Value, path: Value| json!({"severity": severity, "file": file, "line": line, "object": object, "path": path, "message": null});
    let object = |kind: &str, namespace: Value, name: &str| json!({"kind": kind, "namespace": namespace, "name": name});
    let (service, field) = (object("Service", json!("default"), "nginx"), json!("spec.ports[0].prot"));
    let expected = [
        finding("error", "gone.yaml", Value::Null, Value::Null, Value::Null),
        finding("error", "web.yaml", json!(19), service, field),
        finding(
            "warning",
            "web.yaml",
            json!(1),
            object("StatefulSet", json!("default"), "web"),
            json!("spec.serviceName"),
        ),
        finding(
            "skipped",
            "web.yaml",
            json!(13),
            object("PodDisruptionBudget", Value::Null, "web"),
            json!("kind"),
        ),
    ];
    assert_eq!(findings[..], expected[..], "{messages:#?}");
    assert!(
        messages[1].contains("unknown field \"spec.ports[0].prot\" (did you mean \"port\"?)"),
        "{messages:#?}"
    );
}

#[test]
fn a_server_refuses_what_it_does_not_serve_only_if_it_is_told_to() {
    let folder = chart();
    let common = ["-f", ".", "--dns-listen", "127.0.0.1:0", "--strict"];
    for command in [&["serve", "--api-listen", "off"][..], &["dns"]] {
        let (code, text) = told(folder.path(), &[command, &common].concat());
        assert_eq!(code, 1, "{text}");
        assert!(
            text.contains("web.yaml:13: PodDisruptionBudget \"web\" (policy/v1) is not served here\n"),
            "{text}"
        );
        assert!(text.ends_with("error: 2 mistakes in the files; nothing was started\n"), "{text}");
    }
    let simulate = ["simulate", "-f", ".", "--seeds", "1", "--hours", "0.01"];
    let (code, text) = told(folder.path(), &simulate);
    assert_eq!(code, 0, "{text}");
    assert!(
        text.contains("warning: 2 objects were skipped; --strict refuses kinds that are not served\n"),
        "{text}"
    );
    let (code, text) = told(folder.path(), &[&simulate[..], &["--strict"]].concat());
    assert!(code == 1 && text.contains("2 mistakes in the files; nothing was started"), "{text}");
}

#[test]
fn a_path_with_nothing_in_it_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir_all(folder.path().join(".hidden")).unwrap();
    fs::write(folder.path().join(".hidden/web.yaml"), SET).unwrap();
    let expected = ".: there is no manifest in it; files that end in .yaml, .yml or .json are read\n";
    let common = ["-f", ".", "--dns-listen", "127.0.0.1:0"];
    for arguments in
        [&["check", "-f", "."][..], &[&["serve"][..], &common].concat(), &[&["dns"][..], &common].concat()]
    {
        let (code, text) = told(folder.path(), arguments);
        assert!(code == 1 && text.contains(expected), "{arguments:?}: {text}");
    }
}

#[test]
fn a_template_that_was_not_rendered_is_called_one() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("t.yaml"), SET.replace("web", "{{ .Release.Name }}")).unwrap();
    let (code, text) = told(folder.path(), &["check", "-f", "t.yaml"]);
    assert_eq!(code, 1);
    let expected = "t.yaml:3: this is a template that was not rendered (\"{{\"); use what \"helm template\" prints of its chart\n";
    assert!(text.starts_with(expected), "{text}");
    assert_eq!(text.lines().count(), 2, "{text}");
}

/// What follows `sign` in the next line that has it.
fn line(server: &Program, sign: &str) -> String {
    loop {
        let line = server.lines.recv_timeout(PATIENCE).unwrap_or_else(|_| panic!("nobody says {sign:?}"));
        if let Some((_, rest)) = line.split_once(sign) {
            return rest.to_owned();
        }
    }
}

#[test]
fn a_followed_folder_tells_each_thing_once_and_what_becomes_of_it() {
    let folder = chart();
    let path = |name: &str| folder.path().join(name);
    let server = start("serve", folder.path(), &[]);
    line(&server, "applied  StatefulSet default/web  created");
    let warning = line(&server, "warning  ");
    let missing = "web.yaml:1: StatefulSet default/web: spec.serviceName: there is no Service \"nginx\"";
    assert!(warning.contains(missing), "{warning}");
    for kind in ["Role \"web\" (rbac.authorization.k8s.io/v1)", "PodDisruptionBudget \"web\" (policy/v1)"] {
        let warning = line(&server, "warning  ");
        assert!(warning.ends_with(&format!("{kind} is not served here; skipped")), "{warning}");
    }
    assert!(line(&server, "warning  ").starts_with("2 objects were skipped"));
    fs::write(path("web.yaml"), format!("{SET}nonsense: 1\n---\n{BUDGET}")).unwrap();
    line(&server, "problem  what these files said before stays in force");
    fs::write(path("web.yaml"), format!("{SET}---\n{BUDGET}")).unwrap();
    assert!(line(&server, "mended   ").ends_with("web.yaml  nothing is wrong with it any more"));
    // A new folder, and a file that goes again.
    fs::create_dir(path("services")).unwrap();
    fs::write(path("services/nginx.yaml"), SERVICE).unwrap();
    line(&server, "applied  Service default/nginx  created");
    fs::remove_file(path("services/nginx.yaml")).unwrap();
    let gone = line(&server, "applied  Service default/nginx  ");
    assert!(gone.starts_with("deleted, no longer in ") && gone.ends_with("nginx.yaml"), "{gone}");
    // The service had ended the warning; nothing else is told again.
    let warning = line(&server, "warning  ");
    assert!(warning.contains(missing), "{warning}");
}
