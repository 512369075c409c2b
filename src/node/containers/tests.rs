//! Containers of one pod, stepped by hand.
