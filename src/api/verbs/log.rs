//! The log of a simulated pod: the events of its life, one line each.
//!
//! A container that runs nothing writes nothing; what is known of it is what happened to its pod.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;

use axum::body::Body;
use bytes::Bytes;
use futures_util::stream;
use k8s_openapi::api::core::v1::{Event, Pod};

use super::{Api, Call, Reply, list};
use crate::api::answer::status::Failure;
use crate::api::request::query::Query;
use crate::clock::Timestamp;
use crate::objects::{Kind, Object};
use crate::store::{Change, Interest, Watch};

/// Tells the events of the pod at the place, and with `follow` those to come.
pub(crate) fn log(api: &Arc<Api>, call: &Call) -> Result<Reply, Failure> {
    let pod = list::find(&api.store, &call.place)?;
    check_container(&pod, call.query.get("container"))?;
    if call.query.is_set("previous") {
        let container = call.query.get("container").unwrap_or_default();
        return Err(Failure::bad_request(format!(
            "previous terminated container \"{container}\" in pod \"{}\" not found",
            pod.name()
        )));
    }
    let wanted = Wanted::parse(api, &call.query, pod.uid())?;
    let listing = api.store.list(Kind::Event, Some(pod.namespace()));
    // Within a second the names tell the order: they end in the nanosecond of the first event.
    let mut lines: Vec<(Timestamp, &str, String)> = listing
        .objects
        .iter()
        .filter_map(|event| wanted.line(event).map(|(at, line)| (at, event.name(), line)))
        .collect();
    lines.sort();
    let skipped = wanted.tail.map_or(0, |tail| lines.len().saturating_sub(tail));
    let text: String = lines.into_iter().skip(skipped).map(|(_, _, line)| line).collect();
    if !call.query.is_set("follow") || is_over(&pod) {
        return Ok(Reply::text(text));
    }
    let permit = api
        .watches
        .clone()
        .try_acquire_owned()
        .map_err(|_| Failure::too_many("too many watches are open; close some and try again"))?;
    let interest =
        Interest { kinds: vec![Kind::Event, Kind::Pod], namespace: Some(pod.namespace().to_owned()) };
    let follow = Follow {
        watch: api.store.watch(interest, listing.revision),
        ready: VecDeque::from([text]),
        is_over: false,
        wanted,
        api: api.clone(),
    };
    let chunks = stream::unfold((follow, permit), |(mut follow, permit)| async move {
        let chunk = follow.next().await?;
        Some((Ok::<Bytes, Infallible>(chunk.into()), (follow, permit)))
    });
    Ok(Reply::text(Body::from_stream(chunks)))
}

fn check_container(pod: &Object, container: Option<&str>) -> Result<(), Failure> {
    let Some(container) = container else { return Ok(()) };
    let spec = pod.get::<Pod>().and_then(|pod| pod.spec.as_ref());
    let is_known = spec.is_some_and(|spec| {
        let first = spec.init_containers.iter().flatten();
        first.chain(&spec.containers).any(|known| known.name == container)
    });
    if is_known {
        return Ok(());
    }
    Err(Failure::bad_request(format!("container {container} is not valid for pod {}", pod.name())))
}

fn is_over(pod: &Object) -> bool {
    let phase = pod.get::<Pod>().and_then(|pod| pod.status.as_ref()?.phase.as_deref());
    matches!(phase, Some("Succeeded" | "Failed"))
}

/// Which lines are wanted, and in which form.
struct Wanted {
    uid: String,
    since: Option<Timestamp>,
    tail: Option<usize>,
    has_timestamps: bool,
}

impl Wanted {
    fn parse(api: &Api, query: &Query, uid: &str) -> Result<Self, Failure> {
        let since_s = query.number("sinceSeconds")?;
        let since_time = query
            .get("sinceTime")
            .map(str::parse::<Timestamp>)
            .transpose()
            .map_err(|error| Failure::bad_request(format!("sinceTime: {error}")))?;
        let since =
            since_s.map(|since_s| api.now() - std::time::Duration::from_secs(since_s.min(u32::MAX.into())));
        let tail = match query.get("tailLines") {
            Some("-1") => None,
            _ => query.number("tailLines")?.map(|tail| usize::try_from(tail).unwrap_or(usize::MAX)),
        };
        Ok(Self {
            uid: uid.to_owned(),
            since: since.or(since_time),
            tail,
            has_timestamps: query.is_set("timestamps"),
        })
    }

    /// When an event happened, and its line; `None` if it is not of this log.
    fn line(&self, object: &Object) -> Option<(Timestamp, String)> {
        let event = object.get::<Event>()?;
        if event.involved_object.uid.as_deref() != Some(&self.uid) {
            return None;
        }
        let last = event.last_timestamp.as_ref().map(|time| time.0);
        let created = object.meta().creation_timestamp.as_ref().map(|time| time.0);
        let at = last.or(created)?;
        if self.since.is_some_and(|since| at < since) {
            return None;
        }
        let prefix = if self.has_timestamps { format!("{at} ") } else { String::new() };
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        Some((
            at,
            format!("{prefix}{} {}: {}\n", text(&event.type_), text(&event.reason), text(&event.message)),
        ))
    }
}

/// A log that is read on.
struct Follow {
    watch: Watch,
    ready: VecDeque<String>,
    is_over: bool,
    wanted: Wanted,
    api: Arc<Api>,
}

impl Follow {
    async fn next(&mut self) -> Option<String> {
        loop {
            while let Some(chunk) = self.ready.pop_front() {
                if !chunk.is_empty() {
                    return Some(chunk);
                }
            }
            if self.is_over {
                return None;
            }
            let events = tokio::select! {
                events = self.watch.next() => events.ok()?,
                () = self.api.stop.cancelled() => return None,
            };
            for event in events {
                if event.object.kind() == Kind::Event && event.change != Change::Deleted {
                    self.ready.extend(self.wanted.line(&event.object).map(|(_, line)| line));
                } else if event.object.uid() == self.wanted.uid {
                    self.is_over |= event.change == Change::Deleted || is_over(&event.object);
                }
            }
        }
    }
}
