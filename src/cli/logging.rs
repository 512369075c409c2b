//! Logs: to standard error, as text or as JSON. Progress goes to standard output.
//!
//! | flag | what is logged |
//! |---|---|
//! | | warnings and errors |
//! | `-v` | what is done: parts that start and end, files that are written, connections that are refused |
//! | `-vv` | each decision, with the module: reconciled objects, API requests, published versions |
//! | `-vvv` | each DNS query, and what the libraries say |
//!
//! The level follows from `-v` and `-q` alone; there is no environment variable for it.

use tracing_subscriber::EnvFilter;

use crate::config::{CommonSettings, LogFormat, wants_color};

/// From this on the module is named.
const VERBOSE_WITH_TARGET: u8 = 2;

/// Starts logging. Later calls in the same process change nothing.
pub(super) fn start(settings: &CommonSettings) {
    let filter = EnvFilter::new(directives(settings.verbose, settings.quiet));
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let started = match settings.log_format {
        LogFormat::Text => builder
            .with_target(settings.verbose >= VERBOSE_WITH_TARGET)
            .with_ansi(wants_color(&std::io::stderr()))
            .try_init(),
        LogFormat::Json => builder.json().try_init(),
    };
    // Only a second start in one process fails, and then logging is there already.
    drop(started);
}

/// Our own modules at the level the user asked for. The DNS library logs every malformed packet as a
/// warning, so only its errors are shown.
fn directives(verbose: u8, is_quiet: bool) -> &'static str {
    match (is_quiet, verbose) {
        (true, _) => "error",
        (false, 0) => "warn,hickory_server=error,hickory_proto=error,hickory_net=error",
        (false, 1) => "warn,dullahan=info",
        (false, 2) => "info,dullahan=debug",
        (false, _) => "debug,dullahan=trace",
    }
}
