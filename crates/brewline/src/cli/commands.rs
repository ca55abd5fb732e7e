//! What each command takes.

use std::{ffi::OsString, net::SocketAddr, path::PathBuf};

use clap::{Args, Subcommand, ValueEnum};
use client::CounterAddress;
use eventlog::{Start, Topic};
use jiff::Zoned;
use order::OrderId;

use super::{
    AskedArgs, BrewArgs, FileParser, KafkaArgs, KeepArgs, LineArgs, ListenArgs, NamedFile, QuietArgs,
    RunArgs, ServeArgs, SharedArgs, ShopArgs, TraceArgs,
};
use crate::{
    dlq::Place,
    log_address::LogAddress,
    value::{self, Told, said, said_word, told},
    watch,
};

/// What `up` takes.
#[derive(Debug, Default, Clone, Args)]
pub struct UpArgs {
    #[command(flatten)]
    pub line: LineArgs,
    #[command(flatten)]
    pub brew: BrewArgs,
    #[command(flatten)]
    pub serve: ServeArgs,
    #[command(flatten)]
    pub run: RunArgs,
    #[command(flatten)]
    pub quiet: QuietArgs,
    #[command(flatten)]
    pub traces: TraceArgs,

    /// Practise: a throw-away log, a banner on every page, and people who come by themselves; customers alone where you are the barista [default: no practice, alone it is everyone]
    #[arg(long, value_name = "WHO", num_args = 0..=1, require_equals = true, default_missing_value = "everyone", value_parser = said_word::<Demo>())]
    pub demo: Option<Demo>,
}

/// Who practises.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Demo {
    /// Customers and those who work at the bar
    Everyone,
    /// Customers; the bar is yours
    Customers,
    /// Nobody; all of it is yours
    Nobody,
}

/// What `counter` takes.
#[derive(Debug, Default, Clone, Args)]
pub struct CounterArgs {
    #[command(flatten)]
    pub log: SharedArgs,
    #[command(flatten)]
    pub listen: ListenArgs,
    #[command(flatten)]
    pub serve: ServeArgs,
    #[command(flatten)]
    pub run: RunArgs,
    #[command(flatten)]
    pub traces: TraceArgs,
}

/// What `barista` takes.
#[derive(Debug, Default, Clone, Args)]
pub struct BaristaArgs {
    #[command(flatten)]
    pub log: SharedArgs,
    #[command(flatten)]
    pub brew: BrewArgs,

    /// Where a barista answers machines, at /livez, /readyz and /metrics: an IP address and a port [default: nowhere]
    #[arg(long, value_name = "ADDRESS:PORT", env = "BREWLINE_METRICS_LISTEN", value_parser = said(value::listen))]
    pub metrics_listen: Option<SocketAddr>,

    #[command(flatten)]
    pub run: RunArgs,
    #[command(flatten)]
    pub quiet: QuietArgs,
    #[command(flatten)]
    pub traces: TraceArgs,
}

/// What `topics` takes.
#[derive(Debug, Default, Clone, Args)]
pub struct TopicsArgs {
    #[command(flatten)]
    pub log: SharedArgs,
    #[command(flatten)]
    pub keep: KeepArgs,

    /// How many partitions orders are spread over, 1 to 1000; missing ones are added, stop the counters first [default: as many as there are, 1 in a new log]
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = said(|n: &str| value::PARTITIONS.parse(n)))]
    pub partitions: Option<u32>,

    /// Only say what would be made: nothing is; the exit code is 1 while something is missing or refused
    #[arg(long)]
    pub dry_run: bool,
}

/// What `watch` takes.
#[derive(Debug, Default, Clone, Args)]
pub struct WatchArgs {
    #[command(flatten)]
    pub log: SharedArgs,

    /// Show this topic, order.received for example, without the prefix; again for each [default: all of them]
    #[arg(long, value_name = "NAME", value_parser = said(value::topic))]
    pub topic: Vec<Topic>,

