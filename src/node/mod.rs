//! stub
#![allow(missing_docs)]
pub mod runtime;
pub struct NodeOptions {
    pub name: String,
    pub pod_networks: Vec<ipnet::IpNet>,
    pub address: std::net::IpAddr,
}
pub struct Agent;
impl Agent {
    pub fn new(_s: crate::store::Store, _r: std::sync::Arc<dyn runtime::Runtime>, _o: NodeOptions) -> Self {
        Agent
    }
    pub async fn run(self, stop: tokio_util::sync::CancellationToken) {
        stop.cancelled().await
    }
}
