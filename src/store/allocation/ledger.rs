//! The taken numbers, kept up to date from the store's history.
//!
//! A ledger reads the events since it last looked; when the history does not reach back that far
//! it lists the services anew. It is therefore right after any write, a mirrored one included.

use std::sync::Arc;

use k8s_openapi::api::core::v1::Service;

use super::InUse;
use crate::objects::{Kind, Object};
use crate::store::{Backend, Event, Gone, Interest, Watch};

/// What the services of a backend hold.
#[derive(Default)]
pub(in crate::store) struct Ledger {
    in_use: InUse,
    watch: Option<Watch>,
}

impl Ledger {
    /// What is taken now.
    pub(in crate::store) fn in_use(&mut self, backend: &Arc<dyn Backend>) -> &InUse {
        if !matches!(self.catch_up(), Ok(true)) {
            self.start_over(backend);
        }
        &self.in_use
    }

    /// Whether there was something to catch up from.
    fn catch_up(&mut self) -> Result<bool, Gone> {
        let Some(watch) = &mut self.watch else { return Ok(false) };
        loop {
            let events = watch.ready()?;
            if events.is_empty() {
                return Ok(true);
            }
            events.iter().for_each(|event| note(&mut self.in_use, event));
        }
    }

    fn start_over(&mut self, backend: &Arc<dyn Backend>) {
        let listing = backend.list(Kind::Service, None);
        self.in_use = InUse::default();
        for service in listing.objects.iter().filter_map(Object::get::<Service>) {
            self.in_use.take(service);
        }
        let interest = Interest::in_kinds(&[Kind::Service]);
        self.watch = Some(Watch::new(backend.clone(), interest, listing.revision));
    }
}

fn note(in_use: &mut InUse, event: &Event) {
    if let Some(previous) = event.previous.as_ref().and_then(Object::get::<Service>) {
        in_use.release(previous);
    }
    let is_present = event.change != crate::store::Change::Deleted;
    if let (true, Some(service)) = (is_present, event.object.get::<Service>()) {
        in_use.take(service);
    }
}
