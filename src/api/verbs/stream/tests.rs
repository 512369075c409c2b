//! A real WebSocket client against the API over a pipe, and processes that live in memory.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use axum::Router;
use futures_util::{SinkExt, StreamExt};
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use k8s_openapi::api::core::v1::Pod;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{Error, Message};

use super::super::tests::{answered, api_over, ask, read, send};
use super::super::{Api, stream};
use crate::api::streams::refusal::NoStreams;
use crate::api::streams::spdy::frame::{self, Decoder, Frame};
use crate::api::streams::spdy::headers::Deflater;
use crate::clock::{Clock, Timestamp};
use crate::store::{Bootstrap, Store, StoreOptions};
use crate::streaming::{
    ContainerStreams, Exit, LogQuery, LogStream, PortStream, Session, TerminalSize, Wanted,
};

const V5: &str = "v5.channel.k8s.io";

/// Processes by the name of their command; what they are attached to is `cat`.
#[derive(Default)]
struct Processes {
    has_let_go: Arc<AtomicBool>,
    /// Whether nobody answers for them.
    is_down: bool,
}

struct Held(Arc<AtomicBool>);

impl Drop for Held {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

impl Processes {
    fn run(&self, command: &str, wanted: Wanted) -> Result<Session, String> {
        let (stdin, mut input) = duplex(64);
        let (mut output, stdout) = duplex(64);
        let (mut errors, stderr) = duplex(64);
        let (size, mut sizes) = tokio::sync::watch::channel(TerminalSize::default());
        let held = Held(self.has_let_go.clone());
        let command = command.to_owned();
        if command == "missing" {
            return Err("exec: \"missing\": executable file not found in $PATH".into());
        }
        let exit = async move {
            let _held = held;
            match command.as_str() {
                "cat" => {
                    tokio::io::copy(&mut input, &mut output).await.unwrap();
                    Exit::Code(0)
                }
                "size" => {
                    sizes.wait_for(|size| size.width > 0).await.unwrap();
                    let size = *sizes.borrow();
                    output.write_all(format!("{}x{}", size.width, size.height).as_bytes()).await.unwrap();
                    Exit::Code(0)
                }
                "fail" => {
                    let mut first = [0];
                    input.read_exact(&mut first).await.unwrap();
                    errors.write_all(b"no").await.unwrap();
                    Exit::Code(3)
                }
                _ => std::future::pending().await,
            }
        };
        Ok(Session {
            stdin: wanted.stdin.then(|| Box::pin(stdin) as _),
            stdout: wanted.stdout.then(|| Box::pin(stdout) as _),
            stderr: wanted.stderr.then(|| Box::pin(stderr) as _),
            size: wanted.tty.then_some(size),
            exit: Box::pin(exit),
        })
    }
}

#[async_trait]
impl ContainerStreams for Processes {
    fn refuses(&self, _: &Pod) -> Option<String> {
        None
    }

    fn unreachable(&self, _: &Pod) -> Option<SocketAddr> {
        self.is_down.then(|| SocketAddr::from(([10, 0, 0, 7], 10250)))
    }

    async fn exec(&self, _: &Pod, _: &str, command: &[String], wanted: Wanted) -> Result<Session, String> {
        self.run(&command[0], wanted)
    }

    async fn attach(&self, _: &Pod, _: &str, wanted: Wanted) -> Result<Session, String> {
        self.run("fail", wanted)
    }

    async fn connect(&self, _: &Pod, port: u16) -> Result<PortStream, String> {
        Err(format!("nothing listens at {port}"))
    }

