//! Creating objects.

use super::defaulted::Defaulted;
use super::error::StoreError;
use super::handle::{Outcome, Store};
use super::write::Expected;
use crate::objects::{Kind, Object, ObjectKey, Typed, time};
use crate::rules::{strategy, validation};

/// How many generated names are tried until one is free, as the API server does.
const GENERATED_NAMES_MAX: usize = 8;

impl Store {
    /// Creates an object: named (from `generateName` if need be), defaulted, validated, with uid,
    /// creation time and the status a new object of its kind has.
    pub async fn create(&self, object: impl Into<Defaulted>) -> Result<Object, StoreError> {
        let typed = object.into().into_typed();
        if typed.meta().name.as_deref().is_some_and(|name| !name.is_empty()) {
            return self.create_named(typed).await;
        }
        for _ in 1..GENERATED_NAMES_MAX {
            match self.create_named(self.named(&typed)).await {
                Err(StoreError::AlreadyExists(_)) => {}
                other => return other,
            }
        }
        self.create_named(self.named(&typed)).await
    }

    /// The object with a generated name. A namespace has its name as a label by default.
    fn named(&self, typed: &Typed) -> Typed {
        let mut named = typed.clone();
        self.0.identities.name(named.meta_mut());
        if typed.kind() == Kind::Namespace { Defaulted::from(named).into_typed() } else { named }
    }

    async fn create_named(&self, mut typed: Typed) -> Result<Object, StoreError> {
        strategy::prepare_for_create(&mut typed);
        let _populating = self.0.lock_namespace(&typed).await;
        let mut ledger = self.0.lock_allocation(&typed).await;
        let key = ObjectKey::of(&typed);
        self.admit_create(&key, &mut typed, ledger.as_deref_mut())?;
        StoreError::unless_valid(&key, validation::validate_create_under(self.0.rules, &typed))?;
        let now = time(self.0.clock.now());
        let meta = typed.meta_mut();
        meta.uid = Some(self.0.identities.uid());
        meta.creation_timestamp = Some(now);
        meta.deletion_timestamp = None;
        meta.deletion_grace_period_seconds = None;
        match self.commit(&key, Expected::Absent, Some(typed)).await? {
            Outcome::Written(object) => Ok(object),
            Outcome::Outrun { .. } => Err(StoreError::AlreadyExists(key)),
        }
    }
}
