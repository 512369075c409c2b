//! Rules: what Kubernetes demands of each kind.
//!
//! Defaulting, strategy (what a write cannot change), validation, lint (warnings about valid objects)
//! and the columns of tables. Pure: values go in and come out.

pub mod columns;
pub mod defaulting;
pub mod dry_run;
pub mod lint;
pub mod strategy;
pub mod validation;
