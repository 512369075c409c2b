//! The only place where parts are wired, started, drained and stopped.
