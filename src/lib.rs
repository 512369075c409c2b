//! Dullahan: StatefulSets and their DNS, without a cluster.
//!
//! ```text
//!  manifests -f, kubectl, client libraries
//!         |
//!         v
//!       api ──────────►  store  ── watch ──►  controllers: statefulset, endpointslice, volumes, garbage
//!                          ▲  │                   │ write pods, claims, revisions, slices
//!                          │  │◄──────────────────┘
//!           pod status     │  └── watch ──►  node: starts, probes and stops pods through a runtime
//!                          └─────────────────
//!                          │
//!                          └── watch ──►  dns publisher ──► Zones (one immutable snapshot, swapped whole)
//!                                                             ▲ load, never waits
//!   dig, nslookup, a resolver ──► UDP, TCP, DoT, DoH, DoQ ──► answer(&Zones, &Query)
//! ```
//!
//! Everything meets in the store. A part watches, decides, writes; it never calls another part.
//!
//! # Who may import whom
//!
//! | room | may import | must not know |
//! |---|---|---|
//! | `cli` | everything | rules |
//! | `app` | everything but `cli` | rules |
//! | `config` | nothing | everything else |
//! | `clock` | nothing | everything else |
//! | `objects` | `clock` | tasks, sockets, HTTP |
//! | `store` | `objects`, `clock` | who watches and why |
//! | `controllers` | `store`, `objects`, `clock` | runtimes, HTTP, sockets |
//! | `node` | `store`, `objects`, `clock` | StatefulSets, DNS |
//! | `dns::zone` | `objects` | the store, sockets |
//! | `dns::explain` | `dns::zone`, `objects`, `clock` | the store, sockets |
//! | `dns` | `dns::zone`, `clock`, `metrics` | Kubernetes objects, the HTTP API |
//! | `dns::publisher` | `store`, `objects`, `clock`, `dns`, `metrics` | sockets |
//! | `metrics` | nothing | everything else |
//! | `api` | `store`, `objects`, `clock` | controllers, runtimes, DNS |
//! | `simulation` | `clock`, `objects`, `store`, `controllers`, `node`, `dns` | real time, real sockets |
//!
//! No import runs upwards and there is no cycle; `tests/tidy.rs` reads the imports and fails when
//! the table is broken.
//!
//! # What always holds
//!
//! - The middle is pure: `plan`, `render`, `answer`, `validate` and `default` take values and
//!   return values; no await, no clock, no store.
//! - One writer per state; readers never wait for it.
//! - A reconcile rereads the world by key; nothing depends on seeing every event.
//! - Only `clock` tells the time.
//! - Everything that can grow has a named bound.
//! - A bad object never stops a loop: it is reported and skipped.

pub mod clock;
pub mod metrics;

pub mod config;

pub mod pki;

pub mod objects;

pub mod machinery;

pub mod rules;

pub mod store;

pub mod controllers;

pub mod node;

pub mod dns;

pub mod names;

pub mod files;

pub mod api;

pub mod simulation;

pub mod app;

pub mod cli;
