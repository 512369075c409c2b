//! Allocation for one service, step by step.

use k8s_openapi::api::core::v1::Service;

use super::in_use::{self, InUse};
use super::network::ServiceNetwork;
use super::request::{AllocationError, Request};
use super::{carry, families, numbers};

/// Sets the missing families, addresses and node ports of `service`. What the replaced version `old`
/// has is kept where the new one leaves it out, and released where the new type does not need it.
///
/// The order of the steps and the messages are those of the API server
/// (`pkg/registry/core/service/storage`).
pub(crate) fn allocate(
    service: &mut Service,
    old: Option<&Service>,
    in_use: &InUse,
    network: &ServiceNetwork,
) -> Result<(), AllocationError> {
    let key = in_use::key_of(service);
    let Some(spec) = service.spec.as_mut() else { return Ok(()) };
    let old = old.and_then(|old| old.spec.as_ref());
    carry::normalize(spec, old);
    if let Some(old) = old {
        carry::drop_unneeded(spec, old);
        carry::keep_allocated(spec, old);
    }
    let request = Request { key: &key, old, in_use, network };
    families::set(spec, &request)?;
    numbers::set_addresses(spec, &request)?;
    numbers::set_node_ports(spec, &request)
}
