//! The log of a container: the lines that its node has, in the form that is asked for.
//!
//! Which lines there are, and when a log that is followed ends, is the node's to say; options,
//! refusals and the choice of the container are as for any log.

mod options;

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::body::Body;
use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream::{self, ReadyChunks};
use k8s_openapi::api::core::v1::Pod;

use super::watches::OpenWatch;
use super::{Api, Call, Reply, container, list};
use crate::api::answer::status::Failure;
use crate::api::request::query::Query;
use crate::objects::Object;
use crate::streaming::LogStream;
use options::LogOptions;

/// How many lines are sent at once if they are there.
const CHUNK_LINES_MAX: usize = 256;

/// The log of the container that is asked for, and with `follow` what is still to come.
pub(crate) async fn log(api: &Arc<Api>, call: &Call) -> Result<Reply, Failure> {
    let object = list::find(&api.store, &call.path)?;
    let pod = object.get::<Pod>().ok_or_else(Failure::unknown_path)?;
    let options = options::parse(&call.query, object.name(), api.now())?;
    let container = container::choose(pod, call.query.get("container"))?;
    if let Some(at) = api.streams.unreachable(pod) {
        return Err(Failure::unreachable(&request_to_node(&object, container, &call.query, at), at));
    }
    let lines = api.streams.log(pod, container, options.query).await.map_err(Failure::bad_request)?;
    let is_followed = options.query.is_followed;
    let permit = is_followed.then(|| api.watches.open(Some(object.namespace()))).transpose()?;
    let log = Log { lines: lines.ready_chunks(CHUNK_LINES_MAX), options, api: api.clone(), _permit: permit };
    let chunks = stream::unfold(log, |mut log| async move {
        let chunk = log.next().await?;
        Some((Ok::<Bytes, Infallible>(chunk.into()), log))
    });
    Ok(Reply::text(Body::from_stream(chunks)))
}

/// The request that a node is sent for a log, as Go's HTTP client begins its errors.
fn request_to_node(pod: &Object, container: &str, query: &Query, at: SocketAddr) -> String {
    let mut url = format!("https://{at}/containerLogs/{}/{}/{container}", pod.namespace(), pod.name());
    let options = options::NAMES.iter().filter_map(|name| Some((name, query.get(name)?)));
    let options = options.map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("&");
    if !options.is_empty() {
        url = format!("{url}?{options}");
    }
    format!("Get \"{url}\"")
}

/// A log that is being sent.
struct Log {
    lines: ReadyChunks<LogStream>,
    options: LogOptions,
    api: Arc<Api>,
    _permit: Option<OpenWatch>,
}

impl Log {
    async fn next(&mut self) -> Option<String> {
        if self.options.n_octets_max == Some(0) {
            return None;
        }
        let lines = tokio::select! {
            lines = self.lines.next() => lines?,
            () = self.api.stop.cancelled() => return None,
        };
        let (text, n_octets_left) = self.options.text_of(lines);
        self.options.n_octets_max = n_octets_left;
        Some(text)
    }
}

#[cfg(test)]
mod tests;
