//! The command line: every flag is defined here, once. Its doc comments are the help, and name the
//! environment variable that says the same.

#![expect(clippy::doc_markdown, reason = "doc comments here are the help on a terminal, not Markdown")]
#![allow(rustdoc::broken_intra_doc_links, reason = "the same: square brackets there are no links")]

use std::{
    env,
    ffi::{OsStr, OsString},
    fmt,
    net::SocketAddr,
    path::PathBuf,
};

use clap::{
    Arg, ArgAction, Args, Command as Clap, CommandFactory as _, Error, FromArgMatches as _, Parser,
    Subcommand, ValueEnum,
    builder::{Resettable, TypedValueParser},
    error::ErrorKind,
    parser::ValueSource,
};
use clap_complete::Shell;
use client::CounterAddress;
use counter::PublicUrl;
use eventlog::{Start, Topic};
use jiff::Zoned;
use order::OrderId;

use crate::{
    backup::{BackupArgs, RestoreArgs},
    dlq::Place,
    kafka::check_property,
    log_address::LogAddress,
    value::{self, Told, origin, said, said_word, told},
    watch,
};

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
    /// Check the shop's files, menu.toml and shop.toml
    Menu(MenuArgs),
    /// Check whether the line can work here, and say what to do if not
    Doctor(DoctorArgs),
    /// Say whether the counter of this machine answers, as containers ask; the exit code is 1 if not
    Healthcheck(ListenArgs),
    /// Print what a shell needs to complete commands and flags
    Completions {
        /// Which shell reads it
        #[arg(value_name = "SHELL")]
        shell: Shell,
    },
}

/// Where the line keeps its log and listens.
#[derive(Debug, Default, Clone, Args)]
pub struct LineArgs {
    /// Where the log is: local:DIR, ~/ is your home directory, or kafka://HOST:PORT[,HOST:PORT] [default: local: and the platform's data directory for brewline]
    #[arg(long, value_name = "ADDRESS", env = "BREWLINE_LOG", value_parser = said(str::parse::<LogAddress>))]
    pub log: Option<LogAddress>,

    #[command(flatten)]
    pub listen: ListenArgs,

    #[command(flatten)]
    pub kafka: KafkaArgs,
}

/// Which Apache Kafka the line shares with others.
#[derive(Debug, Default, Clone, Args)]
pub struct SharedArgs {
    /// Where the log is; one broker that answers is enough [default: kafka://localhost:9092]
    #[arg(long, value_name = "kafka://HOST:PORT[,HOST:PORT]", env = "BREWLINE_LOG", value_parser = said(str::parse::<LogAddress>))]
    pub log: Option<LogAddress>,

    #[command(flatten)]
    pub kafka: KafkaArgs,
}

/// How an Apache Kafka is used.
#[derive(Debug, Default, Clone, Args)]
pub struct KafkaArgs {
    /// What the names of topics, groups and instances begin with, so that several shops share one cluster [default: nothing]
    #[arg(long, value_name = "TEXT", env = "BREWLINE_PREFIX", help_heading = KAFKA, value_parser = said(value::prefix))]
    pub prefix: Option<String>,

    /// A property of librdkafka, for TLS and SASL for example; again for each. BREWLINE_KAFKA_SASL_PASSWORD is sasl.password [default: none]
    #[arg(long, value_name = "KEY=VALUE", help_heading = KAFKA, value_parser = PropertyParser)]
    pub kafka: Vec<Property>,
}

const KAFKA: &str = "Apache Kafka";

/// Where the counter listens.
#[derive(Debug, Default, Clone, Args)]
pub struct ListenArgs {
    /// Where to listen: an IP address and a port, 0.0.0.0:8080 for other machines as well [default: 127.0.0.1:8080]
    #[arg(long, value_name = "ADDRESS:PORT", env = "BREWLINE_LISTEN", value_parser = said(value::listen))]
    pub listen: Option<SocketAddr>,
}

/// What everyone on the line must know.
#[derive(Debug, Default, Clone, Args)]
pub struct RunArgs {
    /// Open orders at most, 1 to 4294967295; more are refused until there is room [default: 2000000]
    #[arg(long, value_name = "N", env = "BREWLINE_MAX_OPEN", allow_negative_numbers = true, value_parser = said(|n: &str| value::MAX_OPEN.parse(n)))]
    pub max_open: Option<u32>,

    #[command(flatten)]
    pub keep: KeepArgs,
}

/// How the topics are to be.
#[derive(Debug, Default, Clone, Args)]
pub struct KeepArgs {
    /// How long records are kept, 2 to 3650 days [default: 30]
    #[arg(long, value_name = "DAYS", env = "BREWLINE_RETENTION_DAYS", allow_negative_numbers = true, value_parser = said(|n: &str| value::RETENTION_DAYS.parse(n)))]
    pub retention_days: Option<u32>,

