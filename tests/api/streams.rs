//! The real kubectl's streams into a pod: ports and commands, over WebSocket as it is and over the
//! SPDY of before 1.30.
//!
//! The pod is what the test makes of it: port 80 repeats what it hears and says `bye` when it has
//! heard all, every other port is refused, and commands are three that live in memory. The Kubernetes
//! client of Rust runs one too.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use dullahan::api::server::{ADMIN, ApiOptions, ApiServer};
use dullahan::clock::Clock;
use dullahan::pki::authority::Authority;
use dullahan::store::{Bootstrap, Store, StoreOptions};
use dullahan::streaming::{
    ContainerStreams, Exit, LogQuery, LogStream, PortStream, Session, TerminalSize, Wanted,
};
use k8s_openapi::api::core::v1::Pod;
use kube::api::{Api, AttachParams};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};
use tokio_util::sync::CancellationToken;

use crate::support::tools::Tools;

/// How long an answer may take.
const ANSWER_MAX: Duration = Duration::from_secs(30);
/// Turns kubectl to SPDY.
const OVER_SPDY: [&str; 2] = ["KUBECTL_PORT_FORWARD_WEBSOCKETS", "KUBECTL_REMOTE_COMMAND_WEBSOCKETS"];

struct Streams;

#[async_trait]
impl ContainerStreams for Streams {
    fn refuses(&self, _: &Pod) -> Option<String> {
        None
    }

    async fn exec(&self, _: &Pod, _: &str, command: &[String], wanted: Wanted) -> Result<Session, String> {
        Ok(run(&command[0], wanted))
    }

    async fn attach(&self, _: &Pod, _: &str, wanted: Wanted) -> Result<Session, String> {
        Ok(run("cat", wanted))
    }

    async fn connect(&self, _: &Pod, port: u16) -> Result<PortStream, String> {
        if port != 80 {
            return Err(format!("connect to 127.0.0.2:{port}: connection refused"));
        }
        let (near, mut far) = duplex(4_096);
        tokio::spawn(async move {
            let (mut from, mut to) = tokio::io::split(&mut far);
            if tokio::io::copy(&mut from, &mut to).await.is_ok() {
                // The client may be gone.
                let _ = to.write_all(b"bye").await;
            }
        });
        Ok(Box::pin(near))
    }

    async fn log(&self, _: &Pod, _: &str, _: LogQuery) -> Result<LogStream, String> {
        Err("nothing is logged here".to_owned())
    }
}

/// `cat`; `size`, which waits for the size of its terminal and tells it; or anything else: words to
/// both outputs and the code 3.
fn run(command: &str, wanted: Wanted) -> Session {
    let (stdin, mut input) = duplex(4_096);
    let (mut output, stdout) = duplex(4_096);
    let (mut errors, stderr) = duplex(4_096);
    let command = command.to_owned();
    let (size, mut sizes) = tokio::sync::watch::channel(TerminalSize::default());
    let exit = async move {
        match command.as_str() {
            "cat" => {
                tokio::io::copy(&mut input, &mut output).await.unwrap();
                return Exit::Code(0);
            }
            "size" => {
                let size = *sizes.wait_for(|size| *size != TerminalSize::default()).await.unwrap();
                output.write_all(format!("{}x{}", size.width, size.height).as_bytes()).await.unwrap();
                return Exit::Code(0);
            }
            _ => {}
        }
        output.write_all(b"out").await.unwrap();
        errors.write_all(b"err").await.unwrap();
        Exit::Code(3)
    };
    Session {
        stdin: wanted.stdin.then(|| Box::pin(stdin) as _),
        stdout: wanted.stdout.then(|| Box::pin(stdout) as _),
        stderr: wanted.stderr.then(|| Box::pin(stderr) as _),
        size: wanted.tty.then_some(size),
        exit: Box::pin(exit),
    }
}

/// The API over one pod `p`, for the length of a test.
struct Server {
    folder: tempfile::TempDir,
    kubectl: PathBuf,
    stop: CancellationToken,
}

