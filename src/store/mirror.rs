//! Mirroring: objects of another source of truth are written as they are and removed at once.

use super::error::StoreError;
use super::handle::{ATTEMPTS_MAX, Outcome, Store, too_busy};
use super::write::Expected;
use crate::objects::{Object, ObjectKey, Typed};

impl Store {
    /// Creates or replaces an object as it is: no defaults, no validation, its status as given. For
    /// objects of another source of truth. Writing what is there already changes nothing.
    pub async fn mirror(&self, object: impl Into<Typed>) -> Result<Object, StoreError> {
        let mut typed = object.into();
        let key = ObjectKey::of(&typed);
        for _ in 0..ATTEMPTS_MAX {
            let old = self.get(&key);
            typed.meta_mut().resource_version =
                old.as_ref().and_then(|old| old.meta().resource_version.clone());
            if let Some(old) = old.as_ref().filter(|old| *old.typed() == typed) {
                return Ok(old.clone());
            }
            let expected = old.map_or(Expected::Absent, |old| Expected::At(old.revision()));
            match self.commit(&key, expected, Some(typed)).await? {
                Outcome::Written(object) => return Ok(object),
                Outcome::Outrun { refused: Some(refused), .. } => typed = *refused,
                Outcome::Outrun { refused: None, .. } => break,
            }
        }
        Err(too_busy(key))
    }

    /// Removes an object that [`Store::mirror`] wrote, at once and regardless of finalizers.
    pub async fn unmirror(&self, key: &ObjectKey) -> Result<(), StoreError> {
        for _ in 0..ATTEMPTS_MAX {
            let Some(old) = self.get(key) else { return Err(StoreError::NotFound(key.clone())) };
            if let Outcome::Written(_) = self.commit(key, Expected::At(old.revision()), None).await? {
                return Ok(());
            }
        }
        Err(too_busy(key.clone()))
    }
}
