//! Why a patch cannot be applied, with the status that the API answers for each reason.
//!
//! The texts are Kubernetes'; they come from where a patch is carried out.

/// Why a patch cannot be applied.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PatchError {
    /// The patch has not the form that its content type wants (`BadRequest`, 400).
    #[error("{0}")]
    Malformed(String),
    /// The patch has too many operations (`RequestEntityTooLarge`, 413).
    #[error("The allowed maximum operations in a JSON patch is {max}, got {n_operations}")]
    TooLong {
        /// How many operations it has.
        n_operations: usize,
        /// How many it may have.
        max: usize,
    },
    /// The patch does not fit the object it is for (`Invalid`, 422).
    #[error("{0}")]
    DoesNotFit(String),
}
