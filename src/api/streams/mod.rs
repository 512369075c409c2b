//! Streams into containers: the seam between HTTP and whatever runs pods.
//!
//! ```text
//!   kubectl ─► WebSocket ─► messages (channel) ─► carry ─► Session ◄─ pipes ─► a runtime
//!                 └► tunnel ─► frames (spdy) ─► forward ─► PortStream ◄─ octets ─► a port of a pod
//! ```
//!
//! The API knows nothing of runtimes. It asks a [`ContainerStreams`], which the application wires,
//! and gets pipes. A runtime that runs nothing refuses before the connection is upgraded, so that
//! a client reads an ordinary Status. Whoever drops a [`Session`] lets go of what runs in it.

pub(crate) mod carry;
pub(crate) mod channel;
pub(crate) mod forward;
pub(crate) mod remote;
pub(crate) mod spdy;
pub(crate) mod tunnel;

use std::pin::Pin;

use async_trait::async_trait;
use k8s_openapi::api::core::v1::Pod;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::watch;

/// What gives streams into the containers of pods.
#[async_trait]
pub trait ContainerStreams: Send + Sync + 'static {
    /// Why this pod cannot be talked to at all, in a sentence that goes on after "cannot run
    /// commands in pod default/web-0: ". Asked before anything else.
    fn refuses(&self, pod: &Pod) -> Option<String>;

    /// Runs a command in a running container. The error is told to whoever asked.
    async fn exec(
        &self,
        pod: &Pod,
        container: &str,
        command: &[String],
        wanted: Wanted,
    ) -> Result<Session, String>;

    /// Attaches to the process that a running container is. The error is told to whoever asked.
    async fn attach(&self, pod: &Pod, container: &str, wanted: Wanted) -> Result<Session, String>;

    /// Connects to a port of a running pod. The error is told to whoever asked.
    async fn connect(&self, pod: &Pod, port: u16) -> Result<PortStream, String>;
}

/// Octets both ways; shutting down its writing half tells the port that there will be no more, and
/// dropping it ends the connection.
pub trait Duplex: AsyncRead + AsyncWrite + Send {}

impl<T: AsyncRead + AsyncWrite + Send> Duplex for T {}

/// A connection to a port of a pod.
pub type PortStream = Pin<Box<dyn Duplex>>;

/// Which streams somebody wants.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Standard input.
    pub stdin: bool,
    /// Standard output.
    pub stdout: bool,
    /// Standard error; of a terminal it is part of standard output.
    pub stderr: bool,
    /// Whether the process has a terminal.
    pub tty: bool,
}

/// A process with its pipes.
pub struct Session {
    /// Where its input goes; dropped at the end of the input.
    pub stdin: Option<Pin<Box<dyn AsyncWrite + Send>>>,
    /// Its output, until the end of it.
    pub stdout: Option<Pin<Box<dyn AsyncRead + Send>>>,
    /// Its errors, until the end of them.
    pub stderr: Option<Pin<Box<dyn AsyncRead + Send>>>,
    /// Where the size of the client's terminal is told; only the last one counts.
    pub size: Option<watch::Sender<TerminalSize>>,
    /// How it ended, once it has.
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

/// For pods that run nothing: every stream is refused, always for the same reason.
pub struct NoStreams {
    reason: &'static str,
}

impl NoStreams {
    /// `reason` says why, and what to do instead.
    pub fn because(reason: &'static str) -> Self {
        Self { reason }
    }
}

#[async_trait]
impl ContainerStreams for NoStreams {
    fn refuses(&self, _: &Pod) -> Option<String> {
        Some(self.reason.to_owned())
    }

    async fn exec(&self, _: &Pod, _: &str, _: &[String], _: Wanted) -> Result<Session, String> {
        Err(self.reason.to_owned())
    }

    async fn attach(&self, _: &Pod, _: &str, _: Wanted) -> Result<Session, String> {
        Err(self.reason.to_owned())
    }

    async fn connect(&self, _: &Pod, _: u16) -> Result<PortStream, String> {
        Err(self.reason.to_owned())
    }
}
