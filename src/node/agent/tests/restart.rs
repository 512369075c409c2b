//! A new agent takes up what the one before left.
