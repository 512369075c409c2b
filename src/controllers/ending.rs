//! Writes that are refused because their namespace is going away.
//!
//! They are no fault: whoever wants something in that namespace is about to be deleted, too.

use k8s_openapi::api::core::v1::Namespace;

use crate::store::{Store, StoreError};

/// Whether a write into a namespace was refused because that is being deleted.
pub(super) fn is_for_ending_namespace(store: &Store, namespace: &str, error: &StoreError) -> bool {
    let found = store.find::<Namespace>("", namespace);
    matches!(error, StoreError::Forbidden { .. }) && found.is_none_or(|found| found.is_terminating())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::{Clock, Timestamp};
    use crate::objects::{Kind, ObjectKey};
    use crate::store::{DeleteOptions, StoreOptions};

    #[tokio::test(start_paused = true)]
    async fn only_a_refusal_in_a_namespace_that_ends_is_one() {
        let store = Store::in_memory(Clock::starting_at(Timestamp::UNIX_EPOCH), StoreOptions::default());
        let mut namespace = Namespace::default();
        namespace.metadata.name = Some("n".into());
        store.create(namespace).await.unwrap();
        let key = ObjectKey::new(Kind::Pod, "n", "p");
        let refusal = StoreError::Forbidden { key: key.clone(), reason: "no".into() };
        assert!(!is_for_ending_namespace(&store, "n", &refusal));
        store.delete(&ObjectKey::new(Kind::Namespace, "", "n"), &DeleteOptions::default()).await.unwrap();
        assert!(is_for_ending_namespace(&store, "n", &refusal));
        assert!(!is_for_ending_namespace(&store, "n", &StoreError::NotFound(key)));
    }
}
