//! get and list.
//!
//! All pages of a list have the revision of the first: later events are undone with the history. If
//! the history does not reach back that far, the client gets 410 and must start over.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::{Api, Call, Reply};
use crate::api::answer::rendering::Page;
use crate::api::answer::status::Failure;
use crate::api::request::filter::Filter;
use crate::api::request::options::{self, ListFrom};
use crate::api::request::path::ResourcePath;
use crate::objects::{Object, ObjectKey, Revision};
use crate::store::{Interest, Listing, Store, StoreError};
use axum::http::StatusCode;

/// The object at a path.
pub(crate) fn get(api: &Api, call: &Call) -> Result<Reply, Failure> {
    let object = find(&api.store, &call.path)?;
    Ok(call.show(StatusCode::OK, &object, api.now()))
}

/// The present version of the object at a path.
pub(crate) fn find(store: &Store, path: &ResourcePath) -> Result<Object, Failure> {
    let key = path.key().ok_or_else(Failure::unknown_path)?;
    store.get(&key).ok_or_else(|| Failure::not_found(&key))
}

/// The objects of a collection.
pub(crate) fn list(api: &Api, call: &Call) -> Result<Reply, Failure> {
    let filter = Filter::parse(call.path.resource, &call.query)?;
    let (from, limit) = options::list(&call.query, resume)?;
    let after = match &from {
        ListFrom::Continued { after, .. } => Some(after.clone()),
        _ => None,
    };
    let listing = take(&api.store, &call.path, &from)?;
    let (objects, page) = paginate(listing, after, &filter, limit);
    Ok(Reply::ok(call.rendering.list(&objects, &page, api.now())))
}

fn take(store: &Store, path: &ResourcePath, from: &ListFrom) -> Result<Listing, Failure> {
    match from {
        ListFrom::Present { not_before } => {
            let listing = store.list(path.resource.kind, path.namespace.as_deref());
            if listing.revision < *not_before {
                return Err(Failure::too_large_revision(*not_before, listing.revision));
            }
            Ok(listing)
        }
        ListFrom::Exactly(revision) => snapshot(store, path, *revision),
        ListFrom::Continued { revision, .. } => snapshot(store, path, *revision).map_err(|failure| {
            if failure.code != 410 {
                return failure;
            }
            Failure::expired(
                "The provided continue parameter is too old to display a consistent list result. You must start a \
                 new list without the continue parameter.",
            )
        }),
    }
}

/// The objects at `revision`: the present ones with all later events undone.
fn snapshot(store: &Store, path: &ResourcePath, revision: Revision) -> Result<Listing, Failure> {
    let kind = path.resource.kind;
    let present = store.list(kind, path.namespace.as_deref());
    if revision > present.revision {
        return Err(Failure::too_large_revision(revision, present.revision));
    }
    let interest = Interest { kinds: vec![kind], namespace: path.namespace.clone() };
    let mut watch = store.watch(interest, revision);
    let mut events = Vec::new();
    while watch.seen() < present.revision {
        let batch = watch.ready().map_err(|gone| Failure::from(StoreError::Gone(gone)))?;
        if batch.is_empty() {
            break;
        }
        events.extend(batch.into_iter().filter(|event| event.revision <= present.revision));
    }
    let mut objects: BTreeMap<ObjectKey, Object> =
        present.objects.into_iter().map(|object| (object.key().clone(), object)).collect();
    for event in events.into_iter().rev() {
        match event.previous {
            Some(previous) => objects.insert(previous.key().clone(), previous),
            None => objects.remove(event.object.key()),
        };
    }
    Ok(Listing { revision, objects: objects.into_values().collect() })
}

fn paginate(
    listing: Listing,
    after: Option<(String, String)>,
    filter: &Filter,
    limit: Option<usize>,
) -> (Vec<Object>, Page) {
    let mut objects = listing.objects;
    objects.retain(|object| {
        let is_next = after
            .as_ref()
            .is_none_or(|after| (object.namespace(), object.name()) > (after.0.as_str(), after.1.as_str()));
        is_next && filter.matches(object)
    });
    let mut page = Page { revision: listing.revision, ..Page::default() };
    if let Some(limit) = limit.filter(|limit| *limit < objects.len()) {
        // As in Kubernetes, remainingItemCount is absent if there is a selector.
        page.n_remaining = filter.is_empty().then(|| objects.len() - limit);
        objects.truncate(limit);
        page.resume = objects.last().map(|last| token(listing.revision, last));
    }
    (objects, page)
}

fn token(revision: Revision, last: &Object) -> String {
    let token = json!({"rv": revision, "after": [last.namespace(), last.name()]});
    URL_SAFE_NO_PAD.encode(token.to_string())
}

fn resume(token: &str) -> Option<(Revision, (String, String))> {
    let decoded: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(token).ok()?).ok()?;
    let text = |index: usize| Some(decoded["after"][index].as_str()?.to_owned());
    Some((decoded["rv"].as_u64()?, (text(0)?, text(1)?)))
}

#[cfg(test)]
mod tests;
