//! The command line: every flag is defined here, once. Its doc comments are the help, and name the
//! environment variable that says the same.

#![expect(clippy::doc_markdown, reason = "doc comments here are the help on a terminal, not Markdown")]
#![allow(rustdoc::broken_intra_doc_links, reason = "the same: square brackets there are no links")]

mod commands;
mod parse;
mod shared;

use std::{env, ffi::OsString};

use clap::{
    Arg, ArgAction, ArgMatches, Args, Command as Clap, CommandFactory as _, Error, FromArgMatches as _,
    Parser, Subcommand, ValueEnum, builder::Resettable,
};
use clap_complete::Shell;

use self::parse::{FileParser, PropertyParser};
pub use self::{
    commands::*,
    parse::{NamedFile, Property},
    shared::*,
};
use crate::value::said_word;

/// An event-driven order line for cafés: the counter writes orders down, the barista makes them, the bell rings.
#[derive(Debug, Parser)]
#[command(
    name = "brewline",
    version,
    propagate_version = true,
    arg_required_else_help = true,
    max_term_width = 80
)]
pub struct Cli {
    #[command(flatten)]
    pub global: Global,
    #[command(subcommand)]
    pub command: Command,
}

/// What every command takes.
#[derive(Debug, Args)]
pub struct Global {
    /// The file with the settings [default: brewline.toml in this directory, if there is one]
    #[arg(long, global = true, value_name = "FILE", env = "BREWLINE_CONFIG", value_parser = FileParser)]
    pub config: Option<NamedFile>,

    /// Say more on stderr: -v what happens, -vv every detail
    #[arg(short, long, global = true, action = ArgAction::Count)]
    pub verbose: u8,

    /// How diagnostics are written on stderr [default: text]
    #[arg(long, global = true, env = "BREWLINE_LOG_FORMAT", value_parser = said_word::<LogFormat>())]
    pub log_format: Option<LogFormat>,
}

/// How diagnostics are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For people
    Text,
    /// One JSON object a line, for programs
    Json,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Start the whole line in one process, on a durable log in one directory
    Up(UpArgs),
    /// Take orders over HTTP, on an Apache Kafka that others share
    Counter(CounterArgs),
    /// Make the orders that the group's other baristas do not, on an Apache Kafka
    Barista(BaristaArgs),
    /// Be customers: order over HTTP and wait for the bell
    Client(ClientArgs),
    /// Practise a rush: send a seeded morning through a line of its own, and account for every order
    Rush(RushArgs),
    /// Make the topics that are missing on an Apache Kafka, and show how they are
    Topics(TopicsArgs),
    /// Show every record of an Apache Kafka as it comes, and what becomes of it
    Watch(WatchArgs),
    /// See to dead letters: records on an Apache Kafka that could not be read
    Dlq(DlqArgs),
    /// Count where every order is; the exit code is 1 if one is not accounted for
    Ledger(LedgerArgs),
    /// Write all that is in an embedded log to a file, also while its line runs, and read it back
    Backup(BackupArgs),
    /// Make an embedded log from a backup, in an empty directory
    Restore(RestoreArgs),
    /// Write all that is in a log as lines of JSON, also while its line runs, and read them back
    Export(ExportArgs),
    /// Make a log from an export: an embedded one, or the topics of an Apache Kafka
    Import(ImportArgs),
    /// Check the shop's files, menu.toml and shop.toml
    Menu(MenuArgs),
    /// Show which settings hold and who says so, and check the file that has them
    Config(ConfigArgs),
    /// Check whether the line can work here, and say what to do if not
    Doctor(DoctorArgs),
    /// Say whether the counter of this machine answers, as containers ask; the exit code is 1 if not
    Healthcheck(HealthcheckArgs),
    /// Print what a shell needs to complete commands and flags
    Completions {
        /// Which shell reads it
        #[arg(value_name = "SHELL")]
        shell: Shell,
    },
}

impl Cli {
    /// What the command line and the environment say.
    pub fn read(args: impl IntoIterator<Item = OsString>) -> Result<Self, Error> {
        Self::from_arg_matches(&Self::matches(args)?.1)
    }

    /// The same, not yet as values, and the command line that it was read with: for whoever asks who said what.
    pub(crate) fn matches(args: impl IntoIterator<Item = OsString>) -> Result<(Clap, ArgMatches), Error> {
        let mut command = without_empty_variables(Self::command());
        let matches = command.try_get_matches_from_mut(args)?;
        Ok((command, matches))
    }
}

/// A variable that is set to nothing is not set: many a script can't unset one.
fn without_empty_variables(command: Clap) -> Clap {
    let is_empty = |arg: &Arg| arg.get_env().and_then(env::var_os).is_some_and(|value| value.is_empty());
    let command = command.mut_args(|arg| if is_empty(&arg) { arg.env(Resettable::Reset) } else { arg });
    command.mut_subcommands(without_empty_variables)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_readmes_name_every_flag_and_variable() {
        let command = <Cli as clap::CommandFactory>::command();
        let all =
            std::iter::once(&command).chain(command.get_subcommands()).flat_map(clap::Command::get_arguments);
        for arg in all.filter(|arg| arg.get_id() != "verbose") {
            let flag = arg.get_long().map(|long| format!("`--{long}"));
            let variable = arg.get_env().map(|env| format!("`{}", env.display()));
            for name in flag.into_iter().chain(variable) {
                for text in [include_str!("../../../README.md"), include_str!("../../../README.ko.md")] {
                    let named = text.contains(&format!("{name}`")) || text.contains(&format!("{name} "));
                    assert!(named, "{name} is missing");
                }
            }
        }
    }
}
