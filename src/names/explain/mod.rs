//! Explains why a name has no records, from the objects that its records would come from.
//!
//! ```text
//!   labels below the zone ─┬─ NS.svc ───────────► namespace? published?
//!                          ├─ SVC.NS.svc ───────► service? ─► its pods, its endpoints, the type
//!                          ├─ _PORT._PROTO.… ───► the service's ports
//!                          ├─ LABEL.SVC.NS.svc ─► published? ─► the pod ─► the StatefulSet and its ordinals
//!                          └─ …NS.pod ──────────► are names of pods on? has a pod the address?
//! ```
//!
//! Pure: a [`Landscape`] of objects, a question and an instant go in, a cause with a text comes out. It
//! is used only for names known to have no records of a type. For a name that exists it reports the
//! other address family, if the name has only that.
//!
//! One question looks at [`LOOKS_MAX`] objects at most. If that is not enough, the explanation says what
//! is known so far, but nothing that an object not looked at could refute. Texts are cut at 200 octets.

mod cause;
mod endpoint;
mod explainer;
mod explanation;
mod landscape;
mod member;
mod name;
mod pod;
mod port;
mod question;
mod said;
mod service;
mod set;
mod subject;
mod view;

pub use cause::Cause;
pub use explainer::Explainer;
pub use explanation::Explanation;
pub use landscape::Landscape;
pub use member::explain_member;
pub use name::explain;
pub use view::LOOKS_MAX;

#[cfg(test)]
mod tests;
