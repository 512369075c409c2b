//! An object with its defaults set: the type keeps them from being set twice.
//!
//! Whatever is handed to the store becomes one. A caller that needs the defaults before the write,
//! to say who owns which field, makes one itself.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ManagedFieldsEntry;

use crate::objects::Typed;
use crate::rules::defaulting;

/// An object with the defaults of its kind.
#[derive(Clone, Debug, PartialEq)]
pub struct Defaulted(Typed);

impl<T: Into<Typed>> From<T> for Defaulted {
    fn from(object: T) -> Self {
        let mut typed = object.into();
        defaulting::default(&mut typed);
        Self(typed)
    }
}

impl Defaulted {
    /// The object.
    pub fn typed(&self) -> &Typed {
        &self.0
    }

    /// Says who owns which field; no default depends on it.
    pub fn set_managers(&mut self, entries: Option<Vec<ManagedFieldsEntry>>) {
        self.0.meta_mut().managed_fields = entries;
    }

    pub(super) fn into_typed(self) -> Typed {
        self.0
    }
}
