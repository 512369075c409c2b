//! A DNS server on loopback for the length of a test.
//!
//! This is the one place that knows how a server is started: in this process, over the zones of a
//! folder. Tests only see its address.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::thread::JoinHandle;

use arc_swap::ArcSwap;
use dullahan::dns::transport::DnsServer;
use dullahan::dns::zone::{Zone, Zones};
use dullahan::dns::zonefile::load_folder;
use tokio_util::sync::CancellationToken;

/// A running server; it ends when this is dropped.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    stop: CancellationToken,
    thread: Option<JoinHandle<()>>,
}

/// Serves every zone of `folder` at a free port of 127.0.0.1.
pub(crate) fn start(folder: &Path) -> Server {
    let loaded = load_folder(folder);
    assert!(loaded.mistakes.is_empty(), "{:?}", loaded.mistakes);
    serve(loaded.zones, "127.0.0.1:0".parse().unwrap())
}

/// Serves `zones` at `address`.
pub(crate) fn serve(zones: Vec<Zone>, address: SocketAddr) -> Server {
    let stop = CancellationToken::new();
    let (tell, told) = std::sync::mpsc::channel();
    let stopped = stop.clone();
    let zones = Arc::new(ArcSwap::from_pointee(Zones::new(zones)));
    let thread = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let server = DnsServer::bind(&[address], zones).await.unwrap();
            tell.send(server.addresses()[0]).unwrap();
            server.run(stopped).await.unwrap();
        });
    });
    Server { address: told.recv().unwrap(), stop, thread: Some(thread) }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.cancel();
        let ended = self.thread.take().unwrap().join();
        assert!(ended.is_ok() || std::thread::panicking(), "the server's thread panicked");
    }
}
