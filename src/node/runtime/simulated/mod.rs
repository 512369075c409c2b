//! The simulated runtime: nothing runs, and pods behave as their annotations say, in real or
//! virtual time.
//!
//! | annotation `simulated.dullahan.dev/…` | value | what it does | default |
//! |---|---|---|---|
//! | `start-delay` | duration or range | from the order to start a container until it runs | `SimulatedOptions` |
//! | `readiness-delay` | duration or range | from running to ready; with a readinessProbe: to its next tick | `0s` |
//! | `never-ready` | `true`, `false` | never ready | `false` |
//! | `probe-message` | text | what the failing readiness probe says | a fixed text |
//! | `flap` | duration or range | once ready, ready and not ready take turns, each this long | never |
//! | `crash-after` | duration or range | the container ends this long after it runs, and is restarted | never |
//! | `exit-code` | 0 to 255 | the code it ends with then, or with `fail` | `1` |
//! | `crash-times` | number | later restarts do not crash any more | always |
//! | `fail` | `true`, duration or range | the pod ends as Failed, whatever its restartPolicy, as an evicted one | `false` |
//! | `succeed` | `true`, duration or range | the pod ends as Succeeded, whatever its restartPolicy | `false` |
//! | `stop-delay` | duration or range | from the order to stop until it ends; killed (137) at the grace's end | `SimulatedOptions` |
//!
//! Durations are written `300ms`, `2s`, `1m30s`; a range `1s-5s` draws one for every run of a
//! container. What is drawn follows from the seed, the pod's namespace and name, the container and
//! its restart count alone, so it never depends on the order of events. Init containers end with 0
//! as soon as they run. Startup and liveness probes succeed; a readiness probe succeeds once the
//! readiness delay has passed. Without a readiness probe the same is reported as health.

mod annotations;
mod course;
mod engine;

pub use engine::{Simulated, SimulatedOptions};
