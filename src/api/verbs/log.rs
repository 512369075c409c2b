//! The log of a container: the events of its life, one line each.
//!
//! A simulated container writes nothing; what is known of it is what happened to its pod. Options,
//! the choice of the container and refusals are as for any log: `previous` is the run before the
//! last restart, and a log that is followed ends with the run it belongs to.

mod life;
mod options;

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;

use axum::body::Body;
use bytes::Bytes;
use futures_util::stream;
use k8s_openapi::api::core::v1::{ContainerStatus, Pod};

use super::watches::OpenWatch;
use super::{Api, Call, Reply, container, list};
use crate::api::answer::status::Failure;
use crate::objects::{Kind, Object};
use crate::store::{Change, Interest, Watch};
use life::Line;
use options::LogOptions;

/// Tells the life of the container that is asked for, and with `follow` what is still to come.
pub(crate) fn log(api: &Arc<Api>, call: &Call) -> Result<Reply, Failure> {
    let object = list::find(&api.store, &call.path)?;
    let pod = object.get::<Pod>().ok_or_else(Failure::unknown_path)?;
    let options = options::parse(&call.query, object.name(), api.now())?;
    let container = container::choose(pod, call.query.get("container"))?;
    let status = container::status_of(pod, container);
    if options.is_previous {
        let lines = life::previous(object.name(), container, status)?;
        return Ok(Reply::text(options.text_of(lines).0));
    }
    check_started(object.name(), container, status)?;
    let listing = api.store.list(Kind::Event, Some(object.namespace()));
    let (text, n_octets_left) = options.text_of(life::lines(&listing.objects, object.uid()));
    if !options.is_followed || is_over(pod, container, status) {
        return Ok(Reply::text(text));
    }
    let permit = api.watches.open(Some(object.namespace()))?;
    let interest =
        Interest { kinds: vec![Kind::Event, Kind::Pod], namespace: Some(object.namespace().to_owned()) };
    let follow = Follow {
        watch: api.store.watch(interest, listing.revision),
        ready: VecDeque::from([text]),
        is_over: false,
        options: LogOptions { n_octets_max: n_octets_left, n_lines_max: None, ..options },
        container: container.to_owned(),
        n_restarts: status.map(|status| status.restart_count),
        pod_uid: object.uid().to_owned(),
        api: api.clone(),
        _permit: permit,
    };
    let chunks = stream::unfold(follow, |mut follow| async move {
        let chunk = follow.next().await?;
        Some((Ok::<Bytes, Infallible>(chunk.into()), follow))
    });
    Ok(Reply::text(Body::from_stream(chunks)))
}

/// A container that has never run has no log yet.
fn check_started(pod: &str, container: &str, status: Option<&ContainerStatus>) -> Result<(), Failure> {
    let waiting = status.and_then(|status| status.state.as_ref()?.waiting.as_ref());
    let has_run = status.is_some_and(|status| life::last_run(status).is_some());
    let Some(waiting) = waiting.filter(|_| !has_run) else { return Ok(()) };
    let reason = waiting.reason.as_deref().unwrap_or_default();
    Err(Failure::bad_request(format!(
        "container \"{container}\" in pod \"{pod}\" is waiting to start: {reason}"
    )))
}

/// Whether the run whose log it is has ended.
fn is_over(pod: &Pod, container: &str, status: Option<&ContainerStatus>) -> bool {
    let phase = pod.status.as_ref().and_then(|status| status.phase.as_deref());
    let status = container::status_of(pod, container).or(status);
    let state = status.and_then(|status| status.state.as_ref());
    matches!(phase, Some("Succeeded" | "Failed")) || state.is_some_and(|state| state.terminated.is_some())
}

/// A log that is read on.
struct Follow {
    watch: Watch,
    ready: VecDeque<String>,
    is_over: bool,
    options: LogOptions,
    container: String,
    n_restarts: Option<i32>,
    pod_uid: String,
    api: Arc<Api>,
    _permit: OpenWatch,
}

impl Follow {
    async fn next(&mut self) -> Option<String> {
        loop {
            while let Some(chunk) = self.ready.pop_front() {
                if !chunk.is_empty() {
                    return Some(chunk);
                }
            }
            if self.is_over || self.options.n_octets_max == Some(0) {
                return None;
            }
            let events = tokio::select! {
                events = self.watch.next() => events.ok()?,
                () = self.api.stop.cancelled() => return None,
            };
            for event in events {
                if event.object.kind() == Kind::Event && event.change != Change::Deleted {
                    self.tell(Line::of(&event.object, &self.pod_uid));
                } else if event.object.uid() == self.pod_uid {
                    self.is_over |= event.change == Change::Deleted || self.has_ended(&event.object);
                }
            }
        }
    }

    fn tell(&mut self, line: Option<Line>) {
        let (text, n_octets_left) = self.options.text_of(line.into_iter().collect());
        self.options.n_octets_max = n_octets_left;
        self.ready.push_back(text);
    }

    fn has_ended(&self, object: &Object) -> bool {
        let Some(pod) = object.get::<Pod>() else { return false };
        let status = container::status_of(pod, &self.container);
        let n_restarts = status.map(|status| status.restart_count);
        let is_another_run = self.n_restarts.is_some() && n_restarts != self.n_restarts;
        is_another_run || is_over(pod, &self.container, status)
    }
}

#[cfg(test)]
mod tests;
