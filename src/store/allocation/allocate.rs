//! The steps of an allocation, in their order.

use k8s_openapi::api::core::v1::Service;

use super::in_use::{self, InUse};
use super::network::ServiceNetwork;
use super::request::{AllocationError, Request};
use super::{carry, families, numbers};

/// Gives `service` the families, addresses and node ports it lacks. `old` is the version that it
/// replaces: what that one holds is kept where the new one leaves it out, and given up where the
/// new type has no use for it.
///
/// The order of the steps and the texts are those of the API server
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
