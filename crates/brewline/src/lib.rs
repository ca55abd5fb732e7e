//! The binary: command line, settings, diagnostics, wiring.
//!
//! | module | what it holds |
//! |---|---|
//! | [`cli`] | every flag, once |
//! | [`value`] | what each setting may be, wherever it is said |
//! | [`mod@file`] | the settings file |
//! | [`config`] | flags, environment, file and defaults become settings |
//! | [`catalog()`] | the topics of the contract as the log must keep them |
//! | [`mod@line`] | a process of the line: a counter, a barista, or both |
//! | `opened` | the log, wherever it is: opened, and closed in the end |
//! | `bells` | the bells in the log, for customers of any counter |
//! | [`menu`] | the shop's two files: read, kept up with, checked |
//! | `banner` | what such a process says when it has started |
//! | `door`, `qr` | how phones get in; an address as a QR code on a terminal |
//! | `reach` | whether other machines reach the line, and by which address |
//! | `hearing` | one topic, heard over everything that heals |
//! | `kafka` | Apache Kafka, or a sentence where this program has none |
//! | `meters` | what a process says of itself at `/metrics`: processor, memory, disk |
//! | `narrate` | shows each order's way |
//! | `chatter` | keeps what changes nothing from crowding that |
//! | `practice` | customers and baristas of a plan, over the real API |
//! | `demo` | a practice line, with people in it |
//! | `rush` | a seeded morning, and the verdict on it |
//! | `ending` | the bound on a clean stop |
//! | [`collector`] | traces on their way to a collector |
//! | `settings` | which settings hold and who says so; their file checked, and shown with every key |
//! | `doctor` | whether the line can work here |
//! | `healthcheck`, `completions` | whether a counter answers here; scripts for shells |
//! | `topics` | the topics of a cluster: made, and shown |
//! | [`watch`] | every record as it comes, and what becomes of it |
//! | [`asked`] | the counter that is asked where a line that runs has the log |
//! | `ledger` | where every order is, counted here or by a counter |
//! | [`dlq`] | dead letters: listed, shown, retried, dropped |
//! | `backup`, [`transfer`] | copies of a log; all of it as lines of JSON, and a log from those |
//! | `signals`, `systemd`, `telemetry` | Ctrl-C; what systemd is told; diagnostics on stderr |
#![expect(missing_docs, reason = "flags and settings are documented where they are defined, in `cli`")]

pub mod asked;
mod backup;
mod banner;
mod bells;
mod catalog;
mod chatter;
pub mod cli;
pub mod collector;
mod completions;
pub mod config;
mod customers;
mod demo;
pub mod dlq;
mod doctor;
mod door;
mod ending;
pub mod file;
mod foreign;
mod healthcheck;
mod hearing;
mod kafka;
mod ledger;
pub mod line;
pub mod log_address;
pub mod menu;
mod meters;
mod narrate;
mod opened;
mod practice;
mod qr;
mod reach;
mod rush;
mod settings;
mod signals;
mod systemd;
mod taken;
mod telemetry;
mod topics;
pub mod transfer;
pub mod value;
pub mod watch;

use std::{future::Future, io::Write as _, process::ExitCode};

use clap::CommandFactory as _;

pub use crate::catalog::{RETENTION_DAYS, catalog};

/// One thread makes a decision's records and another writes and frees them; the system's allocator makes the
/// two wait for each other (measured: a third of the time of a drain).
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Runs the command line `args`, and says how it went. What goes wrong is one sentence on stderr.
pub fn run(args: impl IntoIterator<Item = std::ffi::OsString>) -> ExitCode {
    let cli = match cli::Cli::read(args) {
        Ok(cli) => cli,
        // clap writes help to stdout and mistakes to stderr, each with its own exit code.
        Err(error) => return refused(&error),
    };
    match dispatch(cli) {
        Ok(code) => code,
        Err(error) => {
            // Not with `eprintln!`, which panics when the terminal is gone.
            let _ =
                writeln!(std::io::stderr(), "brewline: {}", log_address::name_the_flag(format!("{error:#}")));
            ExitCode::FAILURE
        }
    }
}

/// Says what is wrong with a command line, or the help that was asked for.
fn refused(error: &clap::Error) -> ExitCode {
    let _ = error.print();
    ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2))
}

