//! Rules: what Kubernetes demands of each kind.
//!
//! Defaulting, strategy (what a writer may not set), validation, lint (what is valid and likely not
//! meant) and the columns of tables. Pure: values go in and come out.

pub mod columns;
pub mod defaulting;
pub mod dry_run;
pub mod lint;
pub mod strategy;
pub mod validation;
