//! What a write must pass besides the rules of its own kind: its namespace must exist and not be
//! going away, and some fields are filled from other objects.

use super::{Store, StoreError};
use crate::objects::{Object, Typed};

impl Store {
    pub(super) fn admit_create(&self, _new: &mut Typed) -> Result<(), StoreError> {
        Ok(())
    }

    pub(super) fn admit_update(&self, _new: &mut Typed, _old: &Object) -> Result<(), StoreError> {
        Ok(())
    }
}
