//! Carries connections to ports of a pod: a pair of streams for each, one for data and one for
//! errors.
//!
//! ```text
//!   kubectl ─► streams (port, requestid, streamtype) ─► Pairs ─► Pair ◄─ octets ─► a port of the pod
//! ```

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::api::core::v1::Pod;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::oneshot;

use super::spdy::connection::{Accept, Opened, Output, Served};
use crate::clock::Clock;
use crate::streaming::{ContainerStreams, PortStream};

/// The name of the protocol.
pub(crate) const PROTOCOL: &str = "portforward.k8s.io";
/// The WebSocket subprotocol that tunnels it as SPDY.
pub(crate) const TUNNEL: &str = "SPDY/3.1+portforward.k8s.io";

/// How long a stream waits for the other of its pair; the kubelet's value.
const PAIR_PATIENCE: Duration = Duration::from_secs(30);
/// How much is read from a port at once.
const CHUNK_OCTETS: usize = 32 * 1024;

/// Forwards the ports of one pod.
pub(crate) struct Forwarder {
    pub(crate) streams: Arc<dyn ContainerStreams>,
    pub(crate) pod: Pod,
    pub(crate) clock: Clock,
}

/// Serves the streams of a connection.
pub(crate) fn accept(forwarder: Forwarder) -> Accept {
    let forwarder = Arc::new(forwarder);
    let mut waiting: HashMap<String, (bool, oneshot::Sender<Opened>)> = HashMap::new();
    Box::new(move |stream| {
        let about = About::of(&stream)?;
        waiting.retain(|_, (_, other)| !other.is_closed());
        if let Some((is_error, _)) = waiting.get(&about.request) {
            if *is_error == about.is_error {
                return None;
            }
            let (_, other) = waiting.remove(&about.request)?;
            // The one that waited serves both; if it has just given up, neither is served.
            return other.send(stream).ok().map(|()| Box::pin(async {}) as Served);
        }
        let (sender, partner) = oneshot::channel();
        waiting.insert(about.request.clone(), (about.is_error, sender));
        let forwarder = forwarder.clone();
        Some(Box::pin(async move {
            let is_reset = stream.is_reset.clone();
            tokio::select! {
                partner = partner => if let Ok(partner) = partner { forwarder.serve(about, stream, partner).await },
                () = forwarder.clock.sleep(PAIR_PATIENCE) => give_up(about, stream).await,
                () = is_reset.cancelled() => {}
            }
        }))
    })
}

/// What the headers of a stream say.
#[derive(Clone, Debug, PartialEq, Eq)]
struct About {
    port: u16,
    request: String,
    is_error: bool,
}

impl About {
    /// `None` if the stream belongs to no pair.
    fn of(stream: &Opened) -> Option<Self> {
        let port = stream.headers.get("port")?.parse().ok().filter(|port| *port > 0)?;
        let is_error = match stream.headers.get("streamtype")?.as_str() {
            "error" => true,
            "data" => false,
            _ => return None,
        };
        let request = match stream.headers.get("requestid") {
            Some(request) => request.clone(),
            // Old clients send no request id; they open the error stream first, then the data stream.
            None => if is_error { stream.id } else { stream.id.wrapping_sub(2) }.to_string(),
        };
        Some(Self { port, request, is_error })
    }
}

async fn give_up(about: About, stream: Opened) {
    if about.is_error {
        let reason = format!("timed out waiting for the data stream of request {}", about.request);
        // The client may be gone.
        let _ = stream.output.send(reason.as_bytes()).await;
    }
    stream.output.finish().await;
}

impl Forwarder {
    async fn serve(&self, about: About, first: Opened, second: Opened) {
        let (errors, data) = if about.is_error { (first, second) } else { (second, first) };
        let is_reset = data.is_reset.clone();
        let connected = tokio::select! {
            connected = self.streams.connect(&self.pod, about.port) => connected,
            () = is_reset.cancelled() => return errors.output.finish().await,
        };
        let data = match connected {
            Ok(port) => {
                tokio::select! {
                    data = carry(port, data) => data,
                    () = is_reset.cancelled() => return errors.output.finish().await,
                }
            }
            Err(reason) => {
                // The client may be gone.
                let _ = errors.output.send(self.refusal(about.port, &reason).as_bytes()).await;
                data.output
            }
        };
        errors.output.finish().await;
        data.finish().await;
    }

    /// In a kubelet's words.
    fn refusal(&self, port: u16, reason: &str) -> String {
        let name = self.pod.metadata.name.as_deref().unwrap_or_default();
        let uid = self.pod.metadata.uid.as_deref().unwrap_or_default();
        format!("error forwarding port {port} to pod {name}, uid {uid}: {reason}")
    }
}

/// Copies octets both ways until the port closes its end or fails. What the client sends after that
/// is dropped; kubectl resets the stream then, too.
async fn carry(port: PortStream, data: Opened) -> Output {
    let (mut from_port, mut to_port) = tokio::io::split(port);
    let mut input = data.input;
    let said = async {
        // A port that reads no more may still send.
        if tokio::io::copy(&mut input, &mut to_port).await.is_ok() {
            let _ = to_port.shutdown().await;
        }
        std::future::pending::<()>().await;
    };
    let heard = async {
        let mut chunk = vec![0; CHUNK_OCTETS];
        while let Ok(length) = from_port.read(&mut chunk).await
            && length > 0
            && data.output.send(&chunk[..length]).await.is_ok()
        {}
    };
    tokio::select! {
        () = said => {}
        () = heard => {}
    }
    data.output
}

#[cfg(test)]
mod tests;
