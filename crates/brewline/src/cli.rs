//! The command line: every flag is defined here, once. Its doc comments are the help, and name the
//! environment variable that says the same.

#![expect(clippy::doc_markdown, reason = "doc comments here are the help on a terminal, not Markdown")]

use std::{net::SocketAddr, path::PathBuf};

use clap::{ArgAction, Args, Parser, Subcommand, ValueEnum, builder::BoolishValueParser};

use crate::log_address::LogAddress;

/// An event-driven order line for cafés: the counter writes orders down, the barista makes them, the bell rings.
#[derive(Debug, Parser)]
#[command(name = "brewline", version, propagate_version = true, arg_required_else_help = true)]
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
    #[arg(long, global = true, value_name = "FILE", env = "BREWLINE_CONFIG")]
    pub config: Option<PathBuf>,

    /// Say more on stderr: -v what happens, -vv every detail
    #[arg(short, long, global = true, action = ArgAction::Count)]
    pub verbose: u8,

    /// How diagnostics are written on stderr
    #[arg(long, global = true, value_enum, env = "BREWLINE_LOG_FORMAT")]
    pub log_format: Option<LogFormat>,
}

/// How diagnostics are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
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
    /// Be customers: order over HTTP and wait for the bell
    Client(ClientArgs),
    /// Check whether the line can work here, and say what to do if not
    Doctor(LineArgs),
}

/// Where the line keeps its log and listens.
#[derive(Debug, Default, Clone, Args)]
pub struct LineArgs {
    /// Where the log is: local:DIR [default: local: and the platform's data directory]
    #[arg(long, value_name = "local:DIR", env = "BREWLINE_LOG")]
    pub log: Option<LogAddress>,

    /// The address for HTTP [default: 127.0.0.1:8080]
    #[arg(long, value_name = "ADDRESS:PORT", env = "BREWLINE_LISTEN")]
    pub listen: Option<SocketAddr>,
}

/// What `up` takes.
#[derive(Debug, Default, Clone, Args)]
pub struct UpArgs {
    #[command(flatten)]
    pub line: LineArgs,

    /// Who makes the drinks [default: auto]
    #[arg(long, value_enum, env = "BREWLINE_MODE")]
    pub mode: Option<Mode>,

    /// How many drinks make themselves at once [default: no limit]
    #[arg(long, value_name = "N", env = "BREWLINE_HANDS", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub hands: Option<u32>,

    /// How long one cup takes, 0 to 3600 seconds, where the order does not say [default: 1]
    #[arg(long, value_name = "SECONDS", env = "BREWLINE_SECONDS_PER_CUP", allow_negative_numbers = true, value_parser = seconds_per_cup)]
    pub seconds_per_cup: Option<f64>,

    /// Open orders at most; more are refused until there is room [default: 2000000]
    #[arg(long, value_name = "N", env = "BREWLINE_MAX_OPEN", value_parser = clap::value_parser!(u32).range(1..))]
    pub max_open: Option<u32>,

    /// Live streams at most: each open page holds one [default: 20000]
    #[arg(long, value_name = "N", env = "BREWLINE_MAX_STREAMS", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub max_streams: Option<u32>,

    /// Live streams of one address at most, loopback not counted [default: 512]
    #[arg(long, value_name = "N", env = "BREWLINE_MAX_STREAMS_PER_ADDRESS", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub max_streams_per_address: Option<u32>,

    /// How long records are kept, in days [default: 30]
    #[arg(long, value_name = "DAYS", env = "BREWLINE_RETENTION_DAYS", value_parser = clap::value_parser!(u32).range(2..=3650))]
    pub retention_days: Option<u32>,

    /// Make a new staff token, show it once, and forget the old one
    #[arg(long)]
    pub new_staff_token: bool,

    /// Go on although records that were never read are gone from the log
    #[arg(long)]
    pub accept_loss: bool,

    /// Do not show each order's way
    #[arg(short, long, env = "BREWLINE_QUIET", value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true", value_parser = BoolishValueParser::new())]
    pub quiet: Option<bool>,
}

/// Who makes the drinks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// Drinks make themselves, for practice
    Auto,
    /// People make them and say so
    Manual,
}

/// What `client` takes.
#[derive(Debug, Clone, Args)]
pub struct ClientArgs {
    /// How many customers come, one a second
    #[arg(short = 'c', long, alias = "c", value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub customers: u32,

    /// The counter's address [default: http://127.0.0.1:8080]
    #[arg(long, value_name = "URL", env = "BREWLINE_COUNTER")]
    pub counter: Option<String>,

    /// End when every accepted order has rung, instead of waiting for Ctrl-C
    #[arg(long)]
    pub once: bool,

    /// One JSON object a line, for programs
    #[arg(long)]
    pub json: bool,

    /// Draw the same cups again
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
}

fn seconds_per_cup(text: &str) -> Result<f64, String> {
    let seconds: f64 = text.parse().map_err(|_| "a number of seconds, such as 0.5".to_owned())?;
    check_seconds_per_cup(seconds)
}

/// The seconds, if they are within the range.
pub fn check_seconds_per_cup(seconds: f64) -> Result<f64, String> {
    if (0.0..=3_600.0).contains(&seconds) { Ok(seconds) } else { Err("0 to 3600 seconds".to_owned()) }
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
