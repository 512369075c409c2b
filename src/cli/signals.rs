//! The signals that commands listen to.
//!
//! A handler stays for the rest of the process: once SIGHUP is caught, it ends nothing any more.

use anyhow::Context;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// A signal that ends the server: its name and number.
#[derive(Clone, Copy)]
pub(super) struct Ending {
    pub(super) name: &'static str,
    pub(super) number: u8,
}

const TERMINATED: Ending = Ending { name: "SIGTERM", number: 15 };
const INTERRUPTED: Ending = Ending { name: "Ctrl-C", number: 2 };

/// Whoever holds it does not die of SIGHUP.
pub(super) struct HangUps(Signal);

impl HangUps {
    /// From now on they are counted, and one that comes while a server starts is not lost. Must be called
    /// within a runtime.
    pub(super) fn catch() -> anyhow::Result<Self> {
        listen(SignalKind::hangup()).map(Self)
    }

    /// Waits for the next one. Cancel safe.
    pub(super) async fn next(&mut self) {
        self.0.recv().await;
    }
}

/// The signals that end the server.
pub(super) struct Endings {
    terminate: Signal,
    interrupt: Signal,
}

impl Endings {
    /// From now on they end nothing by themselves. Must be called within a runtime.
    pub(super) fn catch() -> anyhow::Result<Self> {
        let (terminate, interrupt) = (listen(SignalKind::terminate())?, listen(SignalKind::interrupt())?);
        Ok(Self { terminate, interrupt })
    }

    /// Waits for the next one. Cancel safe.
    pub(super) async fn next(&mut self) -> Ending {
        tokio::select! {
            _ = self.terminate.recv() => TERMINATED,
            _ = self.interrupt.recv() => INTERRUPTED,
        }
    }
}

fn listen(kind: SignalKind) -> anyhow::Result<Signal> {
    signal(kind).context("cannot listen for signals")
}