    async fn log(&self, _: &Pod, _: &str, _: LogQuery) -> Result<LogStream, String> {
        unreachable!("nobody asks for logs")
    }
}

/// Pods `p`, whose container `a` runs and `b` waits, and `unscheduled`.
async fn api(streams: Arc<dyn ContainerStreams>) -> Arc<Api> {
    let clock = Clock::starting_at(Timestamp::UNIX_EPOCH);
    let store = Store::in_memory(clock, StoreOptions { seed: Some(1), ..StoreOptions::default() });
    store.bootstrap(&Bootstrap::default()).await.unwrap();
    let containers = json!([{"name": "a", "image": "i"}, {"name": "b", "image": "i"}]);
    let meta = |name: &str| json!({"name": name, "namespace": "default"});
    let pod = json!({"metadata": meta("p"), "spec": {"nodeName": "n", "containers": containers}});
    store.create(serde_json::from_value::<Pod>(pod.clone()).unwrap()).await.unwrap();
    let about = |name: &str, state: Value| json!({"name": name, "image": "i", "imageID": "", "ready": true, "restartCount": 0, "state": state});
    let mut pod = pod;
    pod["status"] = json!({"phase": "Running", "containerStatuses": [
        about("a", json!({"running": {}})),
        about("b", json!({"waiting": {"reason": "ContainerCreating"}})),
    ]});
    store.update_status(serde_json::from_value::<Pod>(pod).unwrap()).await.unwrap();
    let pod = json!({"metadata": meta("unscheduled"), "spec": {"containers": [{"name": "a", "image": "i"}]}});
    store.create(serde_json::from_value::<Pod>(pod).unwrap()).await.unwrap();
    api_over(store, streams)
}

type Client = WebSocketStream<DuplexStream>;

async fn connect(api: &Arc<Api>, path: &str, protocol: &str) -> Result<Client, (u16, Value)> {
    let (client, server) = duplex(64 * 1024);
    let api = api.clone();
    let router = Router::new().fallback(move |request| {
        let api = api.clone();
        async move { answered(&api, request).await }
    });
    let service = TowerToHyperService::new(router);
    let connection =
        hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(server), service);
    tokio::spawn(connection.with_upgrades());
    let url = format!("ws://localhost/api/v1/namespaces/default/pods/{path}");
    let mut request = url.into_client_request().unwrap();
    request.headers_mut().insert("sec-websocket-protocol", protocol.parse().unwrap());
    match tokio_tungstenite::client_async(request, client).await {
        Ok((client, response)) => {
            assert_eq!(response.headers()["sec-websocket-protocol"], protocol);
            Ok(client)
        }
        Err(Error::Http(response)) => {
            let code = response.status().as_u16();
            let body = response.into_body().unwrap_or_default();
            Err((code, serde_json::from_slice(&body).unwrap_or_default()))
        }
        Err(error) => panic!("{path}: {error}"),
    }
}

/// Everything that is said until the server closes: what each channel held, and the close code.
async fn rest(client: &mut Client) -> ([String; 2], Value, Option<u16>) {
    let mut outputs = [String::new(), String::new()];
    let (mut end, mut code) = (Value::Null, None);
    while let Some(Ok(message)) = client.next().await {
        match message {
            Message::Binary(message) => match message[0] {
                channel @ (1 | 2) => {
                    outputs[usize::from(channel) - 1] += std::str::from_utf8(&message[1..]).unwrap();
                }
                3 => end = serde_json::from_slice(&message[1..]).unwrap(),
                other => panic!("channel {other}"),
            },
            Message::Close(frame) => code = frame.map(|frame| frame.code.into()),
            _ => {}
        }
    }
    (outputs, end, code)
}