    /// How many brokers have each record, 1 to 9; topics with fewer are refused [default: new ones as the cluster likes it, others as they are]
    #[arg(long, value_name = "N", env = "BREWLINE_REPLICATION_FACTOR", help_heading = KAFKA, allow_negative_numbers = true, value_parser = said(|n: &str| value::REPLICATION_FACTOR.parse(n)))]
    pub replication_factor: Option<u16>,
}

/// What a counter takes.
#[derive(Debug, Default, Clone, Args)]
pub struct ServeArgs {
    /// Live streams at most, 1 to 1000000; each open page holds one [default: 20000]
    #[arg(long, value_name = "N", env = "BREWLINE_MAX_STREAMS", allow_negative_numbers = true, value_parser = said(|n: &str| value::MAX_STREAMS.parse(n)))]
    pub max_streams: Option<u32>,

    /// Live streams of one address at most, 1 to 1000000; loopback is not counted [default: 512]
    #[arg(long, value_name = "N", env = "BREWLINE_MAX_STREAMS_PER_ADDRESS", allow_negative_numbers = true, value_parser = said(|n: &str| value::MAX_STREAMS_PER_ADDRESS.parse(n)))]
    pub max_streams_per_address: Option<u32>,

    /// Orders of one address a minute at most, 1 to 1000000; a whole café is one address, loopback is not counted [default: 120]
    #[arg(long, value_name = "N", env = "BREWLINE_ORDERS_PER_MINUTE", allow_negative_numbers = true, value_parser = said(|n: &str| value::ORDERS_PER_MINUTE.parse(n)))]
    pub orders_per_minute: Option<u32>,

    /// Where phones find the counter, behind a proxy or with a name: https://NAME [default: this machine's address in its network, if it listens there]
    #[arg(long, value_name = "URL", env = "BREWLINE_PUBLIC_URL", value_parser = said(value::public_url))]
    pub public_url: Option<PublicUrl>,

    /// Speak https with this certificate, PEM, with those that lead to its issuer behind it; read again when it changes [default: plain http]
    #[arg(long, value_name = "FILE", env = "BREWLINE_TLS_CERT")]
    pub tls_cert: Option<PathBuf>,

    /// The certificate's private key, PEM, without a passphrase [default: plain http]
    #[arg(long, value_name = "FILE", env = "BREWLINE_TLS_KEY")]
    pub tls_key: Option<PathBuf>,

    /// Make a new staff token, show it once, and forget the old one
    #[arg(long)]
    pub new_staff_token: bool,

    /// Show a link that signs in one device as a manager, also where some are signed in
    #[arg(long)]
    pub sign_in_link: bool,

    #[command(flatten)]
    pub shop: ShopArgs,
}

/// What the shop sells, and how it works.
#[derive(Debug, Default, Clone, Args)]
pub struct ShopArgs {
    /// What is sold; read again when it changes [default: menu.toml in this directory, or else an example]
    #[arg(long, value_name = "FILE", env = "BREWLINE_MENU", value_parser = FileParser)]
    pub menu: Option<NamedFile>,

    /// The shop's name, currency, hours and rules; read again when it changes [default: shop.toml in this directory, or else an example]
    #[arg(long, value_name = "FILE", env = "BREWLINE_SHOP", value_parser = FileParser)]
    pub shop: Option<NamedFile>,
}

/// What a barista takes.
#[derive(Debug, Default, Clone, Args)]
pub struct BrewArgs {
    /// Who makes the drinks [default: auto]
    #[arg(long, env = "BREWLINE_MODE", value_parser = said_word::<Mode>())]
    pub mode: Option<Mode>,

    /// How many drinks make themselves at once, 1 to 1000000; where people make them, promises rest on it [default: no limit]
    #[arg(long, value_name = "N", env = "BREWLINE_HANDS", allow_negative_numbers = true, value_parser = said(|n: &str| value::HANDS.parse(n)))]
    pub hands: Option<u32>,

    /// How long one cup takes, 0 to 3600 seconds, where the order does not say [default: 1]
    #[arg(long, value_name = "SECONDS", env = "BREWLINE_SECONDS_PER_CUP", allow_negative_numbers = true, value_parser = said(|n: &str| value::SECONDS_PER_CUP.parse(n)))]
    pub seconds_per_cup: Option<f64>,

    /// Go on although records that were never read, or the state of orders, are gone from the log
    #[arg(long)]
    pub accept_loss: bool,

