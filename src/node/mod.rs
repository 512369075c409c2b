//! The node: turns pods into running things through a runtime and reports their status.
