//! Why a name that is asked for has no records, from the objects that it would come from.
//!
//! ```text
//!   labels below the zone ─┬─ NS.svc ───────────► namespace? published?
//!                          ├─ SVC.NS.svc ───────► service? ─► its pods, its endpoints, the type
//!                          ├─ _PORT._PROTO.… ───► the service's ports
//!                          ├─ LABEL.SVC.NS.svc ─► published? ─► the pod ─► the StatefulSet and its ordinals
//!                          └─ …NS.pod ──────────► are there names of pods? such an address?
//! ```
//!
//! Pure: a [`Landscape`] of objects, a question and an instant go in, a cause with a text comes out.
//! It is asked only once a name is known to have no records, so it never says whether there is an
//! answer, only what stands in its way. For a name that exists it reports the other address family, if
//! that is all that the name has.
//!
//! One question looks at [`LOOKS_MAX`] objects at most. If that is not enough, the explanation says what
//! is known so far, and nothing that an object not looked at could refute; texts are cut at 200 octets.

mod cause;
mod endpoint;
mod explainer;
mod explanation;
mod landscape;
mod name;
mod pod;
mod port;
mod question;
mod service;
mod set;
mod subject;
mod view;

pub use cause::Cause;
pub use explainer::Explainer;
pub use explanation::Explanation;
pub use landscape::Landscape;
pub use name::explain;
pub use view::LOOKS_MAX;

#[cfg(test)]
mod tests;
