//! The allocated numbers, kept up to date from the store's history.
//!
//! A ledger reads the events since its last use; if the history does not reach back that far, it
//! lists all services. So it is right after every write, mirrored ones included.

use std::sync::Arc;

use k8s_openapi::api::core::v1::Service;

use super::in_use::InUse;
use crate::objects::{Kind, Object};
use crate::store::cache::Cache;
use crate::store::event::{Change, Event, Interest};
use crate::store::watch::Watch;

/// The numbers that the services of a store have.
#[derive(Default)]
pub(crate) struct Ledger {
    in_use: InUse,
    watch: Option<Watch>,
}

impl Ledger {
    /// The numbers allocated now.
    pub(crate) fn in_use(&mut self, cache: &Arc<Cache>) -> &InUse {
        let in_use = &mut self.in_use;
        self.watch = self.watch.take().and_then(|watch| watch.drained(|event| note(in_use, event)));
        if self.watch.is_none() {
            self.start_over(cache);
        }
        &self.in_use
    }

    fn start_over(&mut self, cache: &Arc<Cache>) {
        let listing = cache.list(Kind::Service, None, |_| true);
        self.in_use = InUse::default();
        for service in listing.objects.iter().filter_map(Object::get::<Service>) {
            self.in_use.take(service);
        }
        let interest = Interest::in_kinds(&[Kind::Service]);
        self.watch = Some(Watch::new(cache.clone(), interest, listing.revision));
    }
}

fn note(in_use: &mut InUse, event: &Event) {
    if let Some(previous) = event.previous.as_ref().and_then(Object::get::<Service>) {
        in_use.release(previous);
    }
    let is_present = event.change != Change::Deleted;
    if let (true, Some(service)) = (is_present, event.object.get::<Service>()) {
        in_use.take(service);
    }
}
