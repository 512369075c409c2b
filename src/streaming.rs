//! What passes between a container and its users: log lines, the pipes of a process, the
//! connection to a port.
//!
//! ```text
//!   kubectl ─► api ─► ContainerStreams ─► node ─► a runtime
//! ```
//!
//! The API asks for these through [`ContainerStreams`] and knows no runtime; the node answers and
//! knows no HTTP. Whoever drops a [`Session`] ends what runs in it.

use std::net::SocketAddr;
use std::pin::Pin;

use async_trait::async_trait;
use futures_util::Stream;
use k8s_openapi::api::core::v1::Pod;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::watch;

use crate::clock::Timestamp;

/// The source of logs of, and streams into, the containers of pods.
#[async_trait]
pub trait ContainerStreams: Send + Sync + 'static {
    /// Why no stream into this pod can be opened at all, in words that continue "cannot run
    /// commands in pod default/web-0: ". Asked before anything else.
    fn refuses(&self, pod: &Pod) -> Option<String>;

    /// Where the node of this pod would be asked, if nobody answers there any more: then nothing else
    /// is asked of it.
    fn unreachable(&self, _: &Pod) -> Option<SocketAddr> {
        None
    }

    /// Runs a command in a running container. The error is shown to the client.
    async fn exec(
        &self,
        pod: &Pod,
        container: &str,
        command: &[String],
        wanted: Wanted,
    ) -> Result<Session, String>;

    /// Attaches to the main process of a running container. The error is shown to the client.
    async fn attach(&self, pod: &Pod, container: &str, wanted: Wanted) -> Result<Session, String>;

    /// Connects to a port of a running pod. The error is shown to the client.
    async fn connect(&self, pod: &Pod, port: u16) -> Result<PortStream, String>;

    /// Reads the log of a container. The error is shown to the client.
    async fn log(&self, pod: &Pod, container: &str, query: LogQuery) -> Result<LogStream, String>;
}

/// Octets both ways; shutting down the writing half tells the port that there will be no more, and
/// dropping it ends the connection.
pub trait Duplex: AsyncRead + AsyncWrite + Send {}

impl<T: AsyncRead + AsyncWrite + Send> Duplex for T {}

/// A connection to a port of a pod.
pub type PortStream = Pin<Box<dyn Duplex>>;

/// Which streams of a process are wanted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Standard input.
    pub stdin: bool,
    /// Standard output.
    pub stdout: bool,
    /// Standard error; a terminal's is part of standard output.
    pub stderr: bool,
    /// Whether the process has a terminal.
    pub tty: bool,
}

/// A process with its pipes.
pub struct Session {
    /// Where its input goes; dropped at the end of the input.
    pub stdin: Option<Pin<Box<dyn AsyncWrite + Send>>>,
    /// Its standard output, until it ends.
    pub stdout: Option<Pin<Box<dyn AsyncRead + Send>>>,
    /// Its standard error, until it ends.
    pub stderr: Option<Pin<Box<dyn AsyncRead + Send>>>,
    /// Takes the size of the client's terminal; only the last one counts.
    pub size: Option<watch::Sender<TerminalSize>>,
    /// How the process ended, once it has.
    pub exit: Pin<Box<dyn Future<Output = Exit> + Send>>,
}

/// The size of a terminal, in characters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TerminalSize {
    /// Columns.
    pub width: u16,
    /// Lines.
    pub height: u16,
}

/// The end of a process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Exit {
    /// It ended with this code; zero is success.
    Code(i32),
    /// It is not known how, or it could not be followed to its end.
    Failed(String),
}

/// Which lines of a log are wanted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LogQuery {
    /// Those of the run before the last restart.
    pub is_previous: bool,
    /// Those still to come too, until the run ends.
    pub is_followed: bool,
    /// None before this instant.
    pub since: Option<Timestamp>,
    /// Of those that are there, at most this many of the last.
    pub n_lines_max: Option<usize>,
}

/// One line of a log, without its end.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct LogLine {
    /// When it was written.
    pub at: Timestamp,
    /// What was written.
    pub text: String,
}

/// The lines of a log, the oldest first.
pub type LogStream = Pin<Box<dyn Stream<Item = LogLine> + Send>>;
