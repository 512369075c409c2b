//! For tests of pods that run nothing: every stream is refused, always for the same reason.
//!
//! Logs are empty.

use async_trait::async_trait;
use k8s_openapi::api::core::v1::Pod;

use crate::streaming::{ContainerStreams, LogQuery, LogStream, PortStream, Session, Wanted};

/// Refuses every stream.
pub(crate) struct NoStreams {
    reason: &'static str,
}

impl NoStreams {
    /// `reason` says why.
    pub(crate) fn because(reason: &'static str) -> Self {
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

    async fn log(&self, _: &Pod, _: &str, _: LogQuery) -> Result<LogStream, String> {
        Ok(Box::pin(futures_util::stream::empty()))
    }
}
