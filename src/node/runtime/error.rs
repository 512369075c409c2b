//! Why a runtime did not do what it was asked.
//!
//! An engine that does not answer is not an engine that has lost its containers: the agent keeps
//! what it knew and asks again.

/// Why an order to a runtime failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RuntimeError {
    /// The engine behind the runtime does not answer; nothing is known.
    #[error("the runtime does not answer: {0}")]
    Unavailable(String),
    /// The engine cannot do this now; the agent tries again with a back-off.
    #[error("{message}")]
    Refused {
        /// The reason in the container's status, for example `ErrImagePull`.
        reason: String,
        /// What happened.
        message: String,
    },
    /// This runtime has no such thing.
    #[error("not supported by this runtime")]
    Unsupported,
}
