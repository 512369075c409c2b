//! Leases (`pkg/apis/coordination/validation`).
//!
//! A lease says who holds it and for how long; only its numbers are checked.

use k8s_openapi::api::coordination::v1::Lease;

use super::value::check_not_negative;
use crate::objects::{FieldError, Path};

pub(super) fn check(lease: &Lease, errors: &mut Vec<FieldError>) {
    let Some(spec) = &lease.spec else { return };
    let path = Path::root("spec");
    if let Some(duration_s) = spec.lease_duration_seconds.filter(|duration_s| *duration_s <= 0) {
        errors.push(path.child("leaseDurationSeconds").invalid(duration_s, "must be greater than 0"));
    }
    let n_transitions = spec.lease_transitions.unwrap_or_default();
    check_not_negative(n_transitions, &path.child("leaseTransitions"), errors);
}
