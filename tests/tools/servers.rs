//! Servers beside each other: names, locks, files that a failing start leaves alone, `list`.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

use crate::support::binary::{self, Program};
use crate::support::https::Https;
use crate::support::message::{ask, over_tcp};
use crate::support::port::Port;

const API: &str = "--api-listen=127.0.0.1:0";

/// Runs the program to its end, with its state in `state`.
pub(crate) fn run(state: &Path, line: &str) -> Output {
    Command::new(env!("CARGO_BIN_EXE_dullahan"))
        .args(line.split(' '))
        .env("XDG_STATE_HOME", state)
        .env("HOME", state)
        .env_remove("KUBECONFIG")
        .output()
        .unwrap()
}

/// What it writes to standard output and error.
pub(crate) fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

fn start(state: &Path, name: &str) -> Program {
    let flags = [format!("--name={name}"), API.to_owned()];
    let program = binary::start_keeping("serve", &flags, std::process::Stdio::inherit(), Some(state));
    program.told("API on https://");
    program
}

/// Every file below a folder but for locks, with what is in it.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut all = BTreeMap::new();
    for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let (path, name) = (entry.path(), entry.file_name().into_string().unwrap());
        if path.is_dir() {
            all.extend(files(&path).into_iter().map(|(below, octets)| (format!("{name}/{below}"), octets)));
        } else if !name.ends_with("lock") {
            all.insert(name, std::fs::read(path).unwrap());
        }
    }
    all
}

fn list(state: &Path, flags: &str) -> Vec<Value> {
    let listed = run(state, &format!("list -o json{flags}"));
    serde_json::from_slice(&listed.stdout).unwrap_or_else(|error| panic!("{error}: {}", said(&listed)))
}

/// Name and state of each.
fn states(listed: &[Value]) -> Vec<(&str, &str)> {
    let text = |server: &'static str, of: &Value| of[server].as_str().unwrap().to_owned().leak() as &str;
    listed.iter().map(|server| (text("name", server), text("state", server))).collect()
}

/// It answers DNS, and its API knows the credentials of its kubeconfig.
fn check_answers(program: &Program, state: &Path, name: &str) {
    let reply = over_tcp(program.address, &ask("cluster.local", 6).octets());
    assert!(reply.is_some_and(|reply| reply[3] & 0xf == 0), "{name} does not answer DNS");
    let kubeconfig = state.join("dullahan").join(name).join("kubeconfig");
    let text = std::fs::read_to_string(&kubeconfig).unwrap();
    let (_, rest) = text.split_once("server: https://").unwrap();
    let address = rest.lines().next().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let answer = runtime.block_on(Https::new(address, &kubeconfig).request("GET", "/api/v1/pods", &[], b""));
    assert_eq!(answer.code, 200, "{name}");
}

#[test]
fn a_second_server_of_a_name_is_refused_and_a_start_that_fails_leaves_every_file_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path();
    let (taken, broken) = (Port::reserve(), state.join("broken.yaml"));
    let _holder = std::net::TcpListener::bind(taken.address).unwrap();
    std::fs::write(&broken, "apiVersion: v1\nkind: Nonsense\n").unwrap();
    std::fs::write(state.join("cert.pem"), "no certificate").unwrap();
    let program = start(state, "default");
    let before = files(&state.join("dullahan"));
    let refused = run(state, "serve --dns-listen 127.0.0.1:0 --api-listen 127.0.0.1:0");
    let told = said(&refused);
    assert_eq!(refused.status.code(), Some(1), "{told}");
    assert!(told.contains(&format!("pid {}", program.child.id())) && told.contains("--name other"), "{told}");
    let failing = [
        format!("--api-listen {}", taken.address),
        format!("{API} --dns-listen {}", taken.address),
        format!("{API} -f {}", broken.display()),
        format!(
            "{API} --dot-listen 127.0.0.1:0 --tls-cert {0}/cert.pem --tls-key {0}/cert.pem",
            state.display()
        ),
        format!("{API} --kubeconfig-out {}/file/kubeconfig", broken.display()),
    ];
    let fail = |name: &str| {
        for flags in &failing {
            let dns = if flags.contains("--dns-listen") { "" } else { " --dns-listen 127.0.0.1:0" };
            let failed = run(state, &format!("serve --name {name}{dns} {flags}"));
            assert_eq!(failed.status.code(), Some(1), "{flags}: {}", said(&failed));
        }
    };
    fail("default");
    fail("other");
    assert_eq!(files(&state.join("dullahan")), before, "while another server runs");
    check_answers(&program, state, "default");
    drop(program);
    let before = files(&state.join("dullahan"));
    fail("default");
    assert_eq!(files(&state.join("dullahan")), before, "with nobody there");
    assert!(before.contains_key("default/kubeconfig") && before.contains_key("default/dns-serial"));
}

