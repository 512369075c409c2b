//! What a status is made from.

use std::net::IpAddr;

use crate::node::containers::Containers;
use crate::node::runtime::Ended;

/// What is known of a pod besides its spec.
#[derive(Clone, Copy, Debug)]
pub(in crate::node) struct View<'a> {
    /// Its containers.
    pub(in crate::node) containers: &'a Containers,
    /// Its addresses; none while there is no sandbox.
    pub(in crate::node) addresses: &'a [IpAddr],
    /// The node's address.
    pub(in crate::node) host: IpAddr,
    /// The pod is over, says the runtime.
    pub(in crate::node) ended: Option<&'a Ended>,
    /// Nothing will be started any more.
    pub(in crate::node) is_over: bool,
}
