//! Asking followed files to be read again, whatever the kernel has reported of them.
//!
//! A signal's handler holds one: files on a network file system may change without a report. Asks
//! that come while a reading is under way are one more reading.

use std::sync::Arc;

use tokio::sync::Notify;

/// A handle that asks for followed files to be read again. Clones ask the same ones.
#[derive(Clone, Debug, Default)]
pub struct Reload(Arc<Notify>);

impl Reload {
    /// Asks for the files to be read again now. The report of that reading is sent even if it has
    /// nothing to tell, with `is_asked` set.
    pub fn ask(&self) {
        self.0.notify_one();
    }

    /// Waits until it is asked for. Cancel safe.
    pub(super) async fn asked(&self) {
        self.0.notified().await;
    }
}