impl Server {
    async fn start(kubectl: PathBuf) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::in_memory(Clock::system(), StoreOptions::default());
        store.bootstrap(&Bootstrap::default()).await.unwrap();
        let pod = json!({"metadata": {"name": "p", "namespace": "default"},
            "spec": {"nodeName": "n", "containers": [{"name": "a", "image": "i"}]}});
        store.create(serde_json::from_value::<Pod>(pod.clone()).unwrap()).await.unwrap();
        let mut pod = pod;
        pod["status"] = json!({"phase": "Running", "containerStatuses": [
            {"name": "a", "image": "i", "imageID": "", "ready": true, "restartCount": 0, "state": {"running": {}}}]});
        store.update_status(serde_json::from_value::<Pod>(pod).unwrap()).await.unwrap();
        let options = ApiOptions {
            listen: "127.0.0.1:0".parse().unwrap(),
            names: Vec::new(),
            kubeconfig: folder.path().join("kubeconfig"),
            context: "dullahan".into(),
        };
        let stop = CancellationToken::new();
        let authority = Authority::open(None, &ADMIN, store.clock().now()).unwrap();
        let mut server = ApiServer::bind(&options, &authority, &store).await.unwrap();
        server.publish().unwrap();
        tokio::spawn(server.run(store, Arc::new(Streams), stop.clone()));
        Self { folder, kubectl, stop }
    }

    fn kubectl(&self, line: &str, is_spdy: bool) -> Command {
        let mut command = Command::new(&self.kubectl);
        command.args(line.split(' ')).env("HOME", self.folder.path());
        command.env("KUBECONFIG", self.folder.path().join("kubeconfig"));
        for name in OVER_SPDY.iter().filter(|_| is_spdy) {
            command.env(name, "false");
        }
        command
    }

    /// Runs to the end with `input`: the code, what is printed, and the errors.
    fn run(&self, line: &str, input: &[u8], is_spdy: bool) -> (Option<i32>, Vec<u8>, String) {
        let mut command = self.kubectl(line, is_spdy);
        let piped = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = piped.spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        let input = input.to_vec();
        let writer = std::thread::spawn(move || stdin.write_all(&input));
        let output = child.wait_with_output().unwrap();
        // One that reads nothing may be gone already.
        let _ = writer.join().unwrap();
        (output.status.code(), output.stdout, String::from_utf8(output.stderr).unwrap())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// `kubectl port-forward` to port 80 and another, and where each is.
struct Forward {
    child: Child,
    ports: [u16; 2],
}

impl Forward {
    fn start(server: &Server, is_spdy: bool) -> Self {
        let mut command = server.kubectl("port-forward pod/p --address=127.0.0.1 :80 :81", is_spdy);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let ports = [80, 81].map(|port| {
            let line = lines.next().unwrap().unwrap();
            let local = line.strip_prefix("Forwarding from 127.0.0.1:").unwrap();
            local.strip_suffix(&format!(" -> {port}")).unwrap().parse().unwrap()
        });
        std::thread::spawn(move || lines.for_each(drop));
        Self { child, ports }
    }

    fn connect(&self, port: usize) -> TcpStream {
        let stream = TcpStream::connect(("127.0.0.1", self.ports[port])).unwrap();
        stream.set_read_timeout(Some(ANSWER_MAX)).unwrap();
        stream
    }
}

impl Drop for Forward {
    fn drop(&mut self) {
        // It may have ended by itself, which is for the test to judge.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn hear(stream: &mut TcpStream, expected: &[u8]) {
    let mut heard = vec![0; expected.len()];
    stream.read_exact(&mut heard).unwrap();
    assert!(heard == expected, "{} octets come back as they were", expected.len());
}

fn check_ports(server: &Server, is_spdy: bool) {
    let mut forward = Forward::start(server, is_spdy);
    let (mut one, mut two) = (forward.connect(0), forward.connect(0));
    two.write_all(b"second").unwrap();
    one.write_all(b"first").unwrap();
    hear(&mut one, b"first");
    hear(&mut two, b"second");

    // More than all that is between holds, so that both directions must be carried at once.
    let large: Vec<u8> = (0..4_000_000_u32).map(|i| (i % 251) as u8).collect();
    let mut writer = one.try_clone().unwrap();
    let sent = large.clone();
    let writer = std::thread::spawn(move || writer.write_all(&sent));
    hear(&mut one, &large);
    writer.join().unwrap().unwrap();

    // Who has no more to say still hears the rest; the other connection goes on.
    one.shutdown(Shutdown::Write).unwrap();
    let mut rest = String::new();
    one.read_to_string(&mut rest).unwrap();
    assert_eq!(rest, "bye");
    two.write_all(b"still here").unwrap();
    hear(&mut two, b"still here");

    let mut refused = forward.connect(1);
    let mut nothing = Vec::new();
    // kubectl closes or resets it.
    let _ = refused.read_to_end(&mut nothing);
    assert_eq!(nothing, b"");
    let mut errors = String::new();
    forward.child.stderr.take().unwrap().read_to_string(&mut errors).unwrap();
    let told = errors.contains("error forwarding port 81 to pod p, uid ")
        && errors.contains(": connect to 127.0.0.2:81: connection refused");
    assert!(told, "{errors}");
}

#[tokio::test(flavor = "multi_thread")]
async fn ports_are_forwarded_both_ways_until_either_end_has_said_all() {
    let mut tools = Tools::default();
    let Some(kubectl) = tools.find("kubectl", "kubernetes-client") else { return };
    let server = Server::start(kubectl).await;
    tokio::task::spawn_blocking(move || {
        check_ports(&server, false);
        check_ports(&server, true);
    })
    .await
    .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn commands_run_the_same_over_both() {
    let mut tools = Tools::default();
    let Some(kubectl) = tools.find("kubectl", "kubernetes-client") else { return };
    let server = Server::start(kubectl).await;
    tokio::task::spawn_blocking(move || {
        let large = b"0123456789abcde\n".repeat(50_000);
        for is_spdy in [false, true] {
            for line in ["exec -i p -- cat", "attach -i p"] {
                let (code, stdout, errors) = server.run(line, &large, is_spdy);
                assert_eq!(code, Some(0), "{line}, SPDY {is_spdy}: {errors}");
                assert!(stdout == large, "{line}, SPDY {is_spdy}: {} octets", stdout.len());
            }
            let (code, stdout, errors) = server.run("exec p -- fail", b"", is_spdy);
            assert_eq!((code, stdout.as_slice()), (Some(3), &b"out"[..]), "SPDY {is_spdy}: {errors}");
            assert_eq!(errors, "errcommand terminated with exit code 3\n", "SPDY {is_spdy}");
        }
    })
    .await
    .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_is_told_the_size_of_its_terminal_over_both() {
    let mut tools = Tools::default();
    let (Some(kubectl), Some(script)) =
        (tools.find("kubectl", "kubernetes-client"), tools.find("script", "bsdutils"))
    else {
        return;
    };
    let server = Server::start(kubectl).await;
    tokio::task::spawn_blocking(move || {
        for is_spdy in [false, true] {
            let kubectl = server.kubectl("exec -it p -- size", is_spdy);
            let words = [kubectl.get_program()].into_iter().chain(kubectl.get_args());
            let line: Vec<_> = words.map(|word| word.to_string_lossy()).collect();
            let mut terminal = Command::new(&script);
            terminal.envs(kubectl.get_envs().filter_map(|(name, value)| Some((name, value?))));
            terminal.args(["-qec", &format!("stty cols 100 rows 30; {}", line.join(" ")), "/dev/null"]);
            let output = terminal.stdin(Stdio::null()).output().unwrap();
            let shown = String::from_utf8_lossy(&output.stdout);
            assert!(output.status.success() && shown.contains("100x30"), "SPDY {is_spdy}: {shown}");
        }
    })
    .await
    .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_client_of_rust_is_told_how_a_command_ended() {
    let server = Server::start(PathBuf::from("kubectl")).await;
    let kubeconfig = Kubeconfig::read_from(server.folder.path().join("kubeconfig")).unwrap();
    let config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await.unwrap();
    let pods: Api<Pod> = Api::default_namespaced(Client::try_from(config).unwrap());

    let mut process = pods.exec("p", ["fail"], &AttachParams::default()).await.unwrap();
    let status = process.take_status().unwrap();
    let (mut output, mut errors) = (String::new(), String::new());
    process.stdout().unwrap().read_to_string(&mut output).await.unwrap();
    process.stderr().unwrap().read_to_string(&mut errors).await.unwrap();
    assert_eq!((output.as_str(), errors.as_str()), ("out", "err"));
    let status = status.await.unwrap();
    assert_eq!(status.status.as_deref(), Some("Failure"));
    assert_eq!(status.reason.as_deref(), Some("NonZeroExitCode"));
    let causes = status.details.and_then(|details| details.causes).unwrap_or_default();
    assert!(causes.iter().any(|cause| cause.message.as_deref() == Some("3")), "{causes:?}");

    for (pod, container, code) in [("none", "a", 404), ("p", "none", 400)] {
        let wanted = AttachParams::default().container(container);
        match pods.exec(pod, ["fail"], &wanted).await.err() {
            Some(kube::Error::Api(status)) => assert_eq!(status.code, code, "{status:?}"),
            other => panic!("{pod} {container}: {other:?}"),
        }
    }
}
