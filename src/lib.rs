//! Dullahan: StatefulSets and their DNS, without a cluster.
//!
//! ```text
//!  manifests -f, kubectl, client libraries
//!         |
//!         v
//!  files, api ─────────►  store  ── watch ──►  controllers: statefulset, endpointslice, volumes, garbage, scheduler, nodelifecycle
//!                          ▲  │                   │ write pods, claims, revisions, slices, bindings
//!                          │  │◄──────────────────┘
//!           pod status     │  └── watch ──►  node: starts, probes and stops pods through a runtime
//!                          └─────────────────
//!                          │
//!                          └── watch ──►  names: services to records ──► Zones (one immutable snapshot, swapped whole)
//!                                                                         ▲ load, never waits
//!   dig, nslookup, a resolver ──► UDP, TCP, DoT, DoH, DoQ ──► answer(&Zones, &Query)
//! ```
//!
//! Everything meets in the store. A part watches, decides, writes; it never calls another part.
//!
//! # Who may import whom: a room imports only rooms above it in this table
//!
//! | room | what lives there | must not know |
//! |---|---|---|
//! | [`clock`] | the only source of now and of sleep | everything else |
//! | [`metrics`] | every counter, and their text page | everything else |
//! | [`config`] | settings as typed, then as meant; the only reader of the environment | everything else |
//! | [`pki`] | the certificate authority, certificates, how credentials are kept | who uses them |
//! | [`streaming`] | what containers and their users exchange: log lines, pipes, connections | who asks, who answers |
//! | [`objects`] | the table of kinds, an object and its metadata, names, quantities, predicates | tasks, sockets, HTTP |
//! | [`machinery`] | what works on any object: selectors, schemas, patches, manifests, OpenAPI | single kinds |
//! | [`rules`] | what Kubernetes demands of each kind: defaulting, validation, lint, columns | tasks, sockets |
//! | [`store`] | versioned objects: get, list, watch, compare-and-write | who watches and why |
//! | [`controllers`] | StatefulSets, EndpointSlices, volumes, garbage collection, scheduling, lost nodes | runtimes, HTTP, sockets |
//! | [`node`] | pods to running things: probes, back-off, status, runtimes | StatefulSets, DNS |
//! | [`dns::message`] | names, requests, responses, the encoder, TSIG, cookies | zones, tasks |
//! | [`dns::zone`] | RRsets, the tree, the snapshot, versions and the journal | sockets, files, Kubernetes |
//! | [`dns::zonefile`] | master files and folders of them | sockets |
//! | [`dns::answer`] | the one place that decides what is answered | sockets, time |
//! | [`dns::service`] | who asks and what they may; the fast path, forwarding | transports |
//! | [`dns::secondary`] | transfers, NOTIFY, serials, the catalog zone | Kubernetes |
//! | [`dns::transport`] | sockets: UDP, TCP, DoT, DoH, DoQ | the inside of zones |
//! | [`names`] | services, slices, pods and sets to records; why a name is missing | sockets |
//! | [`files`] | manifest files: followed, read, applied | HTTP |
//! | [`api`] | paths and verbs to store calls, watch streams, authentication | controllers, runtimes, DNS |
//! | [`simulation`] | the whole under a virtual clock, from a seed | real time, real sockets |
//! | [`app`] | the only place where parts are wired, started, followed and stopped | rules |
//! | [`cli`] | one file per subcommand: parse, call, print, exit code | rules |
//!
//! `tests/tidy` holds the whole table and fails when an import breaks it, when two files import each
//! other in a circle, or when a file has no page.
//!
//! # What always holds
//!
//! - The middle is pure: `plan`, `render`, `answer`, `validate` and `default` take values and
//!   return values; no await, no clock, no store.
//! - One writer per state; readers never wait for it.
//! - A reconcile rereads the world by key; nothing depends on seeing every event.
//! - Only [`clock`] tells the time; everything that can grow has a named bound.
//! - A bad object never stops a loop: it is reported and skipped. A part that panics ends the process.

pub mod clock;
pub mod metrics;

pub mod config;

pub mod pki;

pub mod streaming;

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