    /// Where to begin: beginning, end, a time as in 14:30 or 2026-11-23T14:30, or how long ago as in 10m [default: end]
    #[arg(long, value_name = "beginning|end|TIME", value_parser = said(|text: &str| watch::start(text, &Zoned::now())))]
    pub from: Option<Start>,

    /// Show only what is about this order [default: everything]
    #[arg(long, value_name = "ID", value_parser = said(value::order))]
    pub order: Option<OrderId>,

    /// One JSON object a line, for programs
    #[arg(long)]
    pub json: bool,
}

/// What `ledger` takes.
#[derive(Debug, Default, Clone, Args)]
// Nobody listens here; that it is taken is for those who say it to every command.
#[command(mut_arg("listen", |listen| listen.hide(true)))]
pub struct LedgerArgs {
    #[command(flatten)]
    pub line: LineArgs,

    /// How everything was then: a time by the shop's clock as in 14:30 or 2026-11-23T14:30, or how long ago as in 10m
    /// [default: now]
    #[arg(long, value_name = "TIME", conflicts_with = "follow", value_parser = said(watch::said_moment))]
    pub at: Option<String>,

    /// Go on until Ctrl-C
    #[arg(long)]
    pub follow: bool,

    /// One JSON object a line, for programs: as GET /ledger has it
    #[arg(long)]
    pub json: bool,

    #[command(flatten)]
    pub asked: AskedArgs,

    /// When the shop's days end, where the log is read [default: shop.toml in this directory, or else an example]
    #[arg(long, value_name = "FILE", env = "BREWLINE_SHOP", value_parser = FileParser)]
    pub shop: Option<NamedFile>,
}

/// What `backup` takes.
#[derive(Debug, Clone, Args)]
pub struct BackupArgs {
    /// The file to write; it must not be there yet
    #[arg(value_name = "FILE")]
    pub file: PathBuf,

    /// Where the log is: local:DIR, ~/ is your home directory [default: local: and the platform's data directory for brewline]
    #[arg(long, value_name = "local:DIR", env = "BREWLINE_LOG", value_parser = said(str::parse::<LogAddress>))]
    pub log: Option<LogAddress>,

    #[command(flatten)]
    pub asked: AskedArgs,
}

/// What `restore` takes.
#[derive(Debug, Clone, Args)]
pub struct RestoreArgs {
    /// The backup
    #[arg(value_name = "FILE")]
    pub file: PathBuf,

    /// Where the log is to be: local:DIR, a directory that is empty or not there [default: local: and the platform's data directory for brewline]
    #[arg(long, value_name = "local:DIR", env = "BREWLINE_LOG", value_parser = said(str::parse::<LogAddress>))]
    pub log: Option<LogAddress>,

    /// Only try it: restore beside the file, count the ledger, and remove it again
    #[arg(long)]
    pub check: bool,
}

/// What `export` takes.
#[derive(Debug, Clone, Args)]
pub struct ExportArgs {
    /// The file to write; it must not be there yet. - is stdout
    #[arg(value_name = "FILE")]
    pub file: PathBuf,

    /// Where the log is: local:DIR, ~/ is your home directory, or kafka://HOST:PORT[,HOST:PORT] [default: local: and the platform's data directory for brewline]
    #[arg(long, value_name = "ADDRESS", env = "BREWLINE_LOG", value_parser = said(str::parse::<LogAddress>))]
    pub log: Option<LogAddress>,

    #[command(flatten)]
    pub asked: AskedArgs,

    #[command(flatten)]
    pub kafka: KafkaArgs,
}

/// What `import` takes.
#[derive(Debug, Clone, Args)]
pub struct ImportArgs {
    /// The export. - is stdin
    #[arg(value_name = "FILE")]
    pub file: PathBuf,