async fn say(client: &mut Client, message: &[u8]) {
    client.send(Message::Binary(message.to_vec().into())).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn input_goes_in_until_it_is_closed_and_output_and_success_come_out() {
    let api = api(Arc::new(Processes::default())).await;
    let path = "p/exec?command=cat&container=a&stdin=true&stdout=true&stderr=true";
    let mut client = connect(&api, path, V5).await.unwrap();
    // More than the pipes hold, so that both directions must be carried at once.
    for _ in 0..100 {
        say(&mut client, b"\x00hello ").await;
    }
    say(&mut client, b"\xff\x00").await;
    let ([stdout, stderr], end, code) = rest(&mut client).await;
    assert_eq!((stdout, stderr), ("hello ".repeat(100), String::new()));
    assert_eq!((&end["status"], code), (&json!("Success"), Some(1000)));
}

#[tokio::test(start_paused = true)]
async fn an_exit_code_is_told_to_exec_and_not_to_attach() {
    let api = api(Arc::new(Processes::default())).await;
    for (path, protocol, status) in [
        ("p/exec?command=fail&container=a&stdin=true&stdout=true&stderr=true", V5, "Failure"),
        (
            "p/exec?command=fail&container=a&stdin=true&stdout=true&stderr=true",
            "v4.channel.k8s.io",
            "Failure",
        ),
        ("p/attach?container=a&stdin=true&stdout=true&stderr=true", V5, "Success"),
    ] {
        let mut client = connect(&api, path, protocol).await.unwrap();
        say(&mut client, b"\x00x").await;
        let ([_, stderr], end, _) = rest(&mut client).await;
        assert_eq!((stderr.as_str(), &end["status"]), ("no", &json!(status)), "{path}");
        let expected = if status == "Failure" { json!("3") } else { Value::Null };
        assert_eq!(end["details"]["causes"][0]["message"], expected, "{path}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_terminal_has_a_size_and_what_cannot_start_says_why() {
    let api = api(Arc::new(Processes::default())).await;
    let path = "p/exec?command=size&container=a&stdin=true&stdout=true&tty=true";
    let mut client = connect(&api, path, V5).await.unwrap();
    say(&mut client, b"\x04{\"Width\":100,\"Height\":30}\n").await;
    assert_eq!(rest(&mut client).await.0[0], "100x30");
    let mut client = connect(&api, "p/exec?command=missing&container=a&stdout=true", V5).await.unwrap();
    let (_, end, code) = rest(&mut client).await;
    assert_eq!((&end["reason"], code), (&json!("InternalError"), Some(1000)));
    assert!(end["message"].as_str().unwrap().contains("not found in $PATH"), "{end}");
}

#[tokio::test(start_paused = true)]
async fn ports_are_carried_in_messages_whose_borders_mean_nothing() {
    let api = api(Arc::new(Processes::default())).await;
    let mut client = connect(&api, "p/portforward", "SPDY/3.1+portforward.k8s.io").await.unwrap();
    let mut deflater = Deflater::default();
    for (stream, kind) in [(1, "error"), (3, "data")] {
        let pairs = [("port", "80"), ("requestid", "0"), ("streamtype", kind)];
        let headers = pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        for octet in &frame::open(stream, &headers, true, &mut deflater) {
            say(&mut client, &[]).await;
            say(&mut client, &[*octet]).await;
        }
    }
    let mut decoder = Decoder::default();
    let mut said = Vec::new();
    while said.len() < 5 {
        if let Message::Binary(octets) = client.next().await.unwrap().unwrap() {
            decoder.feed(&octets);
        }
        said.extend(std::iter::from_fn(|| decoder.next().unwrap()));
    }
    let reason = said.iter().find_map(|frame| match frame {
        Frame::Data { stream: 1, octets, is_last: false } => Some(String::from_utf8_lossy(octets)),
        _ => None,
    });
    assert!(reason.unwrap().ends_with(": nothing listens at 80"), "{said:?}");
    assert_eq!(api.n_streams.available_permits(), stream::STREAMS_MAX - 1);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_goes_or_falls_silent_is_let_go_of() {
    for is_silent in [false, true] {
        let processes = Processes::default();
        let has_let_go = processes.has_let_go.clone();
        let api = api(Arc::new(processes)).await;
        let client = connect(&api, "p/exec?command=sleep&container=a&stdout=true", V5).await.unwrap();
        assert_eq!(api.n_streams.available_permits(), stream::STREAMS_MAX - 1);
        let started = api.now();
        // One that does not read answers no pings.
        let _client = is_silent.then_some(client);
        while api.n_streams.available_permits() < stream::STREAMS_MAX {
            api.clock().sleep(Duration::from_secs(1)).await;
        }
        assert!(has_let_go.load(Ordering::SeqCst));
        let n_seconds = api.now().duration_since(started).as_secs();
        assert!(if is_silent { (180..190).contains(&n_seconds) } else { n_seconds < 5 }, "{n_seconds}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_is_refused_before_the_upgrade() {
    let runs = api(Arc::new(Processes::default())).await;
    let lost = api(Arc::new(Processes { is_down: true, ..Default::default() })).await;
    let refused = "error dialing backend: dial tcp 10.0.0.7:10250: connect: connection refused";
    let runs_nothing = api(Arc::new(NoStreams::because("it runs nothing"))).await;
    for (api, path, protocol, code, expected) in [
        (
            &runs,
            "p/exec?command=cat&stdout=true",
            V5,
            400,
            "a container name must be specified for pod p, choose one of: [a b]",
        ),
        (&runs, "p/exec?command=cat&container=x&stdout=true", V5, 400, "container x is not valid for pod p"),
        (&runs, "p/exec?command=cat&container=b&stdout=true", V5, 400, "container not found (\"b\")"),
        (&runs, "p/exec?container=a&stdout=true", V5, 400, "you must specify the command to run"),
        (
            &runs,
            "p/exec?command=cat&container=a",
            V5,
            400,
            "you must specify at least 1 of stdin, stdout, stderr",
        ),
        (
            &runs,
            "p/exec?command=cat&container=a&stdout=true",
            "base64.channel.k8s.io",
            400,
            "v4.channel.k8s.io",
        ),
        (&runs, "unscheduled/attach?stdout=true", V5, 400, "pod unscheduled does not have a host assigned"),
        (&runs, "q/attach?stdout=true", V5, 404, "pods \"q\" not found"),
        (&lost, "p/exec?command=cat&container=a&stdout=true", V5, 500, refused),
        (&lost, "p/attach?container=a&stdout=true", V5, 500, refused),
        (&lost, "p/portforward", "SPDY/3.1+portforward.k8s.io", 500, refused),
        (&lost, "p/exec?command=cat&container=x&stdout=true", V5, 400, "container x is not valid for pod p"),
        (
            &runs_nothing,
            "p/exec?command=cat&container=a&stdout=true",
            V5,
            400,
            "cannot run commands in pod default/p: it runs nothing",
        ),
        (
            &runs_nothing,
            "p/attach?container=a&stdout=true",
            V5,
            400,
            "cannot attach to pod default/p: it runs nothing",
        ),
        (
            &runs_nothing,
            "p/portforward",
            "SPDY/3.1+portforward.k8s.io",
            400,
            "cannot forward ports to pod default/p: it runs nothing",
        ),
    ] {
        let (found, status) = connect(api, path, protocol).await.err().unwrap();
        let message = status["message"].as_str().unwrap();
        assert!(found == code && message.contains(expected), "{path}: {found} {status}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_request_that_asks_for_no_upgrade_or_an_unknown_one_is_refused() {
    let runs = api(Arc::new(Processes::default())).await;
    let exec = "/api/v1/namespaces/default/pods/p/exec?command=cat&container=a&stdout=true";
    for method in ["GET", "POST"] {
        let (code, status) = ask(&runs, method, exec, &Value::Null).await;
        assert_eq!((code, &status["reason"]), (400, &json!("BadRequest")), "{method}");
        assert!(status["message"].as_str().unwrap().contains("WebSocket"), "{status}");
    }
    assert_eq!(ask(&runs, "DELETE", exec, &Value::Null).await.0, 405);
    let unknown = [("upgrade", "SPDY/3.1"), ("x-stream-protocol-version", "v9.channel.k8s.io")];
    let (code, status) = read(send(&runs, "POST", exec, &unknown, "").await).await;
    let message = status["message"].as_str().unwrap();
    assert!(
        code == 403
            && message.contains("client supports [v9.channel.k8s.io], server accepts [v5.channel.k8s.io"),
        "{status}"
    );
}