#[test]
fn a_server_that_is_killed_and_started_again_disturbs_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path();
    let (mut one, two) = (start(state, "one"), start(state, "two"));
    assert_eq!(states(&list(state, "")), [("one", "Running"), ("two", "Running")]);
    let two_before = files(&state.join("dullahan/two"));
    let credentials = |name: &str| files(&state.join("dullahan").join(name).join("credentials"));
    let one_before = credentials("one");
    one.child.kill().unwrap();
    one.child.wait().unwrap();
    assert_eq!(states(&list(state, "")), [("two", "Running")]);
    assert_eq!(states(&list(state, " --all")), [("one", "Stopped"), ("two", "Running")]);
    check_answers(&two, state, "two");
    let one = start(state, "one");
    check_answers(&one, state, "one");
    check_answers(&two, state, "two");
    assert_eq!(files(&state.join("dullahan/two")), two_before);
    assert_eq!(credentials("one"), one_before, "clients still get in");
    let listed = list(state, "");
    assert_eq!(listed[0]["pid"], one.child.id());
    assert_eq!(
        (listed[0]["kind"].as_str(), listed[0]["dns"][0].as_str()),
        (Some("serve"), Some(&*one.address.to_string()))
    );
    let table = said(&run(state, "list"));
    assert!(table.lines().nth(2).is_some_and(|line| line.starts_with("two ")), "{table}");
}

#[test]
fn a_kubeconfig_of_a_running_server_is_not_given_to_another() {
    let folder = tempfile::tempdir().unwrap();
    let out = format!("--kubeconfig-out={}", folder.path().join("kubeconfig").display());
    let flags = [API.to_owned(), out.clone()];
    let first = binary::start_keeping("serve", &flags, std::process::Stdio::inherit(), Some(folder.path()));
    first.told("API on https://");
    let refused = run(folder.path(), &format!("serve --name b --dns-listen 127.0.0.1:0 {API} {out}"));
    assert!(
        said(&refused).contains("is the kubeconfig of the running server \"default\""),
        "{}",
        said(&refused)
    );
}

#[test]
fn a_users_kubeconfig_gets_a_context_and_keeps_the_rest() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path();
    let _program = start(state, "lab");
    let users = state.join(".kube/config");
    std::fs::create_dir(state.join(".kube")).unwrap();
    let before = "apiVersion: v1\nx-mine: 1\ncontexts:\n- name: work\n  context:\n    cluster: work\nkind: Config\ncurrent-context: work\n";
    std::fs::write(&users, before).unwrap();
    let merged = run(state, "kubeconfig --name lab --merge");
    assert!(said(&merged).contains("kubectl --context dullahan-lab"), "{}", said(&merged));
    let text = std::fs::read_to_string(&users).unwrap();
    assert!(text.starts_with("apiVersion: v1\nx-mine: 1\ncontexts:\n- name: work\n"), "{text}");
    assert!(text.contains("current-context: work\n") && text.contains("- name: dullahan-lab\n"), "{text}");
    let mode = std::os::unix::fs::MetadataExt::mode(&std::fs::metadata(&users).unwrap());
    assert_eq!(mode & 0o777, 0o600);
    run(state, "kubeconfig --name lab --merge --set-current");
    assert!(std::fs::read_to_string(&users).unwrap().contains("current-context: dullahan-lab\n"));
    std::fs::write(state.join(".kube/config.lock"), "").unwrap();
    let locked = run(state, "kubeconfig --name lab --remove");
    assert!(said(&locked).contains("another program is changing"), "{}", said(&locked));
    std::fs::remove_file(state.join(".kube/config.lock")).unwrap();
    assert!(run(state, "kubeconfig --name lab --remove").status.success());
    assert!(!std::fs::read_to_string(&users).unwrap().contains("dullahan"));
    std::fs::write(&users, "a: 1\nclusters: 5\n").unwrap();
    let refused = run(state, "kubeconfig --name lab --merge");
    assert!(said(&refused).contains("config: line 2: clusters: expected a list"), "{}", said(&refused));
    assert_eq!(std::fs::read_to_string(&users).unwrap(), "a: 1\nclusters: 5\n");
    assert!(!state.join(".kube/config.lock").exists());
    assert!(said(&run(state, "kubeconfig --name none")).contains("no server named \"none\""));
}

#[test]
fn without_a_home_that_can_be_written_state_is_kept_for_a_while_and_found_there() {
    for home in [None, Some("/dev/null")] {
        let folder = tempfile::tempdir().unwrap();
        let (log, errors) = (folder.path().join("log"), folder.path().join("errors"));
        let dullahan = |line: &str| {
            let mut command = Command::new(env!("CARGO_BIN_EXE_dullahan"));
            command.args(line.split(' ')).env_remove("XDG_STATE_HOME").env_remove("HOME");
            command.env("TMPDIR", folder.path()).envs(home.map(|home| ("HOME", home)));
            command
        };
        let file = |path: &Path| std::fs::File::create(path).unwrap();
        let mut server = dullahan("serve --dns-listen 127.0.0.1:0 --api-listen 127.0.0.1:0")
            .stdout(file(&log))
            .stderr(file(&errors))
            .spawn()
            .unwrap();
        crate::support::wait::until("it serves", || {
            std::fs::read_to_string(&log).unwrap().contains("export KUBECONFIG=")
        });
        let warned = std::fs::read_to_string(&errors).unwrap();
        assert!(warned.contains("set XDG_STATE_HOME, or name a directory with --state-dir"), "{warned}");
        let printed = dullahan("kubeconfig").output().unwrap();
        assert!(said(&printed).contains("current-context: dullahan"), "{}", said(&printed));
        server.kill().unwrap();
        server.wait().unwrap();
    }
}
