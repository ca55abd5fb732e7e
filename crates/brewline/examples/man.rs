//! Writes the manual, one page for each command, from the one definition of the command line:
//! `cargo run --example man -- DIR`. An example and no command, so that the program carries no writer of manuals.

use std::{env, fs, path::PathBuf, process::ExitCode};

fn main() -> ExitCode {
    let Some(dir) = env::args_os().nth(1).map(PathBuf::from) else {
        eprintln!("say where the pages are to be: cargo run --example man -- DIR");
        return ExitCode::from(2);
    };
    match fs::create_dir_all(&dir).and_then(|()| clap_mangen::generate_to(brewline::command(), &dir)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("can't write the pages to {}: {error}", dir.display());
            ExitCode::FAILURE
        }
    }
}