    /// Where the log is to be: local:DIR, a directory that is empty or not there, or kafka://HOST:PORT[,HOST:PORT], where its topics are not there [default: local: and the platform's data directory for brewline]
    #[arg(long, value_name = "ADDRESS", env = "BREWLINE_LOG", value_parser = said(str::parse::<LogAddress>))]
    pub log: Option<LogAddress>,

    /// Only read it to its end and compare it; nothing is made
    #[arg(long)]
    pub check: bool,

    /// Remove the topics that an import has left that was not finished, and begin anew
    #[arg(long, help_heading = "Apache Kafka")]
    pub again: bool,

    #[command(flatten)]
    pub kafka: KafkaArgs,

    #[command(flatten)]
    pub keep: KeepArgs,
}

/// What `dlq` takes.
#[derive(Debug, Clone, Args)]
pub struct DlqArgs {
    #[command(subcommand)]
    pub what: Dlq,
}

/// What to do with dead letters.
#[derive(Debug, Clone, Subcommand)]
pub enum Dlq {
    /// List the dead letters that nobody has seen to
    List {
        #[command(flatten)]
        log: SharedArgs,

        /// Also those that were retried or dropped
        #[arg(long)]
        all: bool,
    },
    /// Show everything about one, with its bytes
    Show {
        #[command(flatten)]
        log: SharedArgs,

        #[command(flatten)]
        letter: LetterArg,
    },
    /// Publish one as it came, where it came from: a barista reads it again
    Retry {
        #[command(flatten)]
        log: SharedArgs,

        #[command(flatten)]
        letter: LetterArg,

        /// Also if it was retried or dropped before
        #[arg(long)]
        again: bool,
    },
    /// Mark one as seen to: nothing is to come of it
    Drop {
        #[command(flatten)]
        log: SharedArgs,

        #[command(flatten)]
        letter: LetterArg,
    },
}

/// Which dead letter.
#[derive(Debug, Clone, Copy, Args)]
pub struct LetterArg {
    /// The letter: partition and offset, as `list` shows them
    #[arg(value_name = "PARTITION/OFFSET", value_parser = said(str::parse::<Place>))]
    pub letter: Place,
}

/// What `doctor` takes.
#[derive(Debug, Default, Clone, Args)]
pub struct DoctorArgs {
    #[command(flatten)]
    pub line: LineArgs,
    #[command(flatten)]
    pub shop: ShopArgs,
}

/// What `healthcheck` takes.
#[derive(Debug, Default, Clone, Args)]
pub struct HealthcheckArgs {
    /// The log of the line that is asked: it says where its line listens, unless --listen does [default: local: and the platform's data directory for brewline]
    #[arg(long, value_name = "ADDRESS", env = "BREWLINE_LOG", value_parser = said(str::parse::<LogAddress>))]
    pub log: Option<LogAddress>,

    /// Where the counter listens: an IP address and a port [default: as the line says that has the log, or else 127.0.0.1:8080]
    #[arg(long, value_name = "ADDRESS:PORT", env = "BREWLINE_LISTEN", value_parser = said(value::listen))]
    pub listen: Option<SocketAddr>,
}

/// What `menu` takes.
#[derive(Debug, Clone, Args)]
pub struct MenuArgs {
    #[command(subcommand)]
    pub what: MenuCommand,
}

/// What to do with the shop's files.
#[derive(Debug, Clone, Subcommand)]
pub enum MenuCommand {
    /// Say whether a file is right, or all that is wrong with it; the exit code is 1 then
    Check {
        /// The file: what menu.toml is to be, or shop.toml
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
}

/// What `client` takes.
#[derive(Debug, Clone, Args)]
pub struct ClientArgs {
    /// How many customers come, one a second, 1 to 10000
    #[arg(short = 'c', long, alias = "c", value_name = "N", default_value_t = 10, allow_negative_numbers = true, value_parser = said(|n: &str| value::CUSTOMERS.parse(n)))]
    pub customers: u32,

