//! The events of a pod as a stream of lines, which may be followed to the end of the run.

use std::collections::VecDeque;

use futures_util::stream;
use k8s_openapi::api::core::v1::Pod;

use super::events::{line, lines};
use super::status::{has_ended, previous};
use crate::objects::{Kind, Object, pod};
use crate::store::{Change, Interest, Store, Watch};
use crate::streaming::{LogLine, LogQuery, LogStream};

/// The log of a container that writes none.
pub(in crate::node) fn of_events(store: &Store, pod: &Pod, container: &str, query: LogQuery) -> LogStream {
    if query.is_previous {
        return Box::pin(stream::iter(selected(previous(pod, container), query)));
    }
    let namespace = pod.metadata.namespace.as_deref().unwrap_or_default();
    let uid = pod.metadata.uid.clone().unwrap_or_default();
    let listing = store.list(Kind::Event, Some(namespace));
    let ready = selected(lines(&listing.objects, &uid), query);
    if !query.is_followed || has_ended(pod, container) {
        return Box::pin(stream::iter(ready));
    }
    let interest = Interest { kinds: vec![Kind::Event, Kind::Pod], namespace: Some(namespace.to_owned()) };
    let follow = Follow {
        watch: store.watch(interest, listing.revision),
        ready: ready.into(),
        is_over: false,
        query,
        n_restarts: pod::container_status(pod, container).map(|status| status.restart_count),
        container: container.to_owned(),
        uid,
    };
    Box::pin(stream::unfold(follow, |mut follow| async move { Some((follow.next().await?, follow)) }))
}

/// The lines that are wanted.
fn selected(mut lines: Vec<LogLine>, query: LogQuery) -> Vec<LogLine> {
    lines.retain(|line| is_wanted(line, query));
    let n_skipped = query.n_lines_max.map_or(0, |n_lines_max| lines.len().saturating_sub(n_lines_max));
    lines.split_off(n_skipped)
}

fn is_wanted(line: &LogLine, query: LogQuery) -> bool {
    query.since.is_none_or(|since| line.at >= since)
}

/// A log that is followed.
struct Follow {
    watch: Watch,
    ready: VecDeque<LogLine>,
    is_over: bool,
    query: LogQuery,
    n_restarts: Option<i32>,
    container: String,
    uid: String,
}

impl Follow {
    async fn next(&mut self) -> Option<LogLine> {
        loop {
            if let Some(line) = self.ready.pop_front() {
                return Some(line);
            }
            if self.is_over {
                return None;
            }
            for event in self.watch.next().await.ok()? {
                if event.object.kind() == Kind::Event && event.change != Change::Deleted {
                    let line = line(&event.object, &self.uid);
                    self.ready.extend(line.filter(|line| is_wanted(line, self.query)));
                } else if event.object.uid() == self.uid {
                    self.is_over |= event.change == Change::Deleted || self.has_ended(&event.object);
                }
            }
        }
    }

    fn has_ended(&self, object: &Object) -> bool {
        let Some(pod) = object.get::<Pod>() else { return false };
        let n_restarts = pod::container_status(pod, &self.container).map(|status| status.restart_count);
        let is_another_run = self.n_restarts.is_some() && n_restarts != self.n_restarts;
        is_another_run || has_ended(pod, &self.container)
    }
}
