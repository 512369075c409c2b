//! watch: events as lines of JSON.
//!
//! ```text
//!   Initial(objects) ─► Live ─► Ended
//!                        └ a minute without events: bookmark (if asked for)
//! ```
//!
//! The first event after a pause is sent at once; events in quick succession are sent together, those
//! of a few milliseconds in one write.
//!
//! A watch is a cursor into the history of the store and has no queue, so a slow client costs nothing;
//! when the history has moved past it, it gets 410 in the stream.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use futures_util::stream;
use serde_json::Value;

use super::watches::OpenWatch;
use super::{Api, Call, Reply};
use crate::api::answer::rendering::Rendering;
use crate::api::answer::status::Failure;
use crate::api::request::filter::Filter;
use crate::api::request::options::{self, WatchFrom, WatchOptions};
use crate::clock::{Timestamp, until};
use crate::objects::{Object, Revision};
use crate::store::{Change, Event, Interest, StoreError, Watch};

/// The interval of bookmarks.
const BOOKMARK_INTERVAL: Duration = Duration::from_secs(60);
/// How long before its end a watch sends the last bookmark.
const LAST_BOOKMARK: Duration = Duration::from_secs(2);
/// The minimum time between two chunks, so that many events cost a watcher one write to its socket
/// and not one each.
const GATHER: Duration = Duration::from_millis(5);
/// The size of a chunk: that of a TLS record.
const CHUNK_BYTES: usize = 16 * 1024;

/// Opens a watch.
pub(crate) fn watch(api: &Arc<Api>, call: &Call) -> Result<Reply, Failure> {
    let filter = Filter::parse(call.path.resource, &call.query)?;
    let options = options::watch(&call.query)?;
    let permit = api.watches.open(call.path.namespace.as_deref())?;
    let stream = Stream::open(api, call, filter, options, permit)?;
    let frames = stream::unfold(stream, |mut stream| async move {
        let chunk = stream.next().await?;
        Some((Ok::<Bytes, Infallible>(chunk), stream))
    });
    Ok(Reply::ok(Body::from_stream(frames)))
}

/// An open watch.
struct Stream {
    api: Arc<Api>,
    filter: Filter,
    rendering: Rendering,
    state: State,
    watch: Watch,
    has_bookmarks: bool,
    next_bookmark: Timestamp,
    /// Until then nothing more is sent.
    gathers_until: Timestamp,
    ends: Timestamp,
    _permit: OpenWatch,
}

enum State {
    /// The initial objects that are not sent yet.
    Initial {
        objects: VecDeque<Object>,
        marks_end: bool,
    },
    /// Events that are read and not sent yet.
    Live(VecDeque<Event>),
    Ended,
}

impl Stream {
    fn open(
        api: &Arc<Api>,
        call: &Call,
        filter: Filter,
        options: WatchOptions,
        permit: OpenWatch,
    ) -> Result<Self, Failure> {
        let (kind, namespace) = (call.path.resource.kind, call.path.namespace.clone());
        let (state, from) = match options.from {
            WatchFrom::Initial { not_before, marks_end } => {
                let listing = api.store.list(kind, namespace.as_deref());
                if listing.revision < not_before {
                    return Err(Failure::too_large_revision(not_before, listing.revision));
                }
                let mut objects = VecDeque::from(listing.objects);
                objects.retain(|object| filter.matches(object));
                (State::Initial { objects, marks_end }, listing.revision)
            }
            WatchFrom::After(from) => {
                let from = from.unwrap_or_else(|| api.store.revision());
                (State::Live(VecDeque::new()), from)
            }
        };
        let now = api.now();
        Ok(Self {
            watch: api.store.watch(Interest { kinds: vec![kind], namespace }, from),
            rendering: call.rendering,
            filter,
            state,
            has_bookmarks: options.has_bookmarks,
            next_bookmark: (now + BOOKMARK_INTERVAL).min(now + options.timeout.saturating_sub(LAST_BOOKMARK)),
            gathers_until: now,
            ends: now + options.timeout,
            _permit: permit,
            api: api.clone(),
        })
    }

    /// The next lines; `None` at the end.
    async fn next(&mut self) -> Option<Bytes> {
        loop {
            let mut chunk = String::new();
            match &mut self.state {
                State::Initial { .. } => self.drain_initial(&mut chunk),
                State::Live(events) if !events.is_empty() => self.drain_events(&mut chunk),
                State::Live(_) => self.wait(&mut chunk).await,
                State::Ended => return None,
            }
            if !chunk.is_empty() {
                return Some(chunk.into());
            }
        }
    }

