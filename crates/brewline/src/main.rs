//! The `brewline` command.

use std::process::ExitCode;

fn main() -> ExitCode {
    brewline::run(std::env::args_os())
}
