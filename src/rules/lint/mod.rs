//! Warnings about valid objects: those that the API accepts and that likely do not do what their
//! writer wants.
//!
//! A rule looks at one object and the objects related to it, and says what will happen and how to
//! fix it. It warns of a missing object even if that would be created next: the text says what is
//! still missing. Rules apply from both sides: writing a service warns of a StatefulSet that it does
//! not fit, and writing the StatefulSet warns of the service.

mod governing;
mod pod;
mod related;
mod selection;
mod service;
mod set;
mod storage;
mod warning;

pub use related::RelatedObjects;
pub use warning::Warning;

use crate::objects::Typed;

/// Warnings about an object that is valid and defaulted.
pub fn lint(typed: &Typed, related: &RelatedObjects<'_>) -> Vec<Warning> {
    let mut warnings = Vec::new();
    match typed {
        Typed::StatefulSet(object) => {
            set::check(object, &mut warnings);
            storage::check_templates(object, related, &mut warnings);
            governing::check_set(object, related, &mut warnings);
            service::check_ports_of_set(object, related, &mut warnings);
        }
        Typed::Service(object) => {
            service::check(object, related, &mut warnings);
            governing::check_service(object, related, &mut warnings);
        }
        Typed::Pod(object) => pod::check(object, related, &mut warnings),
        Typed::PersistentVolumeClaim(claim) => storage::check_claim(claim, related, &mut warnings),
        _ => {}
    }
    warnings
}

#[cfg(test)]
mod tests;