/// The command line itself, for its documentation and tests.
pub fn command() -> clap::Command {
    cli::Cli::command()
}

fn dispatch(cli: cli::Cli) -> anyhow::Result<ExitCode> {
    // Shells ask at their start, wherever that is, and whatever settings are there; what is about the file reads it itself.
    // A line that goes on is not ill because the file is edited; whoever says where it listens has said all.
    let file = match &cli.command {
        cli::Command::Completions { .. } | cli::Command::Config(_) => file::File::default(),
        cli::Command::Healthcheck(args) if args.listen.is_some() => file::File::default(),
        _ => file::File::read(&cli.global).map_err(anyhow::Error::msg)?,
    };
    telemetry::init(cli.global.verbose, file.log_format(&cli.global));
    let wrong = anyhow::Error::msg::<String>;
    let run = |options| block_on(line::run(options))?.map(|()| ExitCode::SUCCESS);
    match cli.command {
        cli::Command::Up(args) => run(file.up(&args).map_err(wrong)?),
        cli::Command::Counter(args) => run(file.counter_alone(&args).map_err(wrong)?),
        cli::Command::Barista(args) => run(file.barista_alone(&args).map_err(wrong)?),
        cli::Command::Client(args) => {
            let counter = file.counter(args.counter.clone());
            block_on(customers::client(
                &args,
                counter,
                file.ca(args.ca.clone()),
                file.bells(&args).map_err(wrong)?,
            ))?
        }
        cli::Command::Rush(args) => block_on(rush::rush(file.rush(&args).map_err(wrong)?))?,
        cli::Command::Topics(args) => topics::topics(&file.topics(&args).map_err(wrong)?),
        cli::Command::Watch(args) => block_on(watch::watch(file.watch(&args).map_err(wrong)?))?,
        cli::Command::Dlq(args) => {
            let (cluster, what) = file.dlq(&args).map_err(wrong)?;
            block_on(dlq::dlq(cluster, what))?
        }
        cli::Command::Ledger(args) => block_on(ledger::ledger(file.ledger(&args).map_err(wrong)?))?,
        cli::Command::Backup(args) => block_on(backup::backup(file.backup(&args).map_err(wrong)?))?,
        cli::Command::Restore(args) => block_on(backup::restore(file.restore(&args).map_err(wrong)?))?,
        cli::Command::Export(args) => block_on(transfer::export(file.export(&args).map_err(wrong)?))?,
        cli::Command::Import(args) => block_on(transfer::import(file.import(&args).map_err(wrong)?))?,
        cli::Command::Menu(args) => match args.what {
            cli::MenuCommand::Check { file } => menu::check(file),
        },
        cli::Command::Healthcheck(args) => block_on(healthcheck::healthcheck(file.health(&args)))?,
        cli::Command::Completions { shell } => Ok(completions::completions(shell)),
        cli::Command::Config(args) => settings::config(args.what, cli.global),
        cli::Command::Doctor(args) => {
            Ok(doctor::doctor(&file.line(&args.line).map_err(wrong)?, &file.files(&args.shop)))
        }
    }
}

/// Runs `work` to its end, and leaves behind what else is still going on: a thread that waits for a disk or a
/// terminal must not keep the process from ending.
fn block_on<T>(work: impl Future<Output = T>) -> std::io::Result<T> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let done = runtime.block_on(work);
    runtime.shutdown_background();
    Ok(done)
}

#[cfg(test)]
mod tests {
    use std::{sync::mpsc::channel, time::Duration};

    #[test]
    fn a_thread_that_is_stuck_does_not_keep_the_process_from_ending() {
        let (tell, told) = channel();
        let (_never, stuck) = channel::<()>();
        std::thread::spawn(move || {
            let done = super::block_on(async {
                let (begin, began) = tokio::sync::oneshot::channel();
                tokio::task::spawn_blocking(move || {
                    begin.send(()).unwrap();
                    stuck.recv()
                });
                began.await.unwrap();
            });
            tell.send(done.is_ok()).unwrap();
        });
        assert_eq!(told.recv_timeout(Duration::from_mins(1)), Ok(true));
    }
}