    /// The counter's address [default: http://127.0.0.1:8080]
    #[arg(long, value_name = "URL", env = "BREWLINE_COUNTER", value_parser = said(value::counter))]
    pub counter: Option<CounterAddress>,

    /// Whose certificate is trusted where the counter is https, a PEM file [default: those that the system trusts]
    #[arg(long, value_name = "FILE", env = "BREWLINE_CA")]
    pub ca: Option<PathBuf>,

    /// Hear the bells in an Apache Kafka, whoever's counter it is; log in the settings file says the same [default: from the counter]
    #[arg(long, value_name = "kafka://HOST:PORT[,HOST:PORT]", env = "BREWLINE_LOG", value_parser = told(str::parse::<LogAddress>))]
    pub log: Option<Told<LogAddress>>,

    #[command(flatten)]
    pub kafka: KafkaArgs,

    /// End when every accepted order has rung, instead of waiting for Ctrl-C
    #[arg(long)]
    pub once: bool,

    /// One JSON object a line, for programs
    #[arg(long)]
    pub json: bool,

    /// Draw the same cups again, 0 to 18446744073709551615 [default: others each time]
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = said(|n: &str| value::SEED.parse(n)))]
    pub seed: Option<u64>,
}

/// What `rush` takes.
#[derive(Debug, Clone, Args)]
pub struct RushArgs {
    /// How many customers come, 1 to 10000
    #[arg(long, value_name = "N", default_value_t = 200, allow_negative_numbers = true, value_parser = said(|n: &str| value::CUSTOMERS.parse(n)))]
    pub customers: u32,

    /// Within how many minutes, 1 to 1440
    #[arg(long, value_name = "N", default_value_t = 10, allow_negative_numbers = true, value_parser = said(|n: &str| value::MINUTES.parse(n)))]
    pub minutes: u32,

    /// How many times as fast as the clock, 1 to 1000; 60x is as good as 60
    #[arg(long, value_name = "N", default_value = "60", allow_negative_numbers = true, value_parser = said(value::speed))]
    pub speed: u32,

    /// Have the same morning again, 0 to 18446744073709551615 [default: another each time]
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = said(|n: &str| value::SEED.parse(n)))]
    pub seed: Option<u64>,

    /// Kill the line in between, as a power cut would, and start it again
    #[arg(long)]
    pub faults: bool,

    /// Keep the log, and what the line says, in a directory that is empty or not there yet [default: they are removed]
    #[arg(long, value_name = "DIR")]
    pub keep: Option<PathBuf>,

    /// Go to this practice line, which brewline up --demo started [default: a line of its own]
    #[arg(long, value_name = "URL", value_parser = said(value::counter))]
    pub counter: Option<CounterAddress>,

    /// The staff token of that line [default: that of its own]
    #[arg(long, value_name = "TOKEN", env = "BREWLINE_TOKEN", hide_env_values = true)]
    pub token: Option<String>,

    #[command(flatten)]
    pub shop: ShopArgs,
}

/// What `config` takes.
#[derive(Debug, Clone, Args)]
pub struct ConfigArgs {
    #[command(subcommand)]
    pub what: ConfigCommand,
}

/// What to do with the settings.
#[derive(Debug, Clone, Subcommand)]
pub enum ConfigCommand {
    /// Show what holds and who says so: flag, environment, file or default. Secrets are hidden
    Show {
        /// One JSON object, for programs
        #[arg(long)]
        json: bool,

        /// Only what this command goes by, with the flags that it is started with, as in: up --hands 3 [default: every setting]
        #[arg(value_name = "COMMAND", trailing_var_arg = true, allow_hyphen_values = true)]
        command: Vec<OsString>,
    },
    /// Say whether the settings file is right, or all that is wrong with it; the exit code is 1 then
    Check {
        /// The file [default: the one that is read: --config, or brewline.toml in this directory]
        #[arg(value_name = "FILE")]
        file: Option<PathBuf>,
    },
    /// Print a brewline.toml with every key, what it says, its range, unit and default
    Example,
}
