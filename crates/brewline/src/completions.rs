//! `brewline completions`: what a shell needs to complete commands and flags.

use std::{
    io::{self, Write as _},
    process::ExitCode,
};

use clap_complete::Shell;

/// Writes the script for `shell` to stdout.
pub(crate) fn completions(shell: Shell) -> ExitCode {
    // Into memory first: what writes it takes no error for an answer.
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut crate::command(), "brewline", &mut script);
    // Whoever reads it may have gone away.
    let _ = io::stdout().write_all(&script).and_then(|()| io::stdout().flush());
    ExitCode::SUCCESS
}