    fn drain_initial(&mut self, chunk: &mut String) {
        let State::Initial { objects, marks_end } = &mut self.state else { return };
        let now = self.api.now();
        while chunk.len() < CHUNK_BYTES {
            let Some(object) = objects.pop_front() else {
                if *marks_end {
                    let bookmark = self.rendering.bookmark(self.watch.seen(), true);
                    push(chunk, "BOOKMARK", bookmark.to_string().as_bytes());
                }
                self.state = State::Live(VecDeque::new());
                return;
            };
            push(chunk, "ADDED", &self.rendering.one(&object, now));
        }
    }

    fn drain_events(&mut self, chunk: &mut String) {
        let State::Live(events) = &mut self.state else { return };
        let now = self.api.now();
        while chunk.len() < CHUNK_BYTES
            && let Some(event) = events.pop_front()
        {
            if let Some((change, object)) = seen_through(&event, &self.filter) {
                push(chunk, change, &self.rendering.one(&object, now));
                self.gathers_until = now + GATHER;
            }
        }
    }

    /// Waits for events, for the time of a bookmark, or for the end.
    async fn wait(&mut self, chunk: &mut String) {
        let present = self.api.store.revision();
        if self.watch.seen() > present {
            // A revision of an earlier run of this server, whose objects are not known.
            let message = format!("too large resource version: {}, current: {present}", self.watch.seen());
            return self.fail(chunk, &Failure::expired(message));
        }
        let clock = self.api.clock().clone();
        let now = clock.now();
        if now >= self.ends {
            self.state = State::Ended;
            return;
        }
        let until_bookmark = until(now, self.next_bookmark);
        let gathered = async {
            let rest = until(now, self.gathers_until);
            if !rest.is_zero() {
                // A clock that was set back must not delay events.
                clock.sleep(rest.min(GATHER)).await;
            }
            self.watch.next().await
        };
        tokio::select! {
            events = gathered => match events {
                Ok(events) => self.state = State::Live(events.into()),
                Err(gone) => self.fail(chunk, &StoreError::Gone(gone).into()),
            },
            () = clock.sleep(until_bookmark), if self.has_bookmarks => self.push_bookmark(chunk),
            () = clock.sleep_until(self.ends) => self.state = State::Ended,
            () = self.api.stop.cancelled() => self.state = State::Ended,
        }
    }

    fn push_bookmark(&mut self, chunk: &mut String) {
        let now = self.api.now();
        let last = self.ends - LAST_BOOKMARK;
        self.next_bookmark = match now + BOOKMARK_INTERVAL {
            next if next <= last || now >= last => next,
            _ => last,
        };
        let bookmark = self.rendering.bookmark(self.position(), false);
        push(chunk, "BOOKMARK", bookmark.to_string().as_bytes());
    }

    /// The revision up to which everything has been sent or filtered.
    fn position(&self) -> Revision {
        self.watch.seen()
    }

    fn fail(&mut self, chunk: &mut String, failure: &Failure) {
        let status: Value = failure.to_value();
        push(chunk, "ERROR", status.to_string().as_bytes());
        self.state = State::Ended;
    }
}

fn push(chunk: &mut String, change: &str, object: &[u8]) {
    let object = std::str::from_utf8(object).expect("JSON is UTF-8");
    for part in ["{\"type\":\"", change, "\",\"object\":", object, "}\n"] {
        chunk.push_str(part);
    }
}

/// The event as seen through a selector: an object that begins to match is ADDED, one that ceases
/// to match is DELETED with its last matching version.
fn seen_through(event: &Event, filter: &Filter) -> Option<(&'static str, Object)> {
    let was = event.previous.as_ref().filter(|previous| filter.matches(previous));
    match (event.change, was, filter.matches(&event.object)) {
        (Change::Deleted, None, false) => None,
        (Change::Deleted, ..) => Some(("DELETED", event.object.clone())),
        (_, Some(_), true) => Some(("MODIFIED", event.object.clone())),
        (_, None, true) => Some(("ADDED", event.object.clone())),
        (_, Some(previous), false) => {
            Some(("DELETED", Object::at_revision(previous.typed().clone(), event.revision)))
        }
        (_, None, false) => None,
    }
}

#[cfg(test)]
mod tests;
