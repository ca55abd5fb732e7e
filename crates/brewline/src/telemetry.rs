//! Diagnostics on stderr: for people on a terminal, as JSON for programs. Order ids, never notes or names.

use std::io::{self, IsTerminal as _};

use tracing::Level;

use crate::cli::LogFormat;

/// Diagnostics from now on; `verbose` counts the `-v` flags.
pub(crate) fn init(verbose: u8, format: LogFormat) {
    let level = match verbose {
        0 => Level::WARN,
        1 => Level::INFO,
        _ => Level::DEBUG,
    };
    let builder = tracing_subscriber::fmt()
        .with_max_level(level)
        // They would be said on stderr, which is what can't be written to, by a macro that panics then.
        .log_internal_errors(false)
        .with_writer(io::stderr)
        .with_ansi(io::stderr().is_terminal())
        .with_target(verbose > 1);
    // A second subscriber in one process is a test's business; the first one stays.
    let _ = match format {
        LogFormat::Text => builder.try_init(),
        LogFormat::Json => builder.json().flatten_event(true).try_init(),
    };
}
