//! Decisions over single pods.
