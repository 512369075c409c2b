//! What a runtime has of a pod that is gone, and how it is removed.

use std::time::Duration;

use tracing::warn;

use crate::clock::Clock;
use crate::node::runtime::Runtime;

/// After this time removing is tried again.
const RETRY: Duration = Duration::from_secs(1);

/// Removes what the runtime has of a pod, however often that must be tried.
pub(in crate::node) async fn remove_remains(runtime: &dyn Runtime, clock: &Clock, uid: &str) {
    while let Err(error) = runtime.remove_sandbox(uid).await {
        warn!(pod_uid = uid, %error, "cannot remove what is left of a pod; will try again");
        clock.sleep(RETRY).await;
    }
}
