//! The verbs of the API, as calls of the store.
//!
//! A [`Call`] is a parsed request; each file handles some of the verbs and returns a [`Reply`] or a
//! [`Failure`].

mod advice;
mod container;
pub(crate) mod dispatch;
mod documents;
mod list;
mod log;
mod pod;
mod remove;
mod scale;
pub(crate) mod stream;
mod upgrade;
mod watch;
pub(crate) mod watches;
mod write;

use std::sync::Arc;

use axum::body::Body;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use super::answer::rendering::Rendering;
use super::answer::status::Failure;
use super::request::path::ResourcePath;
use super::request::query::Query;
use crate::clock::{Clock, Timestamp};
use crate::objects::Object;
use crate::store::Store;
use crate::streaming::ContainerStreams;
use watches::Watches;

/// The state that all requests share.
pub(crate) struct Api {
    pub(crate) store: Store,
    /// The address of this server for clients.
    pub(crate) address: String,
    pub(crate) watches: Watches,
    /// Reads logs of containers and opens streams into them, and how many more streams may be open.
    pub(crate) streams: Arc<dyn ContainerStreams>,
    pub(crate) n_streams: Arc<Semaphore>,
    pub(crate) stop: CancellationToken,
}

impl Api {
    pub(crate) fn clock(&self) -> &Clock {
        self.store.clock()
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock().now()
    }

    /// The store to write to: for a dry run, one that keeps nothing.
    fn store_for(&self, is_dry_run: bool) -> Store {
        if is_dry_run { self.store.rehearsal() } else { self.store.clone() }
    }
}

/// A request about objects.
pub(crate) struct Call {
    pub(crate) path: ResourcePath,
    pub(crate) query: Query,
    pub(crate) rendering: Rendering,
    pub(crate) content_type: Option<String>,
    pub(crate) user_agent: String,
    pub(crate) body: Bytes,
}

impl Call {
    /// The object in the negotiated form.
    fn show(&self, code: StatusCode, object: &Object, now: Timestamp) -> Reply {
        Reply::json(code, self.rendering.one(object, now))
    }
}

/// The response to a successful request.
pub(crate) struct Reply {
    code: StatusCode,
    content_type: &'static str,
    body: Body,
    warnings: Vec<String>,
    headers: Vec<(HeaderName, HeaderValue)>,
}

const JSON: &str = "application/json";
/// The maximum number of Warning headers in a response.
const WARNINGS_MAX: usize = 32;

impl Reply {
    fn json(code: StatusCode, body: impl Into<Body>) -> Self {
        Self { code, content_type: JSON, body: body.into(), warnings: Vec::new(), headers: Vec::new() }
    }

    fn ok(body: impl Into<Body>) -> Self {
        Self::json(StatusCode::OK, body)
    }

    fn text(body: impl Into<Body>) -> Self {
        Self { content_type: "text/plain", ..Self::ok(body) }
    }

    fn typed(self, content_type: &'static str) -> Self {
        Self { content_type, ..self }
    }

    fn warning(mut self, warnings: Vec<String>) -> Self {
        self.warnings = warnings;
        self
    }

    fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.push((name, value));
        self
    }
}

impl IntoResponse for Reply {
    fn into_response(self) -> Response {
        let mut response =
            (self.code, [(header::CONTENT_TYPE, self.content_type)], self.body).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache, private"));
        for warning in self.warnings.iter().take(WARNINGS_MAX) {
            if let Ok(value) = HeaderValue::from_str(&format!("299 - \"{}\"", quotable(warning))) {
                headers.append(header::WARNING, value);
            }
        }
        for (name, value) in self.headers {
            headers.insert(name, value);
        }
        response
    }
}

/// The text of a Warning header (RFC 9111, section 5.5): escaped, printable ASCII.
fn quotable(text: &str) -> String {
    let escaped = text.replace('\\', "\\\\").replace('"', "\\\"");
    escaped.chars().map(|c| if (' '..='~').contains(&c) { c } else { '?' }).collect()
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let code = StatusCode::from_u16(self.code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        if self.reason == "InternalError" {
            tracing::error!(message = self.message, "a request failed");
        }
        let mut reply = Reply::json(code, self.to_value().to_string());
        if let Some(retry_after_s) = self.retry_after_s {
            reply = reply.header(header::RETRY_AFTER, HeaderValue::from(retry_after_s));
        }
        reply.into_response()
    }
}

#[cfg(test)]
mod tests;
