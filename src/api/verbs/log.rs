//! The log of a container: the lines that its node has, in the form that is asked for.
//!
//! Which lines there are, and when a log that is followed ends, is the node's to say; options,
//! refusals and the choice of the container are as for any log.

mod options;

use std::convert::Infallible;
use std::sync::Arc;

use axum::body::Body;
use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream::{self, ReadyChunks};
use k8s_openapi::api::core::v1::Pod;

use super::watches::OpenWatch;
use super::{Api, Call, Reply, container, list};
use crate::api::answer::status::Failure;
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
