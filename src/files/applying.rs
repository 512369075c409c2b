//! Applying one object of a file, as `kubectl apply --server-side --force-conflicts` would, by the
//! manager `dullahan-files`.
//!
//! The rule for fields that others write, for example `kubectl scale`:
//! - A field that the file states is the file's. Between two saves what others write there stays; when
//!   the file is saved it is taken back, and that is told with the manager that had written it.
//! - A field that the file does not state is left alone, whoever writes it.
//! - A field that the file no longer states is removed, unless others own it too; so is an object that
//!   the file no longer has.
//! - An object that is missing is created.
//!
//! At its limits: an object with duplicates in a list of keyed items (two variables of one name) cannot
//! be applied on the server side. It is merged as `kubectl apply` without `--server-side` would, by
//! the same manager as an update.

use serde_json::Value;

use super::problem::Problem;
use super::report::{Outcome, Taken};
use super::wanted::Wanted;
use crate::machinery::apply::three_way_merge;
use crate::machinery::patch::{self, ApplyConflict, ApplyError};
use crate::objects::{Object, Typed};
use crate::store::{Store, StoreError};

/// Who owns the fields that files state.
const MANAGER: &str = "dullahan-files";
/// Who owns what was there before anybody was recorded: no user, so nothing is taken from one.
const NOBODY: &str = "before-first-apply";
/// How often an object that others write at the same time is merged again.
const ATTEMPTS_MAX: usize = 8;

/// What applying has changed.
pub(super) struct Applied {
    /// `None` if nothing had to change.
    pub(super) outcome: Option<Outcome>,
    pub(super) taken: Vec<Taken>,
}

/// Why an object is not applied.
pub(super) enum Obstacle {
    Terminating,
    Store(StoreError),
    Unfit(ApplyError),
}

impl Obstacle {
    pub(super) fn into_problem(self, wanted: &Wanted) -> Problem {
        let (at, key) = (Box::new(wanted.source.clone()), wanted.key.clone());
        match self {
            Self::Terminating => Problem::Terminating { at, key },
            Self::Store(error) => Problem::refused(&at, &key, error),
            Self::Unfit(error) => Problem::Unfit { at, key, error: Box::new(error) },
        }
    }
}

impl From<StoreError> for Obstacle {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// Applies an object. `last` is what was applied of it before.
pub(super) async fn apply(store: &Store, wanted: &Wanted, last: Option<&Typed>) -> Result<Applied, Obstacle> {
    let mut attempt = 0;
    loop {
        attempt += 1;
        let live = store.get(&wanted.key);
        if live.as_ref().is_some_and(Object::is_terminating) {
            return Err(Obstacle::Terminating);
        }
        let Merged { object, conflicts } = merged(store, wanted, last, live.as_ref())?;
        let written = match &live {
            None => store.create(object).await,
            Some(_) => store.update(object).await,
        };
        match written {
            Err(error) if is_outrun(&error) && attempt < ATTEMPTS_MAX => {}
            Err(error) => return Err(error.into()),
            Ok(after) => {
                let outcome = match live {
                    None => Some(Outcome::Created),
                    Some(live) => (live.revision() != after.revision()).then_some(Outcome::Configured),
                };
                let taken = if outcome.is_some() { taken(wanted, conflicts) } else { Vec::new() };
                return Ok(Applied { outcome, taken });
            }
        }
    }
}

fn is_outrun(error: &StoreError) -> bool {
    error.is_conflict() || error.is_already_exists()
}

/// An object to be written, and the fields in it that were others'.
struct Merged {
    object: Typed,
    conflicts: Vec<ApplyConflict>,
}

fn merged(
    store: &Store,
    wanted: &Wanted,
    last: Option<&Typed>,
    live: Option<&Object>,
) -> Result<Merged, Obstacle> {
    let (kind, now) = (wanted.key.kind, store.clock().now());
    let live = live.map(value_of);
    let applied = to_value(&wanted.typed);
    let apply = |is_forced| patch::server_side_apply(kind, live.as_ref(), &applied, MANAGER, is_forced, now);
    let (value, conflicts) = match apply(false) {
        Ok(value) => (value, Vec::new()),
        Err(ApplyError::Conflicts(conflicts)) => (apply(true).map_err(Obstacle::Unfit)?, conflicts),
        Err(ApplyError::NotTyped { .. }) => {
            let last = last.map_or(Value::Null, to_value);
            (updated(live.as_ref(), &last, applied, store), Vec::new())
        }
        Err(error) => return Err(Obstacle::Unfit(error)),
    };
    let object = Typed::from_value(kind, value).map_err(|error| StoreError::Conflict {
        key: wanted.key.clone(),
        reason: format!("what is there and the file do not merge: {error}"),
    })?;
    Ok(Merged { object, conflicts })
}

/// The object without server-side apply.
fn updated(live: Option<&Value>, last: &Value, wanted: Value, store: &Store) -> Value {
    let mut merged = match live {
        None => wanted,
        Some(live) => three_way_merge(live, last, &wanted),
    };
    let entries = patch::track_managers(live, &merged, MANAGER, "Update", "", store.clock().now());
    merged["metadata"]["managedFields"] =
        serde_json::to_value(entries).expect("managed fields serialize to JSON");
    merged
}

/// What was taken, by manager.
fn taken(wanted: &Wanted, conflicts: Vec<ApplyConflict>) -> Vec<Taken> {
    let mut taken: Vec<Taken> = Vec::new();
    for conflict in conflicts {
        let ApplyConflict { manager, field, .. } = conflict;
        if manager == NOBODY || manager == MANAGER {
            continue;
        }
        match taken.iter_mut().find(|taken| taken.manager == manager) {
            Some(taken) => taken.fields.push(field),
            None => {
                let (key, source) = (wanted.key.clone(), wanted.source.clone());
                taken.push(Taken { key, source, manager, fields: vec![field] });
            }
        }
    }
    taken
}

fn value_of(object: &Object) -> Value {
    serde_json::from_slice(object.json()).expect("what was serialized is JSON")
}

fn to_value(typed: &Typed) -> Value {
    typed.to_value().expect("the types of the table serialize to JSON")
}