    /// A name of its own, with which a barista that is started again goes on at once with what it had [default: a new one each time]
    #[arg(long, value_name = "NAME", env = "BREWLINE_INSTANCE", help_heading = KAFKA, value_parser = said(value::instance))]
    pub instance: Option<String>,
}

/// Whether each order's way is shown.
#[derive(Debug, Default, Clone, Args)]
pub struct QuietArgs {
    /// Do not show each order's way: true or false, alone it is true [default: false]
    #[arg(short, long, env = "BREWLINE_QUIET", value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true", value_parser = said(value::switch))]
    pub quiet: Option<bool>,
}

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
}

/// What `barista` takes.
#[derive(Debug, Default, Clone, Args)]
pub struct BaristaArgs {
    #[command(flatten)]
    pub log: SharedArgs,
    #[command(flatten)]
    pub brew: BrewArgs,
    #[command(flatten)]
    pub run: RunArgs,
    #[command(flatten)]
    pub quiet: QuietArgs,
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
pub struct LedgerArgs {
    #[command(flatten)]
    pub line: LineArgs,

    /// How everything was then: a time as in 14:30 or 2026-11-23T14:30, or how long ago as in 10m [default: now]
    #[arg(long, value_name = "TIME", conflicts_with = "follow", value_parser = said(|text: &str| watch::moment(text, &Zoned::now())))]
    pub at: Option<i64>,

    /// Go on until Ctrl-C
    #[arg(long)]
    pub follow: bool,

    /// One JSON object a line, for programs: as GET /ledger has it
    #[arg(long)]
    pub json: bool,

    /// Ask this counter, and do not read the log [default: only where a line that runs has the log, http://127.0.0.1:8080]
    #[arg(long, value_name = "URL", env = "BREWLINE_COUNTER", value_parser = said(value::counter))]
    pub counter: Option<CounterAddress>,

    /// A manager's token for the counter [default: none]
    #[arg(long, value_name = "TOKEN", env = "BREWLINE_TOKEN", hide_env_values = true)]
    pub token: Option<String>,

    /// Whose certificate is trusted where the counter is https, a PEM file [default: those that the system trusts]
    #[arg(long, value_name = "FILE", env = "BREWLINE_CA")]
    pub ca: Option<PathBuf>,

    /// When the shop's days end, where the log is read [default: shop.toml in this directory, or else an example]
    #[arg(long, value_name = "FILE", env = "BREWLINE_SHOP", value_parser = FileParser)]
    pub shop: Option<NamedFile>,
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

/// Who makes the drinks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Mode {
    /// Drinks make themselves, for practice
    Auto,
    /// People make them and say so
    Manual,
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

/// A property of librdkafka. Its value may be a password.
#[derive(Clone, PartialEq, Eq)]
pub struct Property {
    pub key: String,
    pub value: String,
}

impl fmt::Debug for Property {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}=…", self.key)
    }
}

/// What is wrong is said without the value.
#[derive(Clone)]
struct PropertyParser;

impl TypedValueParser for PropertyParser {
    type Value = Property;

    fn parse_ref(&self, command: &Clap, _: Option<&Arg>, value: &OsStr) -> Result<Property, Error> {
        let pair = value.to_str().and_then(|text| text.split_once('=')).filter(|(key, _)| !key.is_empty());
        let wrong =
            |why: &str| Error::raw(ErrorKind::ValueValidation, format!("--kafka: {why}\n")).with_cmd(command);
        let (key, value) = pair.ok_or_else(|| {
            wrong("say a property and its value: --kafka KEY=VALUE, as in --kafka security.protocol=SSL")
        })?;
        check_property(key, value).map_err(|why| wrong(&why))?;
        Ok(Property { key: key.to_owned(), value: value.to_owned() })
    }
}

/// A file, and who names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedFile {
    pub path: PathBuf,
    /// A flag, a variable, or a line of the settings file.
    pub by: String,
}

#[derive(Clone)]
struct FileParser;

impl TypedValueParser for FileParser {
    type Value = NamedFile;

    fn parse_ref(&self, command: &Clap, arg: Option<&Arg>, value: &OsStr) -> Result<NamedFile, Error> {
        self.parse_ref_(command, arg, value, ValueSource::CommandLine)
    }

    fn parse_ref_(
        &self,
        _: &Clap,
        arg: Option<&Arg>,
        value: &OsStr,
        source: ValueSource,
    ) -> Result<NamedFile, Error> {
        Ok(NamedFile { path: value.into(), by: origin(arg, source) })
    }
}

impl Cli {
    /// What the command line and the environment say.
    pub fn read(args: impl IntoIterator<Item = OsString>) -> Result<Self, Error> {
        Self::from_arg_matches(&without_empty_variables(Self::command()).try_get_matches_from(args)?)
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
